//! What each target does with its bytes: never panic, and never accept what was not signed. The tests run the same
//! bodies (`tests/evidence/fuzzed.rs`), so they need nothing of their own but `attestream` and `serde_json`.

use std::sync::LazyLock;

use attestream::event::{Digest, Millis, Subject, base64, jcs, json, limits};
use attestream::evidence::note::Checkpoint;
use attestream::evidence::{Envelope, Evidence, LogEntry, entry, merkle};
use attestream::signing::{Authority, Order, Predicate, Tree};
use attestream::verdict::{self, AttestationStatus, CompiledTrust, ParsedEvidence, TenantTrust, TrustRoot};
use serde_json::{Value, json};

const START: Millis = Millis(1_795_000_000_000);
const NOW: Millis = Millis(1_795_100_000_000);

/// One bundle that is right, and the trust under which it is.
struct World {
    bundle: Vec<u8>,
    parsed: ParsedEvidence,
    trust: CompiledTrust,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let mut authority = Authority::new("fuzz", 1, START).expect("a seed gives a key");
    let mut subject = Subject { name: Some("image".into()), ..Subject::default() };
    subject.digest.sha256 = Some(Digest::of(b"image").hex());
    let document = json!({ "bomFormat": "CycloneDX", "specVersion": "1.6" });
    let predicate = Predicate::Document { predicate_type: "https://cyclonedx.org/bom", document: &document };
    let order = Order { subjects: &[subject], predicate, at: NOW.plus(-60_000), logged: true, wrong: None };
    let bundle = authority.attest(&order).expect("it signs").bytes;
    let trust: TenantTrust =
        serde_json::from_value(authority.tenant_trust("acme", "proof")).expect("trust in the authority");
    let root = authority.trust_root();
    let root = TrustRoot::load(&root, Digest::of(&root)).expect("the authority's root");
    let trust = CompiledTrust::compile(&trust, Some(root)).expect("it compiles");
    let parsed = verdict::parse(&bundle, &[]).expect("it is evidence");
    World { bundle, parsed, trust }
});

/// The bundle that is right: a beginning for mutations of it.
pub fn good_bundle() -> &'static [u8] {
    &WORLD.bundle
}

/// The entry's body in that bundle.
pub fn good_body() -> &'static [u8] {
    &WORLD.parsed.evidence.entries[0].body
}

/// The checkpoint in that bundle.
pub fn good_note() -> &'static str {
    let proof = WORLD.parsed.evidence.entries[0].proof.as_ref();
    proof.and_then(|proof| proof.checkpoint.as_deref()).expect("it is logged")
}

/// The strict scan: what passes, every parser reads, and canonical form is one.
pub fn json(data: &[u8]) {
    let strict = json::check(data);
    if json::check_folded(data, usize::MAX).is_ok() {
        assert!(strict.is_ok(), "the stricter scan is the stricter");
    }
    if strict.is_err() {
        return;
    }
    match serde_json::from_slice::<Value>(data) {
        Ok(value) => {
            if let Ok(digest) = jcs::canonical_digest(data) {
                let canonical = jcs::of_own_value(&value);
                assert_eq!(digest, Digest::of(&canonical), "one document, one canonical digest");
                assert_eq!(jcs::canonical_digest(&canonical), Ok(digest), "canonical once is canonical");
                assert!(jcs::is_canonical(&canonical), "and says so");
            }
        }
        Err(error) => {
            let text = error.to_string();
            let of_size = text.starts_with("number out of range") || text.starts_with("recursion limit");
            assert!(of_size, "passed the scan and is not read: {text}");
        }
    }
}

/// Envelopes: within their limits, and signed bytes begin with what they are of.
pub fn envelope(data: &[u8]) {
    let Ok(envelope) = Envelope::parse(data) else { return };
    assert!((1..=limits::SIGNATURES_MAX).contains(&envelope.signatures.len()));
    assert!(envelope.signatures.iter().all(|signature| !signature.sig.is_empty()));
    assert_eq!(envelope.digest, Digest::of(data), "its identity is that of its bytes");
    let pae = envelope.pae();
    assert!(pae.starts_with(b"DSSEv1 ") && pae.ends_with(&envelope.payload));
}

/// Whole evidence: what verifies is the statement that was signed, and nothing near it.
pub fn bundle(data: &[u8]) {
    let Ok(parsed) = verdict::parse(data, &[]) else { return };
    within_limits(&parsed.evidence);
    let world = &*WORLD;
    let result = verdict::verify(&parsed, &world.trust, NOW);
    assert_eq!(result, verdict::verify(&parsed, &world.trust, NOW), "the same twice");
    if result.status == AttestationStatus::Verified {
        let (found, signed) = (&parsed.evidence.envelope, &world.parsed.evidence.envelope);
        assert_eq!((&found.payload, &found.payload_type), (&signed.payload, &signed.payload_type));
        assert_eq!(result.trusted_time, Some(NOW.plus(-60_000)), "the promised time");
    } else {
        assert!(!result.reasons.is_empty(), "a refusal has a reason");
    }
}

fn within_limits(evidence: &Evidence) {
    assert!(evidence.entries.len() <= limits::LOG_ENTRIES_MAX);
    assert!(evidence.timestamps.len() <= limits::TIMESTAMPS_MAX);
    let proofs = evidence.entries.iter().filter_map(|entry| entry.proof.as_ref());
    assert!(proofs.clone().all(|proof| proof.hashes.len() <= limits::PROOF_HASHES_MAX));
}

/// Signed notes: what the log is found to have signed is what it signed.
pub fn note(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(checkpoint) = Checkpoint::parse(text) else { return };
    assert!(text.starts_with(checkpoint.text) && checkpoint.text.ends_with('\n'));
    assert!(checkpoint.signatures.len() <= limits::NOTE_SIGNATURES_MAX);
    let root = WORLD.trust.root.as_ref().expect("the world has a root");
    let log = root.log(WORLD.parsed.evidence.entries[0].log_id).expect("and its log");
    if log.log.verify(&checkpoint).is_ok() {
        let signed = Checkpoint::parse(good_note()).expect("a checkpoint");
        assert_eq!((checkpoint.text, checkpoint.size), (signed.text, signed.size));
    }
}

/// A tree of 61 leaves, and the hashes of each.
static TREE: LazyLock<Tree> = LazyLock::new(|| {
    let mut tree = Tree::default();
    for at in 0..LEAVES {
        tree.append(&[at]);
    }
    tree
});
const LEAVES: u8 = 61;

/// Proofs: eight bytes of index, eight of size, one that chooses the leaf, then hashes of 32 bytes. What verifies is the
/// leaf at that index.
pub fn proof(data: &[u8]) {
    let Some((index, rest)) = data.split_first_chunk::<8>() else { return };
    let Some((size, rest)) = rest.split_first_chunk::<8>() else { return };
    let Some((chosen, rest)) = rest.split_first() else { return };
    let (index, size) = (u64::from_be_bytes(*index), u64::from_be_bytes(*size));
    let hashes: Vec<Digest> = rest.as_chunks::<32>().0.iter().map(|hash| Digest::from_bytes(*hash)).collect();
    let leaf = merkle::leaf(&[*chosen]);
    let bounded = size.min(u64::from(LEAVES));
    let root = TREE.root_at(bounded);
    let included = merkle::verify_inclusion(index, size, leaf, &hashes, root).is_ok();
    if included && size <= u64::from(LEAVES) {
        assert_eq!(u64::from(*chosen), index, "another leaf is proved");
        assert_eq!(hashes, TREE.inclusion(index, size), "one proof per leaf");
    }
    let consistent = merkle::verify_consistency(index, size, &hashes, TREE.root_at(index.min(bounded)), root).is_ok();
    if consistent && size <= u64::from(LEAVES) {
        assert!(0 < index && index <= size);
        assert_eq!(hashes, TREE.consistency(index, size), "one proof per pair of sizes");
    }
}

/// Time-stamp tokens: in the place of a real one, they give its time or none.
pub fn token(data: &[u8]) {
    let stamped = &*STAMPED;
    let mut parsed = stamped.parsed.clone();
    parsed.evidence.timestamps = vec![data.to_vec()];
    let result = verdict::verify(&parsed, &stamped.trust, LATER);
    assert!(result.trusted_time.is_none_or(|time| Some(time) == stamped.time), "another time of the same token");
    if data != stamped.parsed.evidence.timestamps[0] && result.trusted_time.is_none() {
        assert_ne!(result.status, AttestationStatus::Verified, "a token that is wrong refuses");
    }
}

/// The token in the place of which others are tried.
pub fn good_token() -> &'static [u8] {
    &STAMPED.parsed.evidence.timestamps[0]
}

struct Stamped {
    parsed: ParsedEvidence,
    trust: CompiledTrust,
    time: Option<Millis>,
}

/// After the cosign set was made.
const LATER: Millis = Millis(1_795_300_000_000);

static STAMPED: LazyLock<Stamped> = LazyLock::new(|| {
    let bundle = include_bytes!("../../tests/vectors/cosign/keyed-log/tsa.cyclonedx-1.6.sigstore.json");
    let root = include_bytes!("../../tests/vectors/cosign/config/trusted-root-local.json");
    let pem = include_str!("../../tests/vectors/cosign/keys/ecdsa-p256.pub");
    let key = json!({ "name": "key", "spki": pem, "algorithm": "ecdsa-p256-sha256" });
    let trust: TenantTrust =
        serde_json::from_value(json!({ "tenant": "acme", "log": "none", "keys": [key] })).expect("trust in the key");
    let root = TrustRoot::load(root, Digest::of(root)).expect("the set's root");
    let trust = CompiledTrust::compile(&trust, Some(root)).expect("it compiles");
    let parsed = verdict::parse(bundle, &[]).expect("it is evidence");
    let time = verdict::verify(&parsed, &trust, LATER).trusted_time;
    assert!(time.is_some(), "the token is right");
    Stamped { parsed, trust, time }
});

/// Bodies of log entries: what binds is of this payload and this signature.
pub fn entry(data: &[u8]) {
    let kind = entry::kind_of(data);
    if kind.is_ok() {
        assert!(json::check(data).is_ok(), "a body is strict JSON");
    }
    let world = &WORLD.parsed.evidence;
    let (kind, version) = kind.unwrap_or_else(|_| ("dsse".into(), "0.0.1".into()));
    let changed = LogEntry { body: data.to_vec(), kind, version, ..world.entries[0].clone() };
    let sig = world.envelope.signatures[0].sig.as_slice();
    let key = WORLD.trust.keys().next().map(|key| entry::Signer::Key(&key.key));
    if entry::bind(&changed, &world.envelope, &[(sig, key)]).is_err() {
        return;
    }
    let body: Value = serde_json::from_slice(data).expect("what binds is JSON");
    let hash = Digest::of(&world.envelope.payload).hex();
    let payload = match changed.kind.as_str() {
        "dsse" => &body["spec"]["payloadHash"]["value"],
        "intoto" => &body["spec"]["content"]["payloadHash"]["value"],
        other => panic!("{other} vouches for no envelope of an Ed25519 key"),
    };
    assert_eq!(payload, &json!(hash), "another payload is vouched for");
    if changed.kind == "dsse" {
        let logged = body["spec"]["signatures"].as_array().expect("signatures");
        let of = |one: &Value| one["signature"].as_str().and_then(|text| base64::decode(text).ok());
        assert!(logged.iter().all(|one| of(one).as_deref() == Some(sig)), "another signature is vouched for");
    }
}
