//! A keyless authority signs right and wrong: each wrong is answered by exactly its code, and no clock but ours counts.

use attestream::event::{Digest, Millis, Subject, base64};
use attestream::evidence::{Artifact, Fault, KeyAlgorithm, PublicKey, memo};
use attestream::signing::keyless::Signed;
use attestream::signing::{KeylessAuthority, KeylessOrder, KeylessWrong, Predicate};
use attestream::verdict::{self, AttestationResult, AttestationStatus, CompiledTrust, TrustRoot};
use serde_json::{Value, json};

const START: Millis = Millis(1_795_000_000_000);
const NOW: Millis = Millis(1_795_100_000_000);
const ISSUER: &str = "https://issuer.example";
const MINUTE: i64 = 60_000;

struct Case {
    authority: KeylessAuthority,
    trust: CompiledTrust,
}

/// A tenant that believes what `issuer` vouches for; `None`: what the authority itself does.
fn case(issuer: Option<&str>, log: &str, certificate_logs: bool) -> Case {
    case_of("ci", issuer, log, certificate_logs)
}

fn case_of(name: &str, issuer: Option<&str>, log: &str, certificate_logs: bool) -> Case {
    let authority = KeylessAuthority::new(name, 7, START).unwrap();
    let uri = authority.uri();
    let trust = authority.tenant_trust("acme", issuer.unwrap_or(&uri), log);
    let root = authority.trust_root(certificate_logs);
    let root = TrustRoot::load(&root, Digest::of(&root)).unwrap();
    let trust = CompiledTrust::compile(&serde_json::from_value(trust).unwrap(), Some(root)).unwrap();
    Case { authority, trust }
}

impl Case {
    /// Signed at `at`, logged and stamped then.
    fn sign(&mut self, at: Millis, wrong: Option<KeylessWrong>) -> Vec<u8> {
        self.sign_at(at, Some(at), Some(at), wrong)
    }

    fn sign_at(
        &mut self,
        at: Millis,
        logged: Option<Millis>,
        stamped: Option<Millis>,
        wrong: Option<KeylessWrong>,
    ) -> Vec<u8> {
        let mut subject = Subject { name: Some("orders-api".into()), ..Subject::default() };
        subject.digest.sha256 = Some(Digest::of(b"orders-api").hex());
        let document = json!({ "bomFormat": "CycloneDX", "specVersion": "1.6", "components": [] });
        let order = KeylessOrder {
            subjects: &[subject],
            predicate: Predicate::Document { predicate_type: "https://cyclonedx.org/bom", document: &document },
            signed: Signed { issuer: ISSUER, uri: "https://ci.example/orders@refs/tags/v1", at },
            logged,
            stamped,
            wrong,
        };
        self.authority.attest(&order).unwrap().bytes
    }

    fn verify(&self, bytes: &[u8], now: Millis) -> AttestationResult {
        let result = verdict::verify(&verdict::parse(bytes, &[]).unwrap(), &self.trust, now);
        let judged = verdict::judge(bytes, Digest::of(bytes), &self.trust, now).unwrap();
        assert_eq!(judged.result, result, "by memory as by verification");
        result
    }
}

fn check<'a>(result: &'a AttestationResult, name: &str) -> Option<&'a verdict::Check> {
    result.checks.iter().find(|check| check.check == name)
}

#[test]
fn what_is_right_verifies_by_either_time_or_both() {
    let mut case = case(Some(ISSUER), "none", true);
    let at = NOW.plus(-MINUTE);
    for (logged, stamped) in [(Some(at), Some(at)), (Some(at), None), (None, Some(at))] {
        let bytes = case.sign_at(at, logged, stamped, None);
        let result = case.verify(&bytes, NOW);
        assert_eq!(result.status, AttestationStatus::Verified, "{result:#?}");
        assert_eq!((result.trusted_time, result.not_before), (Some(at), None));
        let key = result.key.as_ref().unwrap();
        assert_eq!(key.identity.as_deref(), Some("https://ci.example/orders@refs/tags/v1"));
        assert_eq!(result.claims["buildSignerURI"], "https://ci.example/orders@refs/tags/v1");
        assert_eq!(check(&result, "certificate-log").unwrap().outcome, verdict::CheckOutcome::Pass);
    }
}

#[test]
fn each_wrong_is_answered_by_its_code_alone() {
    for wrong in KeylessWrong::ALL.iter().copied() {
        let mut case = case(Some(ISSUER), "proof", true);
        let bytes = case.sign(NOW.plus(-MINUTE), Some(wrong));
        let result = case.verify(&bytes, NOW);
        assert_ne!(result.status, AttestationStatus::Verified, "{wrong:?}");
        assert_eq!(result.reasons, [wrong.expected()], "{wrong:?} {result:#?}");
        assert!(result.claims.is_empty() || wrong.expected().starts_with("timestamp"), "{wrong:?}");
    }
}

/// A time ahead of ours by little waits, by more is refused, and the machine's clock is never asked: one and the same
/// evidence is verified at times years apart.
#[test]
fn the_clock_is_the_one_that_is_given() {
    for now in [Millis(1_000_000_000_000), NOW, Millis(2_400_000_000_000)] {
        let mut authority = case(Some(ISSUER), "proof", true);
        let near = KeylessAuthority::new("ci", 7, now).unwrap();
        let root = near.trust_root(true);
        let root = TrustRoot::load(&root, Digest::of(&root)).unwrap();
        let trust = near.tenant_trust("acme", ISSUER, "proof");
        authority.trust = CompiledTrust::compile(&serde_json::from_value(trust).unwrap(), Some(root)).unwrap();
        authority.authority = near;
        let ahead = |by: i64, case: &mut Case| {
            let at = now.plus(by);
            let bytes = case.sign(at, None);
            let result = case.verify(&bytes, now);
            assert_eq!(serde_json::to_vec(&result).unwrap(), serde_json::to_vec(&case.verify(&bytes, now)).unwrap());
            result
        };
        let result = ahead(0, &mut authority);
        assert_eq!((result.status, result.not_before), (AttestationStatus::Verified, None), "{result:#?}");
        let result = ahead(10 * MINUTE, &mut authority);
        let waits = Some(now.plus(10 * MINUTE));
        assert_eq!((result.status, result.not_before), (AttestationStatus::Verified, waits), "{result:#?}");
        let result = ahead(10 * MINUTE + 1000, &mut authority);
        assert_eq!((result.reasons.as_slice(), result.not_before), (&["time-in-future".to_owned()][..], None));
    }
}

/// What is remembered of evidence holds for the clocks that would have said the same, whichever came first.
#[test]
fn no_clock_is_answered_from_what_another_was_told() {
    let mut case = case(Some(ISSUER), "proof", true);
    let mut trust = case.authority.tenant_trust("acme", ISSUER, "proof");
    trust["maxAgeSeconds"] = json!(3_600);
    let root = case.trust.root.clone();
    case.trust = CompiledTrust::compile(&serde_json::from_value(trust).unwrap(), root).unwrap();
    let codes = |result: &AttestationResult| (result.not_before, result.reasons.first().cloned());
    let (future, old) = (Some("time-in-future".to_owned()), Some("too-old".to_owned()));
    let at = NOW.plus(5 * MINUTE);
    let waits = (Some(at), None);
    let clocks = [
        (NOW.plus(-6 * MINUTE), (None, future)),
        (NOW.plus(-5 * MINUTE), waits.clone()),
        (NOW, waits.clone()),
        (at.plus(-1), waits),
        (at, (None, None)),
        (at.plus(60 * MINUTE), (None, None)),
        (at.plus(60 * MINUTE + 1), (None, old)),
    ];
    for first in 0..clocks.len() {
        let bytes = case.sign(at, None);
        for (clock, expected) in clocks.iter().cycle().skip(first).step_by(3).take(2 * clocks.len()) {
            assert_eq!(codes(&case.verify(&bytes, *clock)), *expected, "{clock:?}");
        }
    }
}

#[test]
fn the_latest_of_several_times_is_waited_for() {
    let mut case = case(Some(ISSUER), "proof", true);
    let bytes = case.sign_at(NOW, Some(NOW.plus(-MINUTE)), Some(NOW.plus(4 * MINUTE)), None);
    let result = case.verify(&bytes, NOW);
    assert_eq!(result.status, AttestationStatus::Verified, "{result:#?}");
    assert_eq!((result.trusted_time, result.not_before), (Some(NOW.plus(-MINUTE)), Some(NOW.plus(4 * MINUTE))));
    let bytes = case.sign_at(NOW, Some(NOW.plus(-MINUTE)), Some(NOW.plus(20 * MINUTE)), None);
    let reasons = case.verify(&bytes, NOW).reasons;
    assert_eq!(reasons, ["certificate-not-valid-at-time", "time-in-future"]);
}

/// Where no issuer is stated, the authority vouches, if the tenant says that it may.
#[test]
fn an_authority_may_vouch_for_names_itself() {
    let mut own = case(None, "proof", true);
    let bytes = own.sign(NOW, Some(KeylessWrong::NoIssuer));
    assert_eq!(own.verify(&bytes, NOW).status, AttestationStatus::Verified);
    // Not for a certificate that names another issuer, and not by another authority than the one that was named.
    let stated = own.sign(NOW, None);
    assert_eq!(own.verify(&stated, NOW).reasons, ["identity-mismatch"]);
    let authority = &own.authority;
    let root = authority.trust_root(true);
    let root = TrustRoot::load(&root, Digest::of(&root)).unwrap();
    let other = authority.tenant_trust("acme", "https://fulcio-1.ci.example", "proof");
    own.trust = CompiledTrust::compile(&serde_json::from_value(other).unwrap(), Some(root)).unwrap();
    assert_eq!(own.verify(&bytes, NOW).reasons, ["identity-mismatch"]);
}

#[test]
fn an_authority_without_a_certificate_log_vouches_for_what_claims_none() {
    let mut case = case(Some(ISSUER), "proof", false);
    let unlogged = case.sign(NOW, Some(KeylessWrong::NotLogged));
    let result = case.verify(&unlogged, NOW);
    assert_eq!(result.status, AttestationStatus::Verified, "{result:#?}");
    assert_eq!(check(&result, "certificate-log").unwrap().outcome, verdict::CheckOutcome::Skip);
    let logged = case.sign(NOW, None);
    assert_eq!(case.verify(&logged, NOW).reasons, ["certificate-not-logged"]);
}

/// cosign's older bundle of what a bundle holds: the certificate, the promise, the time stamp.
fn older(bundle: &[u8], stamp: bool) -> Vec<u8> {
    let bundle: Value = serde_json::from_slice(bundle).unwrap();
    let material = &bundle["verificationMaterial"];
    let leaf = base64::decode(material["certificate"]["rawBytes"].as_str().unwrap()).unwrap();
    let pem = attestream::evidence::pem::encode(&leaf, "CERTIFICATE");
    let entry = &material["tlogEntries"][0];
    let number = |name: &str| entry[name].as_str().unwrap().parse::<u64>().unwrap();
    let log = base64::decode(entry["logId"]["keyId"].as_str().unwrap()).unwrap();
    let mut older = json!({
        "base64Signature": base64::encode(bundle["dsseEnvelope"].to_string().as_bytes()),
        "cert": base64::encode(pem.as_bytes()),
        "rekorBundle": {
            "SignedEntryTimestamp": entry["inclusionPromise"]["signedEntryTimestamp"],
            "Payload": {
                "body": entry["canonicalizedBody"],
                "integratedTime": number("integratedTime"),
                "logIndex": number("logIndex"),
                "logID": attestream::event::digest::hex(&log),
            },
        },
    });
    if stamp {
        let stamps = &material["timestampVerificationData"]["rfc3161Timestamps"];
        older["SignedRFC3161Timestamp"] = stamps[0]["signedTimestamp"].clone();
    }
    older.to_string().into_bytes()
}

#[test]
fn an_older_bundle_is_verified_with_its_certificate_and_time_stamp() {
    let mut case = case(Some(ISSUER), "promise", true);
    let bundle = case.sign_at(NOW, Some(NOW), Some(NOW.plus(-MINUTE)), None);
    let result = case.verify(&older(&bundle, false), NOW);
    assert_eq!((result.status, result.trusted_time), (AttestationStatus::Verified, Some(NOW)), "{result:#?}");
    let result = case.verify(&older(&bundle, true), NOW);
    assert_eq!(result.trusted_time, Some(NOW.plus(-MINUTE)), "{result:#?}");
    for wrong in [KeylessWrong::LeafExpired, KeylessWrong::AuthorityUnknown, KeylessWrong::NotLogged] {
        let bundle = case.sign(NOW, Some(wrong));
        assert_eq!(case.verify(&older(&bundle, true), NOW).reasons, [wrong.expected()], "{wrong:?}");
    }
    let bundle = case.sign(NOW, Some(KeylessWrong::StampOfAnother));
    assert_eq!(case.verify(&older(&bundle, false), NOW).status, AttestationStatus::Verified);
    assert_eq!(case.verify(&older(&bundle, true), NOW).reasons, ["timestamp-imprint-mismatch"]);
}

/// SLSA's form: an envelope whose signature carries its certificate, beside its entry as the log's API gives it.
fn beside_its_entry(bundle: &[u8]) -> Value {
    let bundle: Value = serde_json::from_slice(bundle).unwrap();
    let material = &bundle["verificationMaterial"];
    let bytes = |value: &Value| base64::decode(value.as_str().unwrap()).unwrap();
    let hex = |value: &Value| attestream::event::digest::hex(&bytes(value));
    let number = |value: &Value| value.as_str().unwrap().parse::<u64>().unwrap();
    let mut envelope = bundle["dsseEnvelope"].clone();
    let leaf = bytes(&material["certificate"]["rawBytes"]);
    envelope["signatures"][0]["cert"] = Value::String(attestream::evidence::pem::encode(&leaf, "CERTIFICATE"));
    envelope["signatures"][0]["keyid"] = json!("");
    let (entry, proof) = (&material["tlogEntries"][0], &material["tlogEntries"][0]["inclusionProof"]);
    let leaf = attestream::evidence::merkle::leaf(&bytes(&entry["canonicalizedBody"])).hex();
    json!({
        "dsseEnvelope": envelope,
        "rekorEntry": { leaf: {
            "body": entry["canonicalizedBody"],
            "integratedTime": number(&entry["integratedTime"]),
            "logIndex": number(&entry["logIndex"]),
            "logID": hex(&entry["logId"]["keyId"]),
            "verification": {
                "signedEntryTimestamp": entry["inclusionPromise"]["signedEntryTimestamp"],
                "inclusionProof": {
                    "checkpoint": proof["checkpoint"]["envelope"],
                    "hashes": proof["hashes"].as_array().unwrap().iter().map(hex).collect::<Vec<_>>(),
                    "logIndex": number(&proof["logIndex"]),
                    "rootHash": hex(&proof["rootHash"]),
                    "treeSize": number(&proof["treeSize"]),
                },
            },
        } },
    })
}

#[test]
fn an_envelope_that_carries_its_certificate_is_verified_beside_its_entry() {
    let mut case = case(Some(ISSUER), "proof", true);
    let bundle = case.sign(NOW, None);
    let mut both = beside_its_entry(&bundle);
    let result = case.verify(both.to_string().as_bytes(), NOW);
    assert_eq!((result.status, result.trusted_time), (AttestationStatus::Verified, Some(NOW)), "{result:#?}");
    let alone = both["dsseEnvelope"].to_string();
    assert_eq!(case.verify(alone.as_bytes(), NOW).reasons, ["log-required"]);
    // A key that is named is what is asked for.
    both["dsseEnvelope"]["signatures"][0]["keyid"] = json!("a key");
    assert_eq!(case.verify(both.to_string().as_bytes(), NOW).reasons, ["key-unknown"]);
    for wrong in [KeylessWrong::LeafForged, KeylessWrong::LoggedElsewhere, KeylessWrong::NameAround] {
        let bundle = case.sign(NOW, Some(wrong));
        let both = beside_its_entry(&bundle).to_string();
        assert_eq!(case.verify(both.as_bytes(), NOW).reasons, [wrong.expected()], "{wrong:?}");
    }
}

/// Where every object of the value lies (RFC 6901).
fn objects(value: &Value, at: &str) -> Vec<String> {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(name, value)| (format!("{at}/{name}"), value)).collect(),
        Value::Array(list) => list.iter().enumerate().map(|(place, value)| (format!("{at}/{place}"), value)).collect(),
        _ => Vec::new(),
    };
    let within = inner.into_iter().flat_map(|(at, value)| objects(value, &at));
    value.is_object().then(|| at.to_owned()).into_iter().chain(within).collect()
}

/// What reads by the order of members reads another document than who reads by their names.
#[test]
fn no_array_stands_for_an_object_in_any_form() {
    let mut case = case(Some(ISSUER), "promise", true);
    let bundle = case.sign_at(NOW, Some(NOW), Some(NOW), None);
    let file = Artifact::read(b"a file".as_slice()).unwrap();
    let read = |value: &Value| verdict::parse_about(value.to_string().as_bytes(), &file, &[]);
    let value = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap();
    let mut signed_file = value(&bundle);
    signed_file.as_object_mut().unwrap().remove("dsseEnvelope");
    let digest = base64::encode(Digest::of(b"a file").as_bytes());
    signed_file["messageSignature"] =
        json!({ "messageDigest": { "algorithm": "SHA2_256", "digest": digest }, "signature": "AAAA" });
    let forms = [value(&bundle), value(&older(&bundle, true)), beside_its_entry(&bundle), signed_file];
    for (form, least) in forms.iter().zip([12, 3, 6, 13]) {
        read(form).unwrap();
        let objects = objects(form, "");
        assert!(objects.len() >= least, "{objects:?}");
        for at in &objects {
            let mut other = form.clone();
            let place = other.pointer_mut(at).unwrap();
            *place = place.as_object().unwrap().values().cloned().collect();
            assert!(read(&other).is_err(), "{at} of {form:#}");
        }
    }
}

/// Each signature is asked about once, and what repeats is not computed again.
#[test]
fn no_signature_is_checked_twice() {
    let mut case = case(Some(ISSUER), "proof", true);
    let bytes = case.sign_at(NOW, Some(NOW), None, None);
    let parsed = verdict::parse(&bytes, &[]).unwrap();
    let counted = || {
        let before = memo::counts();
        assert_eq!(verdict::verify(&parsed, &case.trust, NOW).status, AttestationStatus::Verified);
        let after = memo::counts();
        (after.asked - before.asked, after.computed - before.computed)
    };
    // Envelope, checkpoint, promise, leaf, intermediate, certificate log.
    let (asked, _) = counted();
    assert_eq!(asked, 6);
    assert_eq!(counted(), (6, 0));
}

/// What the certificates of a pinned root say of each other was computed when it was read.
#[test]
fn no_evidence_computes_the_links_of_its_trust_root() {
    let mut case = case_of("pinned", Some(ISSUER), "proof", true);
    let bytes = case.sign_at(NOW, Some(NOW), Some(NOW), None);
    let parsed = verdict::parse(&bytes, &[]).unwrap();
    let before = memo::counts();
    assert_eq!(verdict::verify(&parsed, &case.trust, NOW).status, AttestationStatus::Verified);
    let after = memo::counts();
    // Beside what is computed, those of the signer's authority and of the time stamp's: envelope, checkpoint, promise, leaf,
    // certificate log and stamp are the evidence's own.
    assert_eq!((after.asked - before.asked, after.computed - before.computed), (8, 6));
}

/// The hash belongs to the curve: what a key of P-384 signed over SHA-256 is no signature of it.
#[test]
fn a_key_of_p384_does_not_sign_with_sha256() {
    const KEY: &str = "-----BEGIN PUBLIC KEY-----
MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEyMTvvT9EnrK/VAqotfn1aTrhqYSg3ZOv
rINyNYRn3eUpOZQYrzF7sR/cT3QUHxkQznHKTnx6IltscAz9mXdW4mOcg56/k8+W
AXeSJXQ4oKAYkmLGCp22HRsdwoaiO6P+
-----END PUBLIC KEY-----
";
    let sha256 = "MGQCMBYR8ttOTRJMDKqMGSB0p1SSznJIV9c2DsbM5q1TjqkX9JT+29T0XYsjMBUFMBzDcgIwBeSYB/RP19bhjfo0u/f6WcFgdTJAAQ6uyj6n1nie\
                  EEvQKDYcuI9jYLxTLv0R9wk3";
    let sha384 = "MGYCMQDJwwOL2Hw4XCl0FUyY3lrhX52AT8X4luU0kYewnzAvpzqURAyJPZijh4pi7saju6YCMQD2PJ0nAzb1XXIrD4NzEMqeFq6dQKH/QUhGzy6L\
                  Dh11KhR5MUbDIF2Vo3bmJb+Cgpc=";
    let key = PublicKey::from_pem(KEY, KeyAlgorithm::EcdsaP384Sha384).unwrap();
    assert_eq!(key.verify(b"message", &base64::decode(sha384).unwrap()), Ok(()));
    assert_eq!(key.verify(b"message", &base64::decode(sha256).unwrap()), Err(Fault::SignatureInvalid));
    // And again, now that the good one is remembered.
    assert_eq!(key.verify(b"message", &base64::decode(sha256).unwrap()), Err(Fault::SignatureInvalid));
}
