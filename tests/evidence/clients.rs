//! Every bundle and envelope that other clients made, each with the verdict that must be given: `verdicts.json` beside the
//! vectors says it for the sets of real evidence, which lie where `ATTESTREAM_CORPUS` points.

use std::collections::BTreeMap;
use std::path::Path;

use attestream::event::{Digest, Kind, Millis, Tenant, jcs};
use attestream::verdict::tenant::{LogPolicy, PinnedIdentity, PredicateType};
use attestream::verdict::{self, AttestationStatus, CompiledTrust, TenantTrust, TrustRoot};
use serde_json::Value;

use crate::corpora::sets::{corpus, files, name};

const NOW: Millis = Millis(1_795_300_000_000);
/// Whom the tenant believes, whatever name they vouch for: all that is left is what cryptography says.
const ISSUERS: [&str; 5] = [
    "https://token.actions.githubusercontent.com",
    "https://github.com/login/oauth",
    "https://accounts.google.com",
    "http://oidc.local:8080",
    // GitHub's own Fulcio states no issuer: it vouches itself.
    "fulcio.githubapp.com",
];
const OWN: [&str; 5] = [
    "https://github.com/npm/attestation/tree/main/specs/publish/v0.1",
    "https://schemas.conda.org/attestations-publish-1.schema.json",
    "https://sigstore.dev/cosign/sign/v1",
    "https://in-toto.io/attestation/release/v0.2",
    "https://slsa.dev/provenance/v1.0?draft",
];

fn vectors(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(name)
}

pub fn trust(root: &str, log: &str) -> CompiledTrust {
    let root = std::fs::read(vectors("sigstore").join(root)).unwrap();
    let root = TrustRoot::load(&root, Digest::of(&root)).unwrap();
    let mut trust = TenantTrust::empty(Tenant::new("acme").unwrap());
    let identity = |issuer: &str| PinnedIdentity { issuer: issuer.into(), san: None, san_regex: Some("(?s).+".into()) };
    trust.identities = ISSUERS.into_iter().map(identity).collect();
    let own = |name: &str| PredicateType { predicate_type: name.into(), kind: Kind::Ingest };
    trust.predicate_types = OWN.into_iter().map(own).collect();
    trust.log = match log {
        "proof" => LogPolicy::Proof,
        "promise" => LogPolicy::Promise,
        _ => LogPolicy::None,
    };
    CompiledTrust::compile(&trust, Some(root)).unwrap()
}

fn said(bytes: &[u8], trust: &CompiledTrust) -> String {
    match verdict::parse(bytes, &trust.own_types()) {
        Err(reason) => reason.code().to_owned(),
        Ok(parsed) => {
            let result = verdict::verify(&parsed, trust, NOW);
            let verified = result.status == AttestationStatus::Verified;
            if verified { "verified".to_owned() } else { result.reasons.join(" ") }
        }
    }
}

/// The evidence in a file: itself, or the bundles of an answer by npm's registry; none where it is no evidence at all.
fn evidence(name: &str, bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let Ok(value) = serde_json::from_slice::<Value>(bytes) else { return Vec::new() };
    if let Some(listed) = value["attestations"].as_array() {
        let inside = |(at, one): (usize, &Value)| (format!("{name}#{at}"), jcs::of_own_value(&one["bundle"]));
        return listed.iter().enumerate().map(inside).collect();
    }
    let marks = ["verificationMaterial", "payloadType", "dsseEnvelope", "base64Signature"];
    let is_evidence = marks.iter().any(|mark| value.get(mark).is_some());
    if is_evidence { vec![(name.to_owned(), bytes.to_vec())] } else { Vec::new() }
}

/// Root and log policy of the tenant, and what it must say, by file; the policies of a file are rows of their own.
type Verdicts = BTreeMap<String, Vec<[String; 3]>>;

fn judge(set: &str, default: &[[&str; 2]]) {
    let verdicts: Verdicts =
        serde_json::from_slice(&std::fs::read(vectors(set).join("verdicts.json")).unwrap()).unwrap();
    let Some(root) = corpus(&[set]) else { return };
    let mut tenants: BTreeMap<[String; 2], CompiledTrust> = BTreeMap::new();
    let (mut wrong, mut seen) = (Verdicts::new(), 0);
    for path in files(&root.join(set)) {
        for (name, bytes) in evidence(&name(&root, &path), &std::fs::read(&path).unwrap()) {
            let unlisted: Vec<[String; 3]> =
                default.iter().map(|[root, log]| [(*root).to_owned(), (*log).to_owned(), String::new()]).collect();
            let rows = verdicts.get(&name).unwrap_or(&unlisted);
            let judged: Vec<[String; 3]> = rows
                .iter()
                .map(|[root, log, _]| {
                    let tenant = tenants.entry([root.clone(), log.clone()]).or_insert_with(|| trust(root, log));
                    [root.clone(), log.clone(), said(&bytes, tenant)]
                })
                .collect();
            if judged != *rows {
                wrong.insert(name, judged);
            }
            seen += 1;
        }
    }
    assert!(wrong.is_empty(), "what was said instead: {}", serde_json::to_string_pretty(&wrong).unwrap());
    assert_eq!(seen, verdicts.len(), "a listed file is gone");
}

#[test]
fn every_bundle_of_sigstores_clients() {
    judge("sigstore", &[["trusted_root.json", "proof"]]);
}

#[test]
fn every_provenance_of_the_slsa_verifier() {
    judge("slsa-verifier", &[["trusted_root.json", "proof"], ["trusted_root.json", "promise"]]);
}
