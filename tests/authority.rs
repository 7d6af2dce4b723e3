//! The authority signs right and wrong, and each wrong is answered by exactly its code.

use attestream::event::{Digest, Millis, Subject, Tenant};
use attestream::signing::{Authority, Order, Predicate, Wrong};
use attestream::verdict::{
    self, AttestationResult, AttestationStatus, CompiledTrust, RestsOn, TenantTrust, TrustRoot, standing, verify,
};
use serde_json::{Value, json};

const START: Millis = Millis(1_795_000_000_000);
const NOW: Millis = Millis(1_795_100_000_000);

struct Case {
    authority: Authority,
    trust: TenantTrust,
    compiled: CompiledTrust,
}

fn case(log: &str) -> Case {
    let authority = Authority::new("ci", 7, START).unwrap();
    let trust: TenantTrust = serde_json::from_value(authority.tenant_trust("acme", log)).unwrap();
    let compiled = compile(&authority, &trust);
    Case { authority, trust, compiled }
}

fn compile(authority: &Authority, trust: &TenantTrust) -> CompiledTrust {
    let root = authority.trust_root();
    CompiledTrust::compile(trust, Some(TrustRoot::load(&root, Digest::of(&root)).unwrap())).unwrap()
}

fn subject() -> Subject {
    let mut subject = Subject { name: Some("orders-api".into()), ..Subject::default() };
    subject.digest.sha256 = Some(Digest::of(b"orders-api").hex());
    subject
}

fn sbom() -> Value {
    json!({ "bomFormat": "CycloneDX", "specVersion": "1.6", "components": [] })
}

impl Case {
    fn sign(&mut self, logged: bool, wrong: Option<Wrong>) -> Vec<u8> {
        let (subjects, document) = ([subject()], sbom());
        let predicate = Predicate::Document { predicate_type: "https://cyclonedx.org/bom", document: &document };
        let order = Order { subjects: &subjects, predicate, at: NOW.plus(-60_000), logged, wrong };
        self.authority.attest(&order).unwrap().bytes
    }

    fn verify(&self, bytes: &[u8]) -> Result<AttestationResult, verdict::Reason> {
        let parsed = verdict::parse(bytes, &self.compiled.own_types())?;
        Ok(verify(&parsed, &self.compiled, NOW))
    }
}

#[test]
fn what_is_right_verifies_with_and_without_a_log() {
    let mut logged = case("proof");
    let bytes = logged.sign(true, None);
    let result = logged.verify(&bytes).unwrap();
    assert_eq!(result.status, AttestationStatus::Verified, "{result:#?}");
    assert!(result.reasons.is_empty() && result.checks.iter().all(|check| check.code.is_none()), "{result:#?}");
    assert_eq!(result.trusted_time, Some(NOW.plus(-60_000)));
    assert_eq!(result.rekor.as_ref().unwrap().log_index, 1);
    assert_eq!(result.key.as_ref().unwrap().key_id, logged.authority.signer().key_id());
    let key = RestsOn::Key(logged.authority.signer().fingerprint());
    assert_eq!(result.rests_on, [key, RestsOn::Root, RestsOn::Rules]);
    assert_eq!(result.trust_root, Some(Digest::of(&logged.authority.trust_root())));

    let mut unlogged = case("none");
    let bytes = unlogged.sign(false, None);
    let result = unlogged.verify(&bytes).unwrap();
    assert_eq!(result.status, AttestationStatus::Verified, "{result:#?}");
    assert_eq!((result.trusted_time, &result.rekor, result.trust_root), (None, &None, None));
    assert_eq!(result.rests_on, [key, RestsOn::Rules]);
}

#[test]
fn each_wrong_is_answered_by_its_code_alone() {
    for wrong in Wrong::ALL.iter().copied() {
        let mut case = case("proof");
        let bytes = case.sign(true, Some(wrong));
        let reasons = match case.verify(&bytes) {
            Ok(result) => {
                assert_eq!(result.status == AttestationStatus::Verified, wrong.verifies(), "{wrong:?} {result:#?}");
                result.reasons
            }
            Err(reason) => vec![reason.code().to_owned()],
        };
        let expected: &[&str] = if wrong.verifies() { &[] } else { &[wrong.expected()] };
        assert_eq!(reasons, expected, "{wrong:?}");
    }
}

#[test]
fn what_is_wrong_without_a_log_is_so_under_a_tenant_that_needs_none() {
    for wrong in Wrong::ALL.iter().copied().filter(|wrong| !wrong.needs_log() && !wrong.verifies()) {
        let mut case = case("none");
        let bytes = case.sign(false, Some(wrong));
        let reasons = case.verify(&bytes).map_or_else(|reason| vec![reason.code().to_owned()], |r| r.reasons);
        assert_eq!(reasons, [wrong.expected()], "{wrong:?}");
    }
}

#[test]
fn the_same_orders_give_the_same_bytes() {
    let (mut one, mut two) = (case("proof"), case("proof"));
    for wrong in [None, Some(Wrong::BadProof), None] {
        assert_eq!(one.sign(true, wrong), two.sign(true, wrong));
    }
}

#[test]
fn a_removed_key_stands_as_one_that_never_was() {
    let mut case = case("proof");
    let nobody = TenantTrust::empty(Tenant::new("acme").unwrap());
    let never = compile(&case.authority, &nobody);
    for wrong in [None, Some(Wrong::TamperedPayload), Some(Wrong::BadProof), Some(Wrong::WrongPayloadType)] {
        let bytes = case.sign(true, wrong);
        let parsed = verdict::parse(&bytes, &[]).unwrap();
        let (known, unknown) = (verify(&parsed, &case.compiled, NOW), verify(&parsed, &never, NOW));
        assert_eq!(
            unknown.rests_on,
            [RestsOn::Unresolved(Some(case.authority.signer().fingerprint())), RestsOn::Rules]
        );
        assert_eq!(standing(&known, &nobody), standing(&unknown, &nobody), "{wrong:?}");
        assert_eq!(standing(&unknown, &nobody).checks, unknown.checks);
        assert_eq!((unknown.key, unknown.rekor, unknown.trusted_time), (None, None, None));
        assert_eq!(standing(&known, &case.trust).status, known.status);
    }
}

#[test]
fn a_revoked_key_keeps_what_was_signed_before() {
    let mut case = case("proof");
    let bytes = case.sign(true, None);
    let result = case.verify(&bytes).unwrap();
    let signed = result.trusted_time.unwrap();
    let mut stand = |at: Millis| {
        case.trust.keys[0].revoked_at = Some(at);
        standing(&result, &case.trust)
    };
    assert_eq!(stand(signed.plus(1)).status, AttestationStatus::Verified);
    let revoked = stand(signed);
    assert_eq!(revoked.status, AttestationStatus::KeyPolicyMismatch);
    assert_eq!(*revoked.reasons, ["key-revoked"]);
    assert!(revoked.checks.iter().any(|check| check.check == "key-standing"));
    assert_eq!(revoked.trusted_time, Some(signed));
}

#[test]
fn a_revoked_key_without_a_trusted_time_vouches_for_nothing() {
    let mut case = case("none");
    let bytes = case.sign(false, None);
    let result = case.verify(&bytes).unwrap();
    case.trust.keys[0].revoked_at = Some(NOW.plus(1_000_000));
    assert_eq!(*standing(&result, &case.trust).reasons, ["key-revoked"]);
    case.trust.keys[0].revoked_at = None;
    assert_eq!(standing(&result, &case.trust).status, AttestationStatus::Verified);
}
