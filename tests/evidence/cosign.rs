//! Every signed file of `tests/vectors/cosign`, made by the real cosign and altered by script. The table below says
//! what a tenant that demands a log proof answers where that is not plain; a file that it does not name must verify.

use std::collections::BTreeMap;
use std::path::PathBuf;

use attestream::event::{Digest, Kind, Millis, Tenant, base64};
use attestream::verdict::tenant::{
    KeyAlgorithm, LogPolicy, PinnedIdentity, PinnedKey, PredicateType, SignatureEncoding,
};
use attestream::verdict::{self, AttestationResult, AttestationStatus, CompiledTrust, TenantTrust, TrustRoot};
use serde_json::{Value, json};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/cosign")
}

fn read(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The keys of the set. Ed25519 attestations by cosign are Ed25519ph.
const KEYS: [(&str, KeyAlgorithm); 8] = [
    ("ecdsa-p256", KeyAlgorithm::EcdsaP256Sha256),
    ("ecdsa-p256-imported", KeyAlgorithm::EcdsaP256Sha256),
    ("ecdsa-p384-imported", KeyAlgorithm::EcdsaP384Sha384),
    ("ecdsa-p521-imported", KeyAlgorithm::EcdsaP521Sha512),
    ("ed25519", KeyAlgorithm::Ed25519ph),
    ("rsa-2048", KeyAlgorithm::RsaPkcs1Sha256),
    ("rsa-3072", KeyAlgorithm::RsaPkcs1Sha256),
    ("rsa-4096", KeyAlgorithm::RsaPkcs1Sha256),
];

pub fn tenant(log: LogPolicy) -> TenantTrust {
    let mut trust = TenantTrust::empty(Tenant::new("acme").unwrap());
    let key = |(name, algorithm): (&str, KeyAlgorithm)| PinnedKey {
        name: name.to_owned(),
        spki: String::from_utf8(read(&format!("keys/{name}.pub"))).unwrap(),
        algorithm,
        valid_from: None,
        valid_until: None,
        revoked_at: None,
        predicate_types: Vec::new(),
        encoding: SignatureEncoding::Der,
        owner: None,
    };
    trust.keys = KEYS.into_iter().map(key).collect();
    trust.identities = vec![
        PinnedIdentity {
            issuer: "http://127.0.0.1:8888/email".into(),
            san: Some("releaser@example.com".into()),
            san_regex: None,
        },
        PinnedIdentity {
            issuer: "http://127.0.0.1:8888/ci".into(),
            san: None,
            san_regex: Some("https://ci\\.example\\.com/example/orders-api/.*@refs/tags/v.*".into()),
        },
    ];
    let own = [
        "https://cosign.sigstore.dev/attestation/v1",
        "https://example.com/document-reference/v1",
        "https://example.com/note/v1",
    ];
    trust.predicate_types = own.map(|name| PredicateType { predicate_type: name.into(), kind: Kind::Ingest }).into();
    trust.log = log;
    trust
}

/// After the set was made.
const NOW: Millis = Millis(1_795_300_000_000);

fn compile(trust: &TenantTrust) -> CompiledTrust {
    let root = read("config/trusted-root-local.json");
    let root = TrustRoot::load(&root, Digest::of(&root)).unwrap();
    CompiledTrust::compile(trust, Some(root)).unwrap()
}

fn verify(bytes: &[u8], trust: &CompiledTrust) -> Result<AttestationResult, String> {
    let parsed = verdict::parse(bytes, &trust.own_types()).map_err(|reason| reason.code().to_owned())?;
    Ok(verdict::verify(&parsed, trust, NOW))
}

fn outcome(bytes: &[u8], trust: &CompiledTrust) -> String {
    match verify(bytes, trust) {
        Ok(result) if result.status == AttestationStatus::Verified => "verified".into(),
        Ok(result) => result.reasons.join(" "),
        Err(code) => code,
    }
}

/// What is refused by a tenant that demands a proof, and why. The first code is the gravest.
const REFUSED: [(&str, &str); 40] = [
    ("altered/keyed.tsa-only-without-log", "log-required"),
    ("altered/keyless.certificate-identity-changed", "identity-mismatch"),
    (
        "altered/keyless.certificate-of-another-signer",
        "signature-invalid entry-key-mismatch certificate-not-valid-at-time",
    ),
    ("altered/keyless.certificate-replaced-by-key-hint", "signature-invalid"),
    ("altered/keyless.tsa-only-without-log", "log-required"),
    ("altered/keyless.tsa.token-of-another-signature", "timestamp-imprint-mismatch"),
    ("altered/no-signature", "envelope-unsigned"),
    ("altered/payload-changed", "signature-invalid entry-payload-mismatch"),
    ("altered/payload-type-changed", "signature-invalid payload-type"),
    ("altered/rekor1.checkpoint-of-another-size", "proof-fields-mismatch"),
    ("altered/rekor1.checkpoint-origin-changed", "checkpoint-origin-mismatch"),
    ("altered/rekor1.checkpoint-unsigned", "checkpoint-unsigned"),
    ("altered/rekor1.entry-of-another-envelope", "entry-payload-mismatch"),
    ("altered/rekor1.integrated-time-changed", "entry-promise-invalid"),
    ("altered/rekor1.kind-changed", "entry-kind-mismatch"),
    ("altered/rekor1.log-id-of-the-other-log", "entry-promise-invalid checkpoint-origin-mismatch"),
    ("altered/rekor1.no-entry", "log-required"),
    ("altered/rekor1.no-proof-declared-v0.1", "inclusion-proof-missing"),
    ("altered/rekor1.proof-index-off-by-one", "inclusion-proof-invalid"),
    ("altered/rekor1.proof-long", "inclusion-proof-invalid"),
    ("altered/rekor1.proof-short", "inclusion-proof-invalid"),
    ("altered/rekor1.set-changed", "entry-promise-invalid"),
    ("altered/rekor2.checkpoint-of-another-size", "proof-fields-mismatch"),
    ("altered/rekor2.checkpoint-origin-changed", "checkpoint-origin-mismatch"),
    ("altered/rekor2.entry-of-another-envelope", "entry-signature-mismatch"),
    ("altered/rekor2.log-index-off-by-one", "proof-fields-mismatch"),
    ("altered/rekor2.no-entry", "log-required"),
    ("altered/rekor2.proof-long", "inclusion-proof-invalid"),
    ("altered/signature-of-another-envelope", "signature-invalid entry-signature-mismatch"),
    ("altered/signature-twice", "bundle-signature-count"),
    ("altered/tsa.token-of-another-signature", "timestamp-imprint-mismatch"),
    ("keyed-log/tsa.cyclonedx-1.6", "log-required"),
    ("keyless/ci.tsa-only.cyclonedx-1.6", "log-required"),
    ("keyless/email.tsa-only.cyclonedx-1.6", "log-required"),
    ("message-signature/ecdsa-p256", "no-envelope"),
    ("message-signature/ecdsa-p384-imported", "no-envelope"),
    ("message-signature/ecdsa-p521-imported", "no-envelope"),
    ("message-signature/ed25519", "no-envelope"),
    ("message-signature/rsa-2048", "no-envelope"),
    ("variants/keyid-unlike-hint", "key-hint-mismatch"),
];

#[test]
fn each_signed_file_is_answered_as_the_index_expects() {
    let (with_log, without) = (compile(&tenant(LogPolicy::Proof)), compile(&tenant(LogPolicy::None)));
    let index: Value = serde_json::from_slice(&read("index.json")).unwrap();
    let refused: BTreeMap<&str, &str> = REFUSED.into_iter().collect();
    let (mut files, mut wrong) = (0, Vec::new());
    for file in index["files"].as_array().unwrap() {
        let name = file["file"].as_str().unwrap();
        let stem = name.strip_suffix(".json").unwrap().trim_end_matches(".sigstore");
        // Nothing was logged of what lies in `keyed` and `legacy`.
        let trust = if name.starts_with("keyed/") || name.starts_with("legacy/") { &without } else { &with_log };
        let expected = refused.get(stem).copied().unwrap_or("verified");
        // The index wants a time here. A key without a window does not (contract: Rekor v2 entry with no time stamp);
        // the key with a window is below.
        let timeless = stem == "altered/tsa.no-token";
        let accepted = timeless || file["expect"].as_str().unwrap().starts_with("accept");
        let said = outcome(&read(name), trust);
        if said != expected || accepted != (expected == "verified") {
            wrong.push(format!("{name}: {said}, not {expected} (index: {})", file["expect"]));
        }
        files += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(files, 108);
}

/// Names that a table of codes must not name in vain.
#[test]
fn the_table_names_files_that_exist() {
    for (stem, _) in REFUSED {
        assert!(folder().join(format!("{stem}.sigstore.json")).exists(), "{stem}");
    }
}

#[test]
fn pure_ed25519_is_not_what_cosign_signs() {
    let mut trust = tenant(LogPolicy::None);
    for key in trust.keys.iter_mut().filter(|key| key.name == "ed25519") {
        key.algorithm = KeyAlgorithm::Ed25519;
    }
    let trust = compile(&trust);
    for name in ["keyed/cyclonedx-1.6.ed25519", "keyed-log/rekor2-tsa.slsa-v1.ed25519"] {
        let said = outcome(&read(&format!("{name}.sigstore.json")), &trust);
        assert!(said.starts_with("signature-invalid"), "{name}: {said}");
    }
}

#[test]
fn without_a_log_policy_a_time_stamp_is_enough() {
    let trust = compile(&tenant(LogPolicy::None));
    for name in
        ["keyed-log/tsa.cyclonedx-1.6", "keyless/ci.tsa-only.cyclonedx-1.6", "keyless/email.tsa-only.cyclonedx-1.6"]
    {
        assert_eq!(outcome(&read(&format!("{name}.sigstore.json")), &trust), "verified", "{name}");
    }
}

#[test]
fn a_key_with_a_window_needs_a_time_that_rekor_v2_does_not_give() {
    let mut trust = tenant(LogPolicy::Proof);
    for key in &mut trust.keys {
        key.valid_from = Some(Millis(1_795_000_000_000));
    }
    let trust = compile(&trust);
    for name in ["altered/tsa.no-token", "keyed-log/rekor2.cyclonedx-1.6"] {
        assert_eq!(outcome(&read(&format!("{name}.sigstore.json")), &trust), "trusted-time-missing", "{name}");
    }
    let timed = read("keyed-log/rekor2-tsa.cyclonedx-1.6.sigstore.json");
    assert_eq!(outcome(&timed, &trust), "verified");
}

#[test]
fn a_promise_is_enough_where_the_tenant_says_so() {
    let trust = compile(&tenant(LogPolicy::Promise));
    let bytes = read("altered/rekor1.no-proof-declared-v0.1.sigstore.json");
    let result = verify(&bytes, &trust).unwrap();
    assert_eq!(result.status, AttestationStatus::Verified, "{result:#?}");
    let rekor = result.rekor.unwrap();
    assert_eq!(rekor.uuid.len(), 64, "no checkpoint names the tree");
}

#[test]
fn an_envelope_beside_its_entry_is_read_as_the_log_gives_it() {
    let trust = compile(&tenant(LogPolicy::Proof));
    for kind in ["dsse-0.0.1", "intoto-0.0.2"] {
        let envelope: Value = serde_json::from_slice(&read(&format!("rekor-cli/{kind}.slsa-v1.dsse.json"))).unwrap();
        let entry: Value = serde_json::from_slice(&read(&format!("rekor-cli/{kind}.slsa-v1.entry.json"))).unwrap();
        let uuid = entry.as_object().unwrap().keys().next().unwrap().clone();
        let both = |entry: &Value| json!({ "dsseEnvelope": envelope, "rekorEntry": entry }).to_string().into_bytes();
        let result = verify(&both(&entry), &trust).unwrap();
        assert_eq!(result.status, AttestationStatus::Verified, "{result:#?}");
        assert_eq!(result.rekor.unwrap().uuid, uuid);

        let mut renamed = json!({});
        renamed[uuid.replace("1000af", "1000ae")] = entry[&uuid].clone();
        assert_eq!(outcome(&both(&renamed), &trust), "entry-uuid-mismatch");
    }
}

#[test]
fn the_older_bundles_of_cosign_are_read() {
    let (none, promise) = (compile(&tenant(LogPolicy::None)), compile(&tenant(LogPolicy::Promise)));
    let mut read_ones = 0;
    for file in std::fs::read_dir(folder().join("legacy")).unwrap() {
        let name = format!("legacy/{}", file.unwrap().file_name().to_string_lossy());
        if !name.ends_with(".legacy-bundle.json") {
            continue;
        }
        let trust = if name.contains("rekor1") { &promise } else { &none };
        // cosign signs pure Ed25519 in this form, where no algorithm is negotiated.
        let bytes = read(&name);
        assert_eq!(outcome(&bytes, trust), "verified", "{name}");
        let outer: Value = serde_json::from_slice(&bytes).unwrap();
        let envelope = base64::decode(outer["base64Signature"].as_str().unwrap()).unwrap();
        let parsed = verdict::parse(&bytes, &[]).unwrap();
        assert_eq!(verdict::facts(&parsed).envelope, Digest::of(&envelope));
        assert_eq!(verdict::facts(&parsed).bundle, Some(Digest::of(&bytes)));
        read_ones += 1;
    }
    assert_eq!(read_ones, 11);
}

#[test]
fn the_envelope_in_a_bundle_is_known_by_its_raw_span() {
    let bytes = read("keyed/cyclonedx-1.6.sigstore.json");
    let text = std::str::from_utf8(&bytes).unwrap();
    let start = text.find("\"dsseEnvelope\"").unwrap();
    let start = start + text[start..].find('{').unwrap();
    let mut depth = 0;
    let end = text[start..].char_indices().find_map(|(at, c)| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        (depth == 0).then_some(start + at + 1)
    });
    let facts = verdict::facts(&verdict::parse(&bytes, &[]).unwrap());
    assert_eq!(facts.envelope, Digest::of(&text.as_bytes()[start..end.unwrap()]));
}

/// Rekor v2 gives no time, and a certificate needs one: without its time stamp the same evidence is refused.
#[test]
fn a_certificate_without_any_time_is_refused() {
    let trust = compile(&tenant(LogPolicy::Proof));
    let mut bundle: Value =
        serde_json::from_slice(&read("keyless/email.rekor2-tsa.cyclonedx-1.6.sigstore.json")).unwrap();
    assert_eq!(outcome(bundle.to_string().as_bytes(), &trust), "verified");
    bundle["verificationMaterial"].as_object_mut().unwrap().remove("timestampVerificationData").unwrap();
    assert_eq!(outcome(bundle.to_string().as_bytes(), &trust), "trusted-time-missing");
}

/// cosign writes a time stamp to a file of its own; put beside an older bundle, it is read like any other.
#[test]
fn a_time_stamp_beside_an_older_bundle_is_read() {
    let trust = compile(&tenant(LogPolicy::Promise));
    let name = "legacy/rekor1-tsa.cyclonedx-1.6";
    let mut bundle: Value = serde_json::from_slice(&read(&format!("{name}.legacy-bundle.json"))).unwrap();
    let stamp: Value = serde_json::from_slice(&read(&format!("{name}.tsr.json"))).unwrap();
    let before = verify(bundle.to_string().as_bytes(), &trust).unwrap();
    bundle["SignedRFC3161Timestamp"] = stamp["SignedRFC3161Timestamp"].clone();
    let stamped = verify(bundle.to_string().as_bytes(), &trust).unwrap();
    assert_eq!(stamped.status, AttestationStatus::Verified, "{stamped:#?}");
    assert!(stamped.checks.iter().any(|check| check.check == "timestamp"));
    assert!(!before.checks.iter().any(|check| check.check == "timestamp"));
    let other: Value = serde_json::from_slice(&read("legacy/rekor1.openvex.legacy-bundle.json")).unwrap();
    bundle["base64Signature"] = other["base64Signature"].clone();
    bundle["rekorBundle"] = other["rekorBundle"].clone();
    assert_eq!(outcome(bundle.to_string().as_bytes(), &trust), "timestamp-imprint-mismatch");
}
