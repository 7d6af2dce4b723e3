//! `attestream verify`: one attestation, offline, by the same rules as in the stream.

use std::path::Path;
use std::time::SystemTime;

use super::args_verify::{KeyChoice, LogChoice, Verify};
use super::believe;
use super::exit::{Exit, Failure};
use super::opinion::{DOCUMENT, FILE, Opinion};
use super::out::Out;
use crate::event::{Digest, Millis, jcs, json};
use crate::evidence::Artifact;
use crate::formats::{Note, statement};
use crate::verdict::reason::Cause;
use crate::verdict::tenant::{KeyAlgorithm, LogPolicy};
use crate::verdict::{self, CompiledTrust, ParsedEvidence, Reason, TenantTrust, TrustRoot};

pub fn verify(asked: &Verify) -> Result<Exit, Failure> {
    let mut root = believe::load_root(asked.root.as_deref())?;
    if root.is_none() && asked.certificate_identity.is_some() {
        root = Some(believe::shipped_root(false)?);
    }
    let trusts = trusts(asked, root.is_some())?;
    let bytes = evidence(asked)?;
    let file = asked.file.as_deref().map(believe::artifact).transpose()?;
    let document = asked.document.as_deref().map(believe::read_file).transpose()?;
    let mut opinion = best(&bytes, &trusts, root.as_ref(), file.as_ref())?;
    if let Ok((parsed, opinion)) = &mut opinion
        && let Some(document) = &document
    {
        opinion.also(DOCUMENT, judge_document(parsed, document));
    }
    let opinion = match opinion {
        Ok((_, opinion)) => opinion,
        Err(reason) => Opinion::refused(reason),
    };
    opinion.show(&Out::new(), asked.format);
    Ok(opinion.exit())
}

/// Evidence, parsed, with an opinion on it; the reason where it is none.
pub type Judged = Result<(ParsedEvidence, Opinion), Reason>;

/// The first opinion that verifies, else the first. There are two trusts where a key may be of two algorithms.
pub fn best(
    bytes: &[u8],
    trusts: &[TenantTrust],
    root: Option<&std::sync::Arc<TrustRoot>>,
    file: Option<&Artifact>,
) -> Result<Judged, Failure> {
    let mut first = None;
    for trust in trusts {
        let compiled =
            CompiledTrust::compile(trust, root.cloned()).map_err(|error| Failure::new(Exit::Usage, error))?;
        let parsed = match file {
            Some(file) => verdict::parse_about(bytes, file, &compiled.own_types()),
            None => verdict::parse(bytes, &compiled.own_types()),
        };
        let parsed = match parsed {
            Ok(parsed) => parsed,
            Err(reason) => return Ok(Err(reason)),
        };
        let mut opinion = Opinion::of(&parsed, trust, &compiled, now());
        // A message signature is about the file exactly where it verifies.
        if let Some(file) = file.filter(|_| parsed.evidence.envelope.file.is_none() || opinion.signed()) {
            opinion.also(FILE, verdict::judge_file(&parsed, file));
        }
        if opinion.exit() == Exit::Done {
            return Ok(Ok((parsed, opinion)));
        }
        first = first.or(Some((parsed, opinion)));
    }
    first.map(Ok).ok_or_else(|| Failure::new(Exit::Usage, "nobody to believe"))
}

fn trusts(asked: &Verify, rooted: bool) -> Result<Vec<TenantTrust>, Failure> {
    // With a trust root the log is demanded; without one there is none to ask.
    let log = match asked.log {
        Some(LogChoice::Proof) => LogPolicy::Proof,
        Some(LogChoice::Promise) => LogPolicy::Promise,
        Some(LogChoice::None) => LogPolicy::None,
        None if rooted => LogPolicy::Proof,
        None => LogPolicy::None,
    };
    match (&asked.key, &asked.certificate_identity, &asked.certificate_oidc_issuer) {
        (Some(path), _, _) => believe::key(path, asked.key_algorithm.map(algorithm), log),
        (None, Some(name), Some(issuer)) => Ok(vec![believe::identity(name, issuer, log)?]),
        _ => {
            let path = asked.trust.as_deref().unwrap_or(Path::new(""));
            Ok(vec![believe::tenant(path, asked.tenant.as_deref())?])
        }
    }
}

fn algorithm(chosen: KeyChoice) -> KeyAlgorithm {
    match chosen {
        KeyChoice::Ed25519 => KeyAlgorithm::Ed25519,
        KeyChoice::Ed25519ph => KeyAlgorithm::Ed25519ph,
        KeyChoice::EcdsaP256Sha256 => KeyAlgorithm::EcdsaP256Sha256,
        KeyChoice::EcdsaP384Sha384 => KeyAlgorithm::EcdsaP384Sha384,
        KeyChoice::EcdsaP521Sha512 => KeyAlgorithm::EcdsaP521Sha512,
        KeyChoice::RsaPkcs1Sha256 => KeyAlgorithm::RsaPkcs1Sha256,
        KeyChoice::RsaPssSha256 => KeyAlgorithm::RsaPssSha256,
    }
}

/// The evidence: one file, or an envelope and its entry put side by side, each as it was read.
fn evidence(asked: &Verify) -> Result<Vec<u8>, Failure> {
    let bundle = believe::read_file(&asked.bundle)?;
    let Some(path) = &asked.entry else { return Ok(bundle) };
    let entry = believe::read_file(path)?;
    Ok([b"{\"dsseEnvelope\":", bundle.as_slice(), b",\"rekorEntry\":", &entry, b"}"].concat())
}

/// Whether the predicate is the document, equal as JSON values, or names its SHA-256.
fn judge_document(parsed: &ParsedEvidence, document: &[u8]) -> Result<(), Reason> {
    let statement = parsed.statement.as_ref().map_err(|reason| *reason)?;
    let canonical = if json::check(document).is_ok() { jcs::canonical_digest(document).map(Some) } else { Ok(None) };
    if statement::binds(statement, Digest::of(document), canonical.ok().flatten()) {
        return Ok(());
    }
    Err(if canonical.is_err() { Note::DocumentNumberInexact.into() } else { Cause::DocumentUnbound.into() })
}

/// The clock of this machine.
pub fn now() -> Millis {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_millis());
    Millis(i64::try_from(since).unwrap_or(i64::MAX))
}
