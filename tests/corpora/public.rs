//! Provenance of real releases, and bundles of other clients, under the public-good trust root: in this process, and
//! through Kafka, which must say the same.

use std::path::Path;

use attestream::event::{Digest, Kind, Tenant, jcs};
use attestream::ledger::control::TrustRootBytes;
use attestream::verdict::tenant::{LogPolicy, PinnedIdentity, PredicateType};
use attestream::verdict::{
    self, AttestationResult, AttestationStatus, Class, CompiledTrust, Reason, TenantTrust, TrustRoot,
};
use serde_json::Value;

use super::sets::{corpus, files, name};
use super::site::{NOW, Site, bytes};
use super::table::Table;
use crate::broker;

const SETS: [&str; 2] = ["slsa-verifier", "sigstore"];

const ACTIONS: &str = "https://token.actions.githubusercontent.com";
const OAUTH: &str = "https://github.com/login/oauth";
/// Whom a careful tenant believes: the builders of SLSA's generator at a release tag, workflows that published a package,
/// and people by their address.
const CAREFUL: [(&str, &str); 5] = [
    (ACTIONS, r"https://github\.com/slsa-framework/slsa-github-generator/\.github/workflows/.+@refs/tags/v.+"),
    (ACTIONS, r"https://github\.com/bazel-contrib/publish-to-bcr/\.github/workflows/.+@refs/tags/v.+"),
    (ACTIONS, r"https://github\.com/sigstore/sigstore-js/\.github/workflows/release\.yml@refs/heads/main"),
    (ACTIONS, r"https://github\.com/prefix-dev/sigstore-example/\.github/workflows/action\.yaml@refs/heads/main"),
    (OAUTH, r".+@.+"),
];
/// Any workflow and any person: all that is left is what cryptography says.
const ANYBODY: [(&str, &str); 2] = [(ACTIONS, r"https://github\.com/.+/\.github/workflows/.+@.+"), (OAUTH, r".+@.+")];
/// Predicate types that are not built in.
const OWN: [&str; 5] = [
    "https://github.com/npm/attestation/tree/main/specs/publish/v0.1",
    "https://schemas.conda.org/attestations-publish-1.schema.json",
    "https://sigstore.dev/cosign/sign/v1",
    "https://in-toto.io/attestation/release/v0.2",
    "https://slsa.dev/provenance/v1.0?draft",
];

fn trust(identities: &[(&str, &str)], log: LogPolicy) -> TenantTrust {
    let mut trust = TenantTrust::empty(Tenant::new("public").unwrap());
    let identity = |(issuer, san): &(&str, &str)| PinnedIdentity {
        issuer: (*issuer).into(),
        san: None,
        san_regex: Some((*san).into()),
    };
    trust.identities = identities.iter().map(identity).collect();
    trust.predicate_types =
        OWN.into_iter().map(|name| PredicateType { predicate_type: name.into(), kind: Kind::Ingest }).collect();
    trust.log = log;
    trust
}

fn compile(trust: &TenantTrust, root: &[u8]) -> CompiledTrust {
    CompiledTrust::compile(trust, Some(TrustRoot::load(root, Digest::of(root)).unwrap())).unwrap()
}

fn verify(bytes: &[u8], trust: &CompiledTrust) -> Result<AttestationResult, Reason> {
    Ok(verdict::verify(&verdict::parse(bytes, &trust.own_types())?, trust, NOW))
}

/// What a tenant says of a file.
fn said(outcome: &Result<AttestationResult, Reason>) -> String {
    match outcome {
        Ok(result) if result.reasons.is_empty() => {
            assert_eq!(result.status, AttestationStatus::Verified);
            "verified".to_owned()
        }
        Ok(result) => {
            assert_ne!(result.status, AttestationStatus::Verified);
            result.reasons.join(" ")
        }
        Err(reason) => {
            assert_eq!(reason.class(), Class::DeadLetter, "{reason}");
            reason.code().to_owned()
        }
    }
}

/// Evidence in a file: itself, or the bundles of an answer by npm's registry, which carries several.
fn evidence(bytes: &[u8]) -> (bool, Vec<Vec<u8>>) {
    let Ok(answer) = serde_json::from_slice::<Value>(bytes) else { return (false, vec![bytes.to_vec()]) };
    let Some(listed) = answer["attestations"].as_array() else { return (false, vec![bytes.to_vec()]) };
    (true, listed.iter().map(|attestation| jcs::of_own_value(&attestation["bundle"])).collect())
}

/// The folder of a file, at most two deep: a row of the table.
fn row(name: &str) -> String {
    let folders: Vec<&str> = name.split('/').collect();
    folders[..folders.len() - 1].iter().take(2).copied().collect::<Vec<_>>().join("/")
}

/// Fulcio's roots, in base64.
fn roots(public: &[u8]) -> Vec<String> {
    let root: Value = serde_json::from_slice(public).unwrap();
    let authorities = root["certificateAuthorities"].as_array().unwrap();
    let anchor = |authority: &Value| {
        authority["certChain"]["certificates"].as_array()?.last()?["rawBytes"].as_str().map(str::to_owned)
    };
    authorities.iter().filter_map(anchor).collect()
}

/// What their names say of files that nobody must believe, whoever is trusted.
const LIES: [&str; 2] = ["invalid", "no-tlog-upload"];

fn judge(root: &Path, trust: &CompiledTrust, roots: &[String]) -> Table {
    let mut table = Table::default();
    for path in SETS.into_iter().flat_map(|set| files(&root.join(set))) {
        let name = name(root, &path);
        let bytes = bytes(&path);
        let (several, evidence) = evidence(&bytes);
        if several {
            table.count(&row(&name), &said(&verify(&bytes, trust)));
        }
        for (at, bytes) in evidence.iter().enumerate() {
            let outcome = verify(bytes, trust);
            let said = said(&outcome);
            let row = if several { format!("{}, bundles inside", row(&name)) } else { row(&name) };
            table.count(&row, &said);
            let inside = if several { format!(" #{at}") } else { String::new() };
            match outcome {
                Ok(result) if said == "verified" => {
                    // Of several bundles in one file, the name means one.
                    assert!(several || !LIES.iter().any(|lie| name.contains(lie)), "{name} must not verify");
                    let key = result.key.unwrap();
                    table.name(format!("{name}{inside} by {}", key.identity.unwrap_or(key.key_id)));
                }
                Ok(_) if said.contains("certificate-invalid") => {
                    // All of these lead to Fulcio. What is wrong is that their clients sent its root along (rule P4).
                    let text = String::from_utf8_lossy(bytes);
                    assert!(roots.iter().any(|root| text.contains(root)), "{name}: {said}, and no root is in it");
                    table.refuse(&format!("{name}{inside}"), &said);
                }
                Ok(_) if said != "key-unknown" => table.refuse(&format!("{name}{inside}"), &said),
                _ => {}
            }
        }
    }
    table
}

#[test]
fn evidence_of_real_releases_under_the_public_root() {
    let Some(root) = corpus(&SETS) else { return };
    let public = bytes(&root.join("sigstore/trusted_root.json"));
    let tenants = [
        (&CAREFUL[..], LogPolicy::Proof, "known builders, `log: proof` (the default)"),
        (&CAREFUL[..], LogPolicy::Promise, "known builders, `log: promise`"),
        (&ANYBODY[..], LogPolicy::Promise, "any workflow and person, `log: promise`"),
    ];
    let mut before = 0;
    for (identities, log, title) in tenants {
        let table = judge(&root, &compile(&trust(identities, log), &public), &roots(&public));
        let verified = table.total("verified");
        assert!(verified >= 20 && verified >= before, "{title}: {verified}; who trusts more believes more");
        before = verified;
        table.publish(&format!("Evidence of others under the public-good root: {title}"));
    }
}

#[test]
fn kafka_says_of_them_what_the_verifier_says() {
    let Some(root) = corpus(&SETS) else { return };
    let Some(cluster) = broker::shared() else { return };
    let public = bytes(&root.join("sigstore/trusted_root.json"));
    let trust = trust(&CAREFUL, LogPolicy::Proof);
    let compiled = compile(&trust, &public);
    let json = String::from_utf8(public).unwrap();
    let site = Site::open(cluster, vec![trust], Some(TrustRootBytes::new(json)));
    let published: Vec<_> = SETS.into_iter().flat_map(|set| site.publish("public", &[root.join(set)])).collect();
    site.settle();
    let fates = site.fates();
    let mut table = Table::default();
    for line in &published {
        let name = name(&root, &line.path);
        let (Some(digest), "published") = (line.digest, line.outcome.as_str()) else {
            table.count(&row(&name), &format!("not published: {}", line.why.as_deref().unwrap()));
            continue;
        };
        let fate = fates[&("public".to_owned(), digest)].said();
        assert_eq!(fate, said(&verify(&bytes(&line.path), &compiled)), "{name}");
        table.count(&row(&name), &fate);
    }
    let judgement = site.judge();
    assert!(judgement.events.is_empty(), "evidence alone makes no event");
    table.publish("Evidence of others on Kafka: known builders, `log: proof`");
}
