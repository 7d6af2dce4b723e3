//! Bare envelopes by pinned keys, changed in one place each: ours and an independent implementation of DSSE are asked.

use std::collections::BTreeMap;

use attestream::event::{Digest, Millis, Subject, base64};
use attestream::signing::Signer;
use attestream::signing::statement::{IN_TOTO, Sealed, statement};
use attestream::verdict::{self, AttestationStatus, CompiledTrust, TenantTrust, verify};
use dsse::{Ed25519Verifier, Envelope, Verifier};
use serde_json::{Value, json};

use super::differential::mutate;
use super::fuzzed::Numbers;

const NOW: Millis = Millis(1_795_300_000_000);

/// The keys that are trusted, and one that is not.
fn signers() -> Vec<Signer> {
    (1..=4).map(|seed| Signer::ed25519([seed; 32]).unwrap()).collect()
}

fn trust(keys: &[Signer], threshold: u32) -> CompiledTrust {
    let pinned: Vec<Value> = keys
        .iter()
        .enumerate()
        .map(|(at, key)| json!({ "name": format!("key-{at}"), "spki": key.public_pem(), "algorithm": "ed25519" }))
        .collect();
    let trust = json!({ "tenant": "acme", "keys": pinned, "log": "none", "threshold": threshold });
    CompiledTrust::compile(&serde_json::from_value::<TenantTrust>(trust).unwrap(), None).unwrap()
}

/// A statement, signed by all of these.
fn envelope(number: u8, by: &[&Signer]) -> Value {
    let mut subject = Subject::default();
    subject.digest.sha256 = Some(Digest::of(&[number]).hex());
    let payload = statement(&[subject], "https://cyclonedx.org/bom", &json!({ "bomFormat": "CycloneDX" }));
    let sealed = by.iter().map(|signer| Sealed::seal(IN_TOTO, payload.clone(), signer).unwrap().envelope());
    let mut envelopes: Vec<Value> = sealed.collect();
    let signatures: Vec<Value> = envelopes.iter().map(|envelope| envelope["signatures"][0].clone()).collect();
    envelopes[0]["signatures"] = json!(signatures);
    envelopes.remove(0)
}

/// `None` where it is accepted; the gravest code where not.
fn ours(text: &str, trust: &CompiledTrust) -> Option<String> {
    let parsed = match verdict::parse(text.as_bytes(), &[]) {
        Ok(parsed) => parsed,
        Err(reason) => return Some(reason.code().to_owned()),
    };
    let result = verify(&parsed, trust, NOW);
    (result.status != AttestationStatus::Verified).then(|| result.reasons[0].clone())
}

fn theirs(text: &str, keys: &[Signer], threshold: usize) -> Option<String> {
    let raw = |key: &Signer| *key.public().spki().last_chunk::<32>().unwrap();
    let keys = keys.iter().map(|key| Ed25519Verifier::from_bytes(&raw(key)).unwrap().with_key_id(key.hint()));
    let keys: Vec<Ed25519Verifier> = keys.collect();
    let keys: Vec<&dyn Verifier> = keys.iter().map(|key| key as &dyn Verifier).collect();
    let verified = Envelope::from_json(text.as_bytes()).and_then(|envelope| dsse::verify(&envelope, &keys, threshold));
    verified.err().map(|error| error.to_string())
}

/// The same envelope with padding: we read base64 with and without, the other demands it.
fn padded(text: &str) -> String {
    let mut envelope: Value = serde_json::from_str(text).unwrap();
    let pad = |text: &mut Value| {
        if let Some(bytes) = text.as_str().and_then(|text| base64::decode(text).ok()) {
            *text = json!(base64::encode(&bytes));
        }
    };
    pad(&mut envelope["payload"]);
    envelope["signatures"].as_array_mut().unwrap().iter_mut().for_each(|signature| pad(&mut signature["sig"]));
    envelope.to_string()
}

#[test]
fn we_never_accept_an_envelope_that_an_independent_verifier_refuses() {
    let asked = std::env::var("PROPTEST_CASES").ok().map(|text| text.parse().expect("a number of cases"));
    let mutations: usize = asked.unwrap_or(600);
    let all = signers();
    let (trusted, stranger) = all.split_at(3);
    let mut numbers = Numbers(20_261_122);
    let (mut both, mut neither, mut respelled, mut unlike) = (0, 0, 0, Vec::new());
    let mut stricter: BTreeMap<String, usize> = BTreeMap::new();
    for (threshold, by) in [
        (1, vec![&trusted[0]]),
        (1, vec![&stranger[0], &trusted[1]]),
        (2, vec![&trusted[0], &trusted[2]]),
        (2, vec![&trusted[0], &stranger[0], &trusted[1]]),
    ] {
        let (one, other) = (envelope(1, &by), envelope(2, &by));
        let trust = trust(trusted, threshold);
        let least = usize::try_from(threshold).unwrap();
        let good = one.to_string();
        assert_eq!((ours(&good, &trust), theirs(&good, trusted, least)), (None, None), "{good}");
        for _ in 0..mutations / 4 {
            let (text, what) = mutate(&one, &other, &mut numbers);
            match (ours(&text, &trust), theirs(&text, trusted, least)) {
                (None, None) => both += 1,
                (Some(_), Some(_)) => neither += 1,
                (Some(code), None) => *stricter.entry(code).or_default() += 1,
                (None, Some(_)) if theirs(&padded(&text), trusted, least).is_none() => respelled += 1,
                (None, Some(said)) => unlike.push(format!("threshold {threshold}, {what}: the other says {said}")),
            }
        }
    }
    println!(
        "envelopes: {mutations} mutations, {both} accepted and {neither} refused by both, {respelled} accepted by it once \
         padded; we alone refuse {stricter:?}"
    );
    assert!(unlike.is_empty(), "{} accepted by us alone:\n{}", unlike.len(), unlike.join("\n"));
    assert!(both > 0 && neither > 0, "mutations of both fates");
}
