//! Witnesses of checkpoints: who counts, how often, and the quorum that a tenant demands of them.

use attestream::event::{Digest, Millis, Subject};
use attestream::signing::{Authority, Order, Predicate, Signer, Witness};
use attestream::verdict::{self, AttestationResult, AttestationStatus, CompiledTrust, TenantTrust, TrustRoot, verify};
use serde_json::{Value, json};

const START: Millis = Millis(1_795_000_000_000);
const NOW: Millis = Millis(1_795_100_000_000);
const NOTE: &str = "/verificationMaterial/tlogEntries/0/inclusionProof/checkpoint/envelope";

fn witness(operator: &str, seed: u8) -> Witness {
    Witness::new(operator.to_owned(), Signer::ed25519([seed; 32]).unwrap())
}

struct Case {
    authority: Authority,
    bundle: Value,
}

fn case() -> Case {
    let mut authority = Authority::new("ci", 7, START).unwrap();
    let mut subject = Subject::default();
    subject.digest.sha256 = Some(Digest::of(b"orders-api").hex());
    let document = json!({ "bomFormat": "CycloneDX", "specVersion": "1.6" });
    let predicate = Predicate::Document { predicate_type: "https://cyclonedx.org/bom", document: &document };
    let at = NOW.plus(-60_000);
    let order = Order { subjects: &[subject], predicate, at, logged: true, wrong: None };
    let bundle = serde_json::from_slice(&authority.attest(&order).unwrap().bytes).unwrap();
    Case { authority, bundle }
}

impl Case {
    fn note(&self) -> String {
        self.bundle.pointer(NOTE).unwrap().as_str().unwrap().to_owned()
    }

    fn cosigned(&self, by: &[&Witness]) -> String {
        by.iter().fold(self.note(), |note, witness| witness.cosign(&note, NOW.plus(-1_000)).unwrap())
    }

    /// The verdict under `trust`, the bundle's checkpoint being `note`.
    fn verify(&self, note: &str, trust: &Value) -> AttestationResult {
        let mut bundle = self.bundle.clone();
        *bundle.pointer_mut(NOTE).unwrap() = json!(note);
        let mut entry = self.authority.tenant_trust("acme", "proof");
        entry.as_object_mut().unwrap().extend(trust.as_object().unwrap().clone());
        let trust: TenantTrust = serde_json::from_value(entry).unwrap();
        let root = self.authority.trust_root();
        let root = TrustRoot::load(&root, Digest::of(&root)).unwrap();
        let trust = CompiledTrust::compile(&trust, Some(root)).unwrap();
        let parsed = verdict::parse(&serde_json::to_vec(&bundle).unwrap(), &[]).unwrap();
        verify(&parsed, &trust, NOW)
    }
}

#[test]
fn distinct_configured_operators_are_counted_and_nobody_else() {
    let case = case();
    let (one, same, other, stranger) = (witness("a", 1), witness("a", 2), witness("b", 3), witness("c", 4));
    let listed = json!({ "witnesses": [one.vkey(), same.vkey(), other.vkey()] });
    let count = |by: &[&Witness]| {
        let result = case.verify(&case.cosigned(by), &listed);
        assert_eq!(result.status, AttestationStatus::Verified, "{result:?}");
        result.witnesses
    };
    assert_eq!(count(&[]), 0);
    assert_eq!(count(&[&one]), 1);
    assert_eq!(count(&[&one, &same]), 1, "two keys of one operator are one witness");
    assert_eq!(count(&[&one, &one]), 1, "one line twice is one witness");
    assert_eq!(count(&[&one, &other, &stranger]), 2);
    assert_eq!(count(&[&stranger]), 0);
}

#[test]
fn a_witness_that_is_named_and_did_not_sign_this_refuses() {
    let case = case();
    let one = witness("a", 1);
    let listed = json!({ "witnesses": [one.vkey()] });
    let impostor = witness("a", 2);
    let right = case.cosigned(&[&one]);
    let signed_by = |line: &str| line.rsplit_once(' ').unwrap().1.trim_end().to_owned();
    let decode = |text: &str| attestream::event::base64::decode(text).unwrap();
    let (ours, theirs) = (decode(&signed_by(&right)), decode(&signed_by(&case.cosigned(&[&impostor]))));
    // The key id of the one, the signature of the other.
    let forged = attestream::event::base64::encode(&[&ours[..4], &theirs[4..]].concat());
    let forged = right.replace(&signed_by(&right), &forged);
    // A cosignature over another checkpoint of the same log.
    let mut log = case.authority.log().checkpoint(1).unwrap();
    log = one.cosign(&log, NOW.plus(-1_000)).unwrap();
    let moved = format!("{}{}\n", case.note(), log.lines().last().unwrap());
    for note in [forged, moved] {
        let result = case.verify(&note, &listed);
        assert_eq!(
            (result.status, result.reasons),
            (AttestationStatus::Failed, vec!["cosignature-invalid".to_owned()])
        );
    }
    assert_eq!(case.verify(&right, &listed).status, AttestationStatus::Verified);
}

#[test]
fn a_cosignature_of_a_time_to_come_and_one_by_the_log_itself_do_not_count() {
    let case = case();
    let one = witness("a", 1);
    let later = one.cosign(&case.note(), NOW.plus(1_000)).unwrap();
    let listed = json!({ "witnesses": [one.vkey()] });
    assert_eq!(case.verify(&later, &listed).witnesses, 0);
    assert_eq!(case.verify(&case.cosigned(&[&one]), &listed).witnesses, 1);

    let own = Witness::new("independent".to_owned(), case.authority.log_signer().unwrap());
    let listed = json!({ "witnesses": [own.vkey()] });
    assert_eq!(case.verify(&case.cosigned(&[&own]), &listed).witnesses, 0);
}

#[test]
fn a_quorum_that_is_demanded_is_met_or_the_evidence_is_not_accepted() {
    let case = case();
    let all = [witness("a", 1), witness("b", 2), witness("c", 3)];
    let lines: Vec<String> =
        all.iter().zip(["a", "b", "c"]).map(|(w, n)| format!("witness {n} {}", w.vkey())).collect();
    let policy = json!({ "witnessPolicy": format!("{}\ngroup two 2 a b c\nquorum two\n", lines.join("\n")) });
    let missing = |by: &[&Witness]| {
        let result = case.verify(&case.cosigned(by), &policy);
        let expected = (AttestationStatus::KeyPolicyMismatch, vec!["witness-quorum-not-met".to_owned()]);
        assert_eq!((result.status, result.reasons), expected);
    };
    missing(&[]);
    missing(&[&all[0]]);
    missing(&[&all[0], &all[0]]);
    let met = case.verify(&case.cosigned(&[&all[0], &all[2]]), &policy);
    assert_eq!((met.status, met.witnesses), (AttestationStatus::Verified, 2));
    let none = json!({ "witnessPolicy": format!("{}\nquorum none\n", lines.join("\n")) });
    assert_eq!(case.verify(&case.note(), &none).status, AttestationStatus::Verified);
}

#[test]
fn a_quorum_without_any_inclusion_proof_is_not_met() {
    let mut case = case();
    let one = witness("a", 1);
    let text = format!("witness a {}\nquorum a\n", one.vkey());
    let cosigned = case.cosigned(&[&one]);
    assert_eq!(case.verify(&cosigned, &json!({ "witnessPolicy": text })).status, AttestationStatus::Verified);
    case.bundle.pointer_mut("/verificationMaterial").unwrap()["tlogEntries"] = json!([]);
    let parsed = verdict::parse(&serde_json::to_vec(&case.bundle).unwrap(), &[]).unwrap();
    let mut entry = case.authority.tenant_trust("acme", "none");
    entry["witnessPolicy"] = json!(text);
    let trust = CompiledTrust::compile(&serde_json::from_value(entry).unwrap(), None).unwrap();
    let result = verify(&parsed, &trust, NOW);
    assert_eq!(result.reasons, ["witness-quorum-not-met"]);
}
