//! `attestream verify`: one attestation, offline, by the same rules as in the stream.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use serde_json::json;

use super::args::Verify;
use super::exit::{Exit, Failure};
use super::out::{Colour, Format, Out};
use super::trust;
use crate::event::{Millis, Tenant};
use crate::settings::read_tenants;
use crate::verdict::tenant::{KeyAlgorithm, LogPolicy, PinnedKey};
use crate::verdict::{self, AttestationResult, AttestationStatus, CompiledTrust, Standing, TenantTrust};

/// Algorithms that a key file may hold; it says itself which.
const ALGORITHMS: [KeyAlgorithm; 5] = [
    KeyAlgorithm::Ed25519,
    KeyAlgorithm::EcdsaP256Sha256,
    KeyAlgorithm::EcdsaP384Sha384,
    KeyAlgorithm::EcdsaP521Sha512,
    KeyAlgorithm::RsaPkcs1Sha256,
];

pub fn verify(asked: &Verify) -> Result<Exit, Failure> {
    let root = asked.root.as_deref().map(trust::load_root).transpose()?;
    let trust = trust_of(asked)?;
    let compiled = CompiledTrust::compile(&trust, root).map_err(|error| Failure::new(Exit::Usage, error))?;
    let bytes = fs::read(&asked.bundle).map_err(|error| Failure::io(format!("{}: {error}", asked.bundle.display())))?;
    let out = Out::new();
    let parsed = match verdict::parse(&bytes, &compiled.own_types()) {
        Ok(parsed) => parsed,
        Err(reason) => {
            match asked.format {
                Format::Json => out.line(json!({ "status": "failed", "reasons": [reason.code()], "checks": [] })),
                Format::Text => out.line(format!("{} {reason}", out.paint(Colour::Red, "failed"))),
            }
            return Ok(Exit::Failed);
        }
    };
    let result = verdict::verify(&parsed, &compiled, now());
    let standing = verdict::standing(&result, &trust);
    show(&out, asked.format, &parsed, &result, &standing);
    Ok(match standing.status {
        // A time that lies ahead is right and does not count yet.
        AttestationStatus::Verified if result.not_before.is_some() => Exit::Indeterminate,
        AttestationStatus::Verified => Exit::Done,
        AttestationStatus::KeyPolicyMismatch | AttestationStatus::Failed => Exit::Failed,
    })
}

fn trust_of(asked: &Verify) -> Result<TenantTrust, Failure> {
    let usage = |message: String| Failure::new(Exit::Usage, message);
    if let Some(path) = &asked.key {
        return key_alone(path, asked.root.is_some());
    }
    let path = asked.trust.as_deref().unwrap_or(Path::new(""));
    let mut tenants = read_tenants(path)?;
    if let Some(name) = &asked.tenant {
        tenants.retain(|trust| trust.tenant.as_str() == name);
    }
    match (tenants.pop(), tenants.is_empty()) {
        (Some(trust), true) => Ok(trust),
        (None, _) => Err(usage(format!("{}: the tenant is not in it", path.display()))),
        (Some(_), false) => Err(usage(format!("{}: several tenants; name one with --tenant", path.display()))),
    }
}

/// A tenant that trusts one key. With a trust root the log is demanded; without one there is none to ask.
fn key_alone(path: &Path, rooted: bool) -> Result<TenantTrust, Failure> {
    let spki = fs::read_to_string(path).map_err(|error| Failure::io(format!("{}: {error}", path.display())))?;
    let tenant = Tenant::new("verify").map_err(|error| Failure::new(Exit::Usage, error))?;
    let log = if rooted { LogPolicy::Proof } else { LogPolicy::None };
    let pinned = |algorithm| PinnedKey {
        name: path.display().to_string(),
        spki: spki.clone(),
        algorithm,
        valid_from: None,
        valid_until: None,
        revoked_at: None,
        predicate_types: Vec::new(),
    };
    let trusts = ALGORITHMS.map(|algorithm| TenantTrust {
        keys: vec![pinned(algorithm)],
        log,
        ..TenantTrust::empty(tenant.clone())
    });
    let fits = trusts.into_iter().find(|trust| CompiledTrust::compile(trust, None).is_ok());
    let expected = "expected a public key (PEM): Ed25519, ECDSA P-256, P-384 or P-521, or RSA";
    fits.ok_or_else(|| Failure::new(Exit::Usage, format!("{}: {expected}", path.display())))
}

fn show(out: &Out, format: Format, parsed: &verdict::ParsedEvidence, result: &AttestationResult, standing: &Standing) {
    let facts = verdict::facts(parsed);
    if format == Format::Json {
        return out.line(json!({
            "status": standing.status,
            "reasons": standing.reasons,
            "checks": standing.checks,
            "trustedTime": standing.trusted_time,
            "notBefore": result.not_before,
            "key": standing.key,
            "rekor": standing.rekor,
            "envelope": facts.envelope,
            "predicateType": facts.statement.as_ref().map(|statement| &statement.predicate_type),
            "subjects": facts.statement.as_ref().map(|statement| &statement.subjects),
        }));
    }
    let (colour, word) = match standing.status {
        AttestationStatus::Verified => (Colour::Green, "verified"),
        AttestationStatus::KeyPolicyMismatch => (Colour::Yellow, "key-policy-mismatch"),
        AttestationStatus::Failed => (Colour::Red, "failed"),
    };
    out.line(format!("{} {}", out.paint(colour, word), standing.reasons.join(", ")));
    for check in &standing.checks {
        let outcome = match check.outcome {
            verdict::CheckOutcome::Pass => out.paint(Colour::Green, "pass"),
            verdict::CheckOutcome::Fail => out.paint(Colour::Red, "fail"),
            verdict::CheckOutcome::Skip => out.paint(Colour::Dim, "skip"),
        };
        out.line(format!("  {outcome}  {}  {}", check.check, check.code.as_deref().unwrap_or_default()));
    }
    if let Some(key) = &standing.key {
        let by = key.identity.as_deref().or(key.key_name.as_deref()).unwrap_or_default();
        out.line(format!("  signed by {} {}", super::out::tame(by), key.key_id));
    }
    if let Some(time) = standing.trusted_time {
        out.line(format!("  at {}", time.rfc3339()));
    }
}

/// The clock of this machine.
pub fn now() -> Millis {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_millis());
    Millis(i64::try_from(since).unwrap_or(i64::MAX))
}
