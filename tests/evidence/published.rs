//! Published vectors: RFC 6962 proofs, Ed25519 edge cases, RFC 8785 outputs, Sigstore bundles of other clients.

use std::path::{Path, PathBuf};

use attestream::event::{Digest, Millis, Tenant, base64, digest, jcs};
use attestream::evidence::note::{Checkpoint, WitnessKey};
use attestream::evidence::{KeyAlgorithm, PublicKey, keys, merkle};
use attestream::verdict::tenant::{LogPolicy, PinnedIdentity, PredicateType};
use attestream::verdict::{self, AttestationStatus, CompiledTrust, TenantTrust, TrustRoot};
use serde_json::Value;

fn vectors(set: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(set)
}

fn json_files(folder: &Path, found: &mut Vec<Value>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            json_files(&path, found);
        } else {
            found.push(serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap());
        }
    }
}

/// A hash of a vector; `None` where it is not of 32 bytes, which our type cannot hold.
fn hash(value: &Value) -> Option<Digest> {
    let bytes = base64::decode(value.as_str().unwrap()).unwrap();
    Some(Digest::from_bytes(bytes.try_into().ok()?))
}

fn proof(value: &Value) -> Option<Vec<Digest>> {
    value.as_array().map_or(Some(Vec::new()), |hashes| hashes.iter().map(hash).collect())
}

#[test]
fn inclusion_proofs_of_rfc_6962() {
    let mut cases = Vec::new();
    json_files(&vectors("rfc6962/inclusion"), &mut cases);
    for case in &cases {
        let verified = || {
            let (leaf, root, proof) = (hash(&case["leafHash"])?, hash(&case["root"])?, proof(&case["proof"])?);
            let (index, size) = (case["leafIdx"].as_u64()?, case["treeSize"].as_u64()?);
            merkle::verify_inclusion(index, size, leaf, &proof, root).ok()
        };
        assert_eq!(verified().is_none(), case["wantErr"].as_bool().unwrap(), "{case}");
    }
    let good = cases.iter().filter(|case| case["wantErr"] == false).count();
    println!("rfc 6962 inclusion: {} cases, {good} expected to verify, {good} did", cases.len());
    assert_eq!(cases.len(), 76);
}

#[test]
fn consistency_proofs_of_rfc_6962() {
    let mut cases = Vec::new();
    json_files(&vectors("rfc6962/consistency"), &mut cases);
    let mut unlike = Vec::new();
    for case in &cases {
        let verified = || {
            let (old, new) = (case["size1"].as_u64()?, case["size2"].as_u64()?);
            let (old_root, new_root, proof) = (hash(&case["root1"])?, hash(&case["root2"])?, proof(&case["proof"])?);
            merkle::verify_consistency(old, new, &proof, old_root, new_root).ok()
        };
        if verified().is_none() != case["wantErr"].as_bool().unwrap() {
            unlike.push(case["desc"].as_str().unwrap().to_owned());
        }
    }
    let good = cases.iter().filter(|case| case["wantErr"] == false).count();
    println!("rfc 6962 consistency: {} cases, {good} expected to verify, {} did", cases.len(), good - unlike.len());
    assert_eq!(cases.len(), 67);
    // Its roots have 12 bytes: no roots here.
    assert_eq!(unlike, ["sizes are equal (one) and proof is empty"], "{unlike:?}");
}

/// RFC 8032 with everything refused on which implementations differ: small order, non-canonical A or R.
#[test]
fn the_strict_rule_of_ed25519() {
    let text = std::fs::read(vectors("ed25519-cctv/ed25519vectors.json")).unwrap();
    let cases: Vec<Value> = serde_json::from_slice(&text).unwrap();
    let mut accepted = 0;
    for case in &cases {
        let flags: Vec<&str> = case["flags"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let bytes = |name: &str| digest::unhex(case[name].as_str().unwrap()).unwrap();
        let raw: [u8; 32] = bytes("key").try_into().unwrap();
        let key = PublicKey::from_spki(&keys::ed25519_spki(&raw), KeyAlgorithm::Ed25519);
        let verified = key.is_ok_and(|key| key.verify(case["msg"].as_str().unwrap().as_bytes(), &bytes("sig")).is_ok());
        if verified {
            accepted += 1;
            let strict = ["low_order_A", "low_order_R", "non_canonical_A", "non_canonical_R"];
            assert!(!flags.iter().any(|flag| strict.contains(flag)), "{case}");
            // The equation without cofactor holds: the residue is not one of low order.
            assert!(!flags.contains(&"low_order_residue"), "{case}");
        }
    }
    println!("ed25519 cctv: {} cases, 43 expected to verify, {accepted} did", cases.len());
    assert_eq!((cases.len(), accepted), (914, 43));
}

#[test]
fn canonical_json_of_rfc_8785() {
    let mut seen = 0;
    for entry in std::fs::read_dir(vectors("jcs/input")).unwrap() {
        let path = entry.unwrap().path();
        let value: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let expected = std::fs::read(vectors("jcs/output").join(path.file_name().unwrap())).unwrap();
        assert_eq!(jcs::of_own_value(&value), expected.trim_ascii_end(), "{}", path.display());
        seen += 1;
    }
    println!("rfc 8785: {seen} cases, {seen} expected, {seen} did");
    assert_eq!(seen, 6);
}

fn keyless(root: &str, issuer: &str, log: LogPolicy) -> CompiledTrust {
    let root = std::fs::read(vectors("sigstore").join(root)).unwrap();
    let root = TrustRoot::load(&root, Digest::of(&root)).unwrap();
    let mut trust = TenantTrust::empty(Tenant::new("acme").unwrap());
    trust.identities = vec![PinnedIdentity { issuer: issuer.into(), san: None, san_regex: Some(".+".into()) }];
    trust.log = log;
    let own = [
        "https://github.com/npm/attestation/tree/main/specs/publish/v0.1",
        "https://schemas.conda.org/attestations-publish-1.schema.json",
        "https://sigstore.dev/cosign/sign/v1",
        "https://in-toto.io/attestation/release/v0.2",
    ];
    let own = own.map(|name| PredicateType { predicate_type: name.into(), kind: attestream::event::Kind::Ingest });
    trust.predicate_types = own.into();
    CompiledTrust::compile(&trust, Some(root)).unwrap()
}

/// Bundles of other clients: file, trust root, issuer, and what a tenant that demands a proof says.
const BUNDLES: [(&str, &str, &str, &str); 23] = [
    ("go/dsse-2sigs.sigstore.json", PUBLIC, OAUTH, "bundle-signature-count"),
    ("go/dsse.sigstore.json", PUBLIC, OAUTH, "certificate-invalid inclusion-proof-missing"),
    ("go/othername.sigstore.json", "go/scaffolding.json", GITHUB, "no-envelope"),
    ("go/public-key-validity.sigstore.json", PUBLIC, GITHUB, "no-envelope"),
    ("go/sigstore.js@2.0.0-provenance.sigstore.json", PUBLIC, GITHUB, "verified"),
    ("js/bundleV01-dsse-no-proof.sigstore", PUBLIC, OAUTH, "inclusion-proof-missing"),
    ("js/bundleV01-dsse-with-proof.sigstore", PUBLIC, OAUTH, "verified"),
    ("js/bundleV01-full-cert-chain.sigstore", PUBLIC, OAUTH, "certificate-invalid inclusion-proof-missing"),
    ("js/bundleV01-intoto-no-proof.sigstore", PUBLIC, OAUTH, "inclusion-proof-missing"),
    ("js/bundleV01-intoto-with-proof.sigstore", PUBLIC, OAUTH, "verified"),
    ("js/bundleV02-dsse.sigstore", PUBLIC, OAUTH, "verified"),
    ("js/bundleV02-intoto.sigstore", PUBLIC, OAUTH, "verified"),
    ("js/bundleV03-dsse.sigstore", PUBLIC, OAUTH, "verified"),
    ("js/bundleV03-intoto.sigstore", PUBLIC, OAUTH, "verified"),
    ("python/a.dsse.staging-rekor-v2.txt.sigstore.json", STAGING, GITHUB, "certificate-not-logged log-unknown"),
    ("python/bundle_invalid_version.txt.sigstore", STAGING, GITHUB, "no-envelope"),
    ("python/bundle_no_log_entry.txt.sigstore", STAGING, GITHUB, "no-envelope"),
    ("python/bundle_v3.txt.sigstore", STAGING, GITHUB, "no-envelope"),
    // Of the staging instance: its log and its time stamp authority are none of the public one's.
    ("rust/conda-attestation-rekor2.sigstore.json", PUBLIC, OAUTH, "log-unknown timestamp-authority-unknown"),
    ("rust/conda-attestation.sigstore.json", PUBLIC, GITHUB, "verified"),
    ("rust/cosign_v3_missing_fields.json", PUBLIC, GITHUB, "evidence-field"),
    ("rust/github-private-attestation.sigstore.json", GITHUB_ROOT, GITHUB, "certificate-issuer-missing"),
    ("rust/github_sha384_bundle.json", GITHUB_ROOT, GITHUB, "certificate-issuer-missing"),
];

const PUBLIC: &str = "trusted_root.json";
const STAGING: &str = "python/staging_trusted_root.json";
/// Its certificates name no issuer, so that no identity can fit: they stay refused.
const GITHUB_ROOT: &str = "rust/github_trusted_root.json";
const OAUTH: &str = "https://github.com/login/oauth";
const GITHUB: &str = "https://token.actions.githubusercontent.com";
const NOW: Millis = Millis(1_795_300_000_000);

#[test]
fn bundles_of_other_clients() {
    let mut wrong = Vec::new();
    for (file, root, issuer, expected) in BUNDLES {
        let trust = keyless(root, issuer, LogPolicy::Proof);
        let bytes = std::fs::read(vectors("sigstore").join(file)).unwrap();
        let said = match verdict::parse(&bytes, &trust.own_types()) {
            Err(reason) => reason.code().to_owned(),
            Ok(parsed) => {
                let result = verdict::verify(&parsed, &trust, NOW);
                let verified = result.status == AttestationStatus::Verified;
                if verified { "verified".to_owned() } else { result.reasons.join(" ") }
            }
        };
        if said != expected {
            wrong.push(format!("{file}: {said}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// GitHub's own instance: its certificates state no issuer, its trust root holds no log at all. A tenant that says so
/// believes it, by the authority's address; no other does.
#[test]
fn attestations_of_private_repositories() {
    let outcome = |file: &str, root: &str, issuer: &str, log: LogPolicy| {
        let trust = keyless(root, issuer, log);
        let bytes = std::fs::read(vectors("sigstore").join(file)).unwrap();
        let result = verdict::verify(&verdict::parse(&bytes, &trust.own_types()).unwrap(), &trust, NOW);
        let verified = result.status == AttestationStatus::Verified;
        if verified { "verified".to_owned() } else { result.reasons.join(" ") }
    };
    let (own, whole) = ("fulcio.githubapp.com", "rust/trusted_root_github.json");
    for file in ["rust/github-private-attestation.sigstore.json", "rust/github_sha384_bundle.json"] {
        assert_eq!(outcome(file, whole, own, LogPolicy::None), "verified", "{file}");
        assert_eq!(outcome(file, whole, own, LogPolicy::Proof), "log-required", "{file}");
        assert_eq!(outcome(file, whole, GITHUB, LogPolicy::None), "certificate-issuer-missing", "{file}");
        assert_eq!(outcome(file, PUBLIC, own, LogPolicy::None), "certificate-issuer-missing", "{file}");
    }
}

/// A real checkpoint of a staging log, cosigned by three public witnesses; the keys are theirs, published.
#[test]
fn public_witnesses_cosign_a_real_checkpoint() {
    let bytes = std::fs::read(vectors("sigstore/python/a.dsse.staging-rekor-v2.txt.sigstore.json")).unwrap();
    let bundle: Value = serde_json::from_slice(&bytes).unwrap();
    let note =
        bundle["verificationMaterial"]["tlogEntries"][0]["inclusionProof"]["checkpoint"]["envelope"].as_str().unwrap();
    let checkpoint = Checkpoint::parse(note).unwrap();
    let vkeys = [
        "witness.stagemole.eu+67f7aea0+BEqSG3yu9YrmcM3BHvQYTxwFj3uSWakQepafafpUqklv",
        "staging.witness.transparency.goog/ring-any-bells+2e1a8dc9+BG5JTpLc3FJtwzgh1Uv+Qelz9qeOH2bfWjS1s0s+y4rL",
        "witness.navigli.sunlight.geomys.org+a3e00fe2+BNy/co4C1Hn1p+INwJrfUlgz7W55dSZReusH/GhUhJ/G",
    ];
    let witnesses = vkeys.map(|vkey| WitnessKey::parse(vkey).unwrap());
    for witness in &witnesses {
        assert!(witness.cosigned(&checkpoint).unwrap().is_some(), "{}", witness.name);
    }
    let grown = note.replacen('\n', "\n1", 1);
    let grown = Checkpoint::parse(&grown).unwrap();
    assert!(witnesses.iter().all(|witness| witness.cosigned(&grown).is_err()));
    let of_a_log = vkeys[0].replace("+BEqS", "+AEqS");
    assert!(WitnessKey::parse(&of_a_log).is_err(), "a log's key is no witness's");
}
