//! `trust check`, and what it shares with `trust activate`: reading trust, and whether it would come into force.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;

use super::exit::{Exit, Failure};
use super::out::{Colour, Format, Out};
use crate::event::Digest;
use crate::evidence::Fault;
use crate::ledger::control::TrustRootBytes;
use crate::settings::read_tenants;
use crate::verdict::{CompiledTrust, ConsistencyProof, Reason, SignedCheckpoint, TenantTrust, TrustRoot};

/// What a file of trust holds.
pub enum Trusted {
    Tenants(Vec<TenantTrust>),
    Root(TrustRootBytes),
    Consistency(Box<ConsistencyProof>),
}

/// A consistency proof as a file: what a mirror of the log can say (`/api/v1/log/proof` of Rekor has the hashes).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProofFile {
    /// The log's id.
    log: Digest,
    /// The signed notes of the smaller and of the larger tree.
    old: String,
    new: String,
    hashes: Vec<Digest>,
}

impl ProofFile {
    fn read(self) -> Result<ConsistencyProof, Reason> {
        let read = |note: &str| SignedCheckpoint::read(self.log, note);
        Ok(ConsistencyProof { old: read(&self.old)?, new: read(&self.new)?, hashes: self.hashes.clone() })
    }
}

/// Reads tenants (YAML), a trust root, which is known by its media type, or a consistency proof, known by its notes.
pub fn read(path: &Path) -> Result<Trusted, Failure> {
    let bytes = fs::read(path).map_err(|error| Failure::io(format!("{}: {error}", path.display())))?;
    let json: Option<serde_json::Value> = serde_json::from_slice(&bytes).ok();
    let media_type = json.as_ref().and_then(|json| json.get("mediaType")).and_then(serde_json::Value::as_str);
    if media_type.is_some_and(|of| of.starts_with("application/vnd.dev.sigstore.trustedroot")) {
        let text = String::from_utf8(bytes)
            .map_err(|_| Failure::new(Exit::Usage, format!("{}: not UTF-8", path.display())))?;
        return Ok(Trusted::Root(TrustRootBytes::new(text)));
    }
    if let Some(proof) = json.and_then(|json| serde_json::from_value::<ProofFile>(json).ok()) {
        let wrong = |reason: Reason| Failure::new(Exit::Failed, format!("{}: {reason}", path.display()));
        return Ok(Trusted::Consistency(Box::new(proof.read().map_err(wrong)?)));
    }
    Ok(Trusted::Tenants(read_tenants(path)?))
}

/// A trust root's file, loaded.
pub fn load_root(path: &Path) -> Result<Arc<TrustRoot>, Failure> {
    let bytes = fs::read(path).map_err(|error| Failure::io(format!("{}: {error}", path.display())))?;
    TrustRoot::load(&bytes, Digest::of(&bytes))
        .map_err(|reason| Failure::new(Exit::Failed, format!("{}: expected a trust root: {reason}", path.display())))
}

/// Everything that is wrong with a tenant's trust, each with the name of what it is wrong with; empty when it compiles.
pub fn problems(trust: &TenantTrust, root: Option<&Arc<TrustRoot>>) -> Vec<String> {
    if trust.tenant.as_str().starts_with("0.") {
        return vec![format!("tenant-unknown at {}: names beginning with `0.` are this system's own", trust.tenant)];
    }
    let Err(first) = CompiledTrust::compile(trust, root.cloned()) else { return Vec::new() };
    let mut found = vec![first.to_string()];
    // The compiler stops at the first fault; each key by itself tells the others.
    for key in &trust.keys {
        let alone = TenantTrust { keys: vec![key.clone()], ..TenantTrust::empty(trust.tenant.clone()) };
        if let Err(error) = CompiledTrust::compile(&alone, root.cloned()) {
            let error = error.to_string();
            if !found.contains(&error) {
                found.push(error);
            }
        }
    }
    found
}

/// `attestream trust check`.
pub fn check(file: &Path, root: Option<&Path>, format: Format) -> Result<Exit, Failure> {
    let root = root.map(load_root).transpose()?;
    let out = Out::new();
    let mut exit = Exit::Done;
    let report = |name: &str, detail: &str, problems: &[String]| match format {
        Format::Json => {
            out.line(json!({ "name": name, "ok": problems.is_empty(), "trust": detail, "problems": problems }))
        }
        Format::Text if problems.is_empty() => out.line(format!("{} {name}: {detail}", out.paint(Colour::Green, "ok"))),
        Format::Text => {
            for problem in problems {
                out.line(format!("{} {name}: {problem}", out.paint(Colour::Red, "wrong")));
            }
        }
    };
    match read(file)? {
        Trusted::Root(bytes) => match TrustRoot::load(bytes.json.as_bytes(), bytes.digest) {
            Ok(_) => report("trust root", &bytes.digest.to_string(), &[]),
            Err(reason) => {
                exit = Exit::Failed;
                report("trust root", &bytes.digest.to_string(), &[reason.to_string()]);
            }
        },
        Trusted::Consistency(proof) => {
            let name = format!("consistency of {}", proof.new.origin);
            let detail = format!("{} to {}", proof.old.size, proof.new.size);
            let signed = |checkpoint: &SignedCheckpoint| root.as_ref().and_then(|root| checkpoint.verify(root).err());
            let mut problems: Vec<String> =
                [&proof.old, &proof.new].into_iter().filter_map(signed).map(|reason| reason.to_string()).collect();
            if !proof.holds() {
                problems.push(Fault::ConsistencyInvalid.to_string());
            }
            if !problems.is_empty() {
                exit = Exit::Failed;
            }
            report(&name, &detail, &problems);
        }
        Trusted::Tenants(tenants) if tenants.is_empty() => exit = Exit::Indeterminate,
        Trusted::Tenants(tenants) => {
            for trust in &tenants {
                let problems = problems(trust, root.as_ref());
                if !problems.is_empty() {
                    exit = Exit::Failed;
                }
                let digest = trust.digest(root.as_ref().map(|root| root.digest()));
                let detail = format!("{} keys, {} identities, {digest}", trust.keys.len(), trust.identities.len());
                report(trust.tenant.as_str(), &detail, &problems);
            }
        }
    }
    Ok(exit)
}
