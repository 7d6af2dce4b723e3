//! Our verdict against that of another verifier, `sigstore-verify` by itself, on good bundles and thousands of mutations
//! of them: we never accept what it refuses, but for what the contract names. The other way round we are the stricter, and
//! the codes are counted.
//!
//! `PROPTEST_CASES` asks for another number of mutations than a few hundred.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use attestream::event::{Digest, Kind, Millis, Tenant, base64, digest};
use attestream::verdict::tenant::{
    KeyAlgorithm, LogPolicy, PinnedIdentity, PinnedKey, PredicateType, SignatureEncoding,
};
use attestream::verdict::{self, AttestationStatus, CompiledTrust, TenantTrust, TrustRoot};
use serde_json::{Value, json};
use sigstore_trust_root::TrustedRoot;
use sigstore_types::{ArtifactDigest, Bundle, DerPublicKey, DigestBytes, HashAlgorithm};
use sigstore_verify::{PublicKeyVerificationPolicy, VerificationPolicy, Verifier};

use super::fuzzed::Numbers;

const MUTATIONS: usize = 400;
/// After every bundle of the sets was made.
const NOW: Millis = Millis(1_795_300_000_000);

/// Who must have signed.
#[derive(Clone, Copy)]
enum By {
    Key(&'static str),
    Identity(&'static str, &'static str),
}

const PUBLIC: &str = "sigstore/trusted_root.json";
const LOCAL: &str = "cosign/config/trusted-root-local.json";
const BRIAN: By = By::Identity("brian@dehamer.com", "https://github.com/login/oauth");
const ACTIONS: &str = "https://token.actions.githubusercontent.com";
const MAIL: By = By::Identity("releaser@example.com", "http://127.0.0.1:8888/email");
const P256: By = By::Key("cosign/keys/ecdsa-p256.pub");

/// Good bundles: both accept each.
const GOOD: [(&str, &str, By); 15] = [
    ("sigstore/js/bundleV01-dsse-with-proof.sigstore", PUBLIC, BRIAN),
    ("sigstore/js/bundleV01-intoto-with-proof.sigstore", PUBLIC, BRIAN),
    ("sigstore/js/bundleV02-dsse.sigstore", PUBLIC, BRIAN),
    ("sigstore/js/bundleV03-dsse.sigstore", PUBLIC, BRIAN),
    ("sigstore/js/bundleV03-intoto.sigstore", PUBLIC, BRIAN),
    (
        "sigstore/rust/conda-attestation.sigstore.json",
        PUBLIC,
        By::Identity(
            "https://github.com/prefix-dev/sigstore-example/.github/workflows/action.yaml@refs/heads/main",
            ACTIONS,
        ),
    ),
    ("cosign/keyless/email.rekor1.openvex.sigstore.json", LOCAL, MAIL),
    ("cosign/keyless/email.rekor1-tsa.cyclonedx-1.6.sigstore.json", LOCAL, MAIL),
    ("cosign/keyless/email.rekor2-tsa.openvex.sigstore.json", LOCAL, MAIL),
    ("cosign/keyless/email.rekor2-tsa.slsa-v1.sigstore.json", LOCAL, MAIL),
    ("cosign/keyed-log/rekor1.openvex.sigstore.json", LOCAL, P256),
    ("cosign/keyed-log/rekor1-tsa.cyclonedx-1.6.sigstore.json", LOCAL, P256),
    ("cosign/keyed-log/rekor2.cyclonedx-1.6.sigstore.json", LOCAL, P256),
    ("cosign/keyed-log/rekor2-tsa.slsa-v1.sigstore.json", LOCAL, P256),
    ("cosign/variants/rekor1.intoto-0.0.2-entry.sigstore.json", LOCAL, P256),
];

fn read(file: &str) -> Vec<u8> {
    std::fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(file)).unwrap()
}

/// A good bundle, and both verifiers set to accept it.
struct Subject {
    name: &'static str,
    bundle: Value,
    trust: CompiledTrust,
    peer: Arc<Verifier>,
    by: By,
    artifact: ArtifactDigest,
}

impl Subject {
    fn new((name, root, by): (&'static str, &'static str, By)) -> Self {
        let bytes = read(name);
        let stated = verdict::facts(&verdict::parse(&bytes, &[]).unwrap()).statement.unwrap();
        let mut trust = TenantTrust::empty(Tenant::new("acme").unwrap());
        trust.log = LogPolicy::Proof;
        trust.predicate_types =
            vec![PredicateType { predicate_type: stated.predicate_type.clone(), kind: Kind::Ingest }];
        match by {
            By::Key(file) => trust.keys = vec![pinned(file)],
            By::Identity(san, issuer) => {
                trust.identities =
                    vec![PinnedIdentity { issuer: issuer.into(), san: Some(san.into()), san_regex: None }];
            }
        }
        let root = read(root);
        let theirs = TrustedRoot::from_json(std::str::from_utf8(&root).unwrap()).unwrap();
        let trust = CompiledTrust::compile(&trust, Some(TrustRoot::load(&root, Digest::of(&root)).unwrap())).unwrap();
        let subject = &stated.subjects[0].digest;
        let (algorithm, hex) = match (&subject.sha256, &subject.sha512) {
            (Some(hex), _) => (HashAlgorithm::Sha2256, hex),
            (None, Some(hex)) => (HashAlgorithm::Sha2512, hex),
            _ => panic!("{name}: a digest that the peer takes"),
        };
        let artifact = ArtifactDigest::new(algorithm, DigestBytes::new(digest::unhex(hex).unwrap())).unwrap();
        let peer = Arc::new(Verifier::new(&theirs).unwrap());
        Subject { name, bundle: serde_json::from_slice(&bytes).unwrap(), trust, peer, by, artifact }
    }

    /// `None` where we accept; the gravest code where not.
    fn ours(&self, text: &str) -> Option<String> {
        let parsed = match verdict::parse(text.as_bytes(), &self.trust.own_types()) {
            Ok(parsed) => parsed,
            Err(reason) => return Some(reason.code().to_owned()),
        };
        let result = verdict::verify(&parsed, &self.trust, NOW);
        (result.status != AttestationStatus::Verified).then(|| result.reasons[0].clone())
    }

    /// `None` where the peer accepts; what it says where not.
    fn theirs(&self, text: &str) -> Option<String> {
        let bundle = match Bundle::from_json(text) {
            Ok(bundle) => bundle,
            Err(error) => return Some(format!("bundle: {error}")),
        };
        let artifact = self.artifact.clone();
        let verified = match self.by {
            By::Key(file) => {
                let pem = String::from_utf8(read(file)).unwrap();
                let policy = PublicKeyVerificationPolicy::new(DerPublicKey::from_pem(&pem).unwrap());
                self.peer.verify(artifact, &bundle, &policy)
            }
            By::Identity(san, issuer) => self.peer.verify(artifact, &bundle, &VerificationPolicy::new(san, issuer)),
        };
        verified.err().map(|error| error.to_string())
    }
}

fn pinned(file: &str) -> PinnedKey {
    PinnedKey {
        name: file.to_owned(),
        spki: String::from_utf8(read(file)).unwrap(),
        algorithm: KeyAlgorithm::EcdsaP256Sha256,
        valid_from: None,
        valid_until: None,
        revoked_at: None,
        predicate_types: Vec::new(),
        encoding: SignatureEncoding::Der,
        owner: None,
    }
}

/// Every place in a document, as pointers.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                places(member, &format!("{at}/{name}"), found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                places(item, &format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}

/// A bundle changed in one place, and what was done.
pub fn mutate(one: &Value, other: &Value, numbers: &mut Numbers) -> (String, String) {
    let mut found = Vec::new();
    places(one, "", &mut found);
    let place = found[1 + numbers.below(found.len() - 1)].clone();
    let mut bundle = one.clone();
    let (parent, member) = place.rsplit_once('/').unwrap();
    let chosen = numbers.below(9);
    let value = bundle.pointer_mut(&place).unwrap();
    match (chosen, &mut *value) {
        (0, _) => {
            let parent = bundle.pointer_mut(parent).unwrap();
            match parent {
                Value::Object(members) => drop(members.remove(member)),
                Value::Array(items) => drop(items.remove(member.parse().unwrap())),
                _ => {}
            }
        }
        (1, _) => *value = Value::Null,
        (2, Value::Array(items)) if !items.is_empty() => {
            let again = items[numbers.below(items.len())].clone();
            items.push(again);
        }
        (3, _) => {
            // The same member of another good bundle: true in itself, and not of this one.
            let theirs = other.pointer(&place).cloned();
            *value = theirs.unwrap_or(json!({}));
        }
        (4, Value::Object(members)) => drop(members.insert("unknown".to_owned(), json!(["x"]))),
        (5 | 2, Value::String(text)) => *text = respelled(text, numbers),
        (6, Value::String(text)) => *text = flipped(text, numbers),
        (_, Value::String(text)) => {
            *text = match text.parse::<i64>() {
                Ok(number) => (number + [1, -1, 1000, -1_000_000][numbers.below(4)]).to_string(),
                Err(_) => flipped(text, numbers),
            }
        }
        (_, Value::Number(number)) => *value = json!(number.as_i64().unwrap_or(0) + 1),
        (_, Value::Object(members)) => drop(members.insert("unknown".to_owned(), Value::Null)),
        (_, Value::Array(items)) => items.reverse(),
        (_, other) => *other = json!("x"),
    }
    (bundle.to_string(), format!("{chosen} at {place}"))
}

/// A bit of what base64 holds; a character of other text.
fn flipped(text: &str, numbers: &mut Numbers) -> String {
    match base64::decode(text) {
        Ok(mut bytes) if !bytes.is_empty() => {
            let at = numbers.below(bytes.len());
            bytes[at] ^= 1 << numbers.below(8);
            base64::encode(&bytes)
        }
        _ => {
            let mut bytes = text.as_bytes().to_vec();
            let at = numbers.below(bytes.len().max(1));
            if let Some(byte) = bytes.get_mut(at) {
                *byte = if *byte == b'a' { b'b' } else { b'a' };
            }
            String::from_utf8_lossy(&bytes).into_owned()
        }
    }
}

/// The same bytes, or nearly, in another spelling.
fn respelled(text: &str, numbers: &mut Numbers) -> String {
    match numbers.below(5) {
        0 => text.replace('+', "-").replace('/', "_"),
        1 => text.trim_end_matches('=').to_owned(),
        2 => format!("{text}\n"),
        3 => text.to_ascii_uppercase(),
        _ => format!("{text}="),
    }
}

/// A mark in what the peer says, and whether a bundle of this name, changed so, may be refused with it.
type Exception = (&'static str, fn(&str, &str) -> bool);

/// What we accept and the peer refuses.
const OURS_ALONE: [Exception; 3] = [
    // L3: in Rekor v2 the checkpoint says the root, and nothing beside it is needed.
    ("missing field `rootHash`", |name, _| name.contains("rekor2")),
    ("invalid type: null, expected a string", |name, what| name.contains("rekor2") && what.ends_with("/rootHash")),
    // What is null and needed has its code (pairs, case 38).
    ("invalid type: null, expected a sequence", |_, what| what.ends_with("/rfc3161Timestamps")),
];

#[test]
fn both_accept_every_good_bundle() {
    for good in GOOD {
        let subject = Subject::new(good);
        let text = subject.bundle.to_string();
        assert_eq!((subject.ours(&text), subject.theirs(&text)), (None, None), "{}", subject.name);
    }
}

#[test]
fn we_never_accept_what_the_other_refuses() {
    let subjects: Vec<Subject> = GOOD.into_iter().map(Subject::new).collect();
    let asked = std::env::var("PROPTEST_CASES").ok().map(|text| text.parse().expect("a number of cases"));
    let mutations: usize = asked.unwrap_or(MUTATIONS);
    let mut numbers = Numbers(20_261_121);
    let (mut both, mut neither, mut unlike) = (0, 0, Vec::new());
    let mut stricter: BTreeMap<String, usize> = BTreeMap::new();
    for number in 0..mutations {
        let subject = &subjects[number % subjects.len()];
        let other = &subjects[numbers.below(subjects.len())];
        let (text, what) = mutate(&subject.bundle, &other.bundle, &mut numbers);
        match (subject.ours(&text), subject.theirs(&text)) {
            (None, None) => both += 1,
            (Some(_), Some(_)) => neither += 1,
            (Some(code), None) => *stricter.entry(code).or_default() += 1,
            (None, Some(said)) => {
                if !OURS_ALONE.iter().any(|(mark, of)| said.contains(mark) && of(subject.name, &what)) {
                    unlike.push(format!("{}, {what}: the other says {said}", subject.name));
                }
            }
        }
    }
    println!(
        "differential: {mutations} mutations, {both} accepted and {neither} refused by both; we alone refuse {stricter:?}"
    );
    assert!(unlike.is_empty(), "{} accepted by us alone:\n{}", unlike.len(), unlike.join("\n"));
    assert!(both > 0 && neither > both, "mutations of both fates");
    let codes: Vec<&str> = verdict::Reason::all().map(verdict::Reason::code).collect();
    assert!(stricter.keys().all(|code| codes.contains(&code.as_str())), "every refusal has a code with a page");
}

/// What nothing signs and nothing reads may change.
#[test]
fn harmless_changes_change_nothing() {
    for good in GOOD {
        let subject = Subject::new(good);
        let changed = |change: &dyn Fn(&mut Value)| {
            let mut bundle = subject.bundle.clone();
            change(&mut bundle);
            bundle.to_string()
        };
        let entry = "/verificationMaterial/tlogEntries/0";
        let url_safe = |text: &Value| json!(text.as_str().unwrap().replace('+', "-").replace('/', "_"));
        let texts = [
            ("unchanged, in lines", serde_json::to_string_pretty(&subject.bundle).unwrap()),
            ("an unknown member", changed(&|bundle| bundle["unknown"] = json!({ "a": [1, 2] }))),
            ("an unknown member of the entry", changed(&|bundle| bundle.pointer_mut(entry).unwrap()["x"] = json!(1))),
            ("an unknown member of the envelope", changed(&|bundle| bundle["dsseEnvelope"]["x"] = Value::Null)),
            ("an empty keyid", changed(&|bundle| bundle["dsseEnvelope"]["signatures"][0]["keyid"] = json!(""))),
            (
                "the signature in the other alphabet",
                changed(&|bundle| {
                    let sig = &mut bundle["dsseEnvelope"]["signatures"][0]["sig"];
                    *sig = url_safe(sig);
                }),
            ),
            (
                "the payload in the other alphabet",
                changed(&|bundle| {
                    let payload = &mut bundle["dsseEnvelope"]["payload"];
                    *payload = url_safe(payload);
                }),
            ),
            (
                "no time stamps, in an empty list",
                changed(&|bundle| {
                    let material = &mut bundle["verificationMaterial"];
                    if material["timestampVerificationData"].is_null() {
                        material["timestampVerificationData"] = json!({ "rfc3161Timestamps": [] });
                    }
                }),
            ),
        ];
        for (what, text) in texts {
            assert_eq!(subject.ours(&text), None, "{}: {what}", subject.name);
        }
    }
}
