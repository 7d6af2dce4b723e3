//! A verifier that is newer, or older, than the epoch in force: nothing that it is asked stops it for ever.

use attestream::admission::answer::Unanswered;
use attestream::admission::{TrustTable, answer};
use attestream::cas::MemoryObjects;
use attestream::event::{Digest, Millis};
use attestream::ledger::control::{ControlRecord, FOLD_VERSION, Genesis, LEDGER_FORMAT};
use attestream::ledger::record::{Body, Bytes, VerifyWork};
use attestream::verdict::{AttestationStatus, Pair, VERIFIER_EPOCH};

use super::feed::{Expected, Producer};

const NOW: Millis = Millis(1_800_000_000_000);

fn ask(epoch: u32) -> (TrustTable, VerifyWork) {
    let mut producer = Producer::new("acme", 1, NOW);
    let genesis = Genesis {
        ledger: "01TESTLEDGER".to_owned(),
        partitions: 1,
        format: LEDGER_FORMAT,
        fold_version: FOLD_VERSION,
        epoch: VERIFIER_EPOCH,
        verifier: "attestream".to_owned(),
        at: NOW,
        root: None,
        tenants: vec![producer.trust()],
    };
    let mut table = TrustTable::default();
    table.apply(&ControlRecord::Genesis(Box::new(genesis)));
    let trust = table.current(&producer.tenant).unwrap().pair.trust;
    let sent = std::iter::repeat_with(|| producer.next())
        .find(|made| made.expected == Expected::Verified && made.inputs.len() == 2)
        .unwrap();
    let evidence = sent.inputs.iter().filter_map(|input| input.value.clone());
    let evidence = evidence.max_by_key(|value| String::from_utf8_lossy(value).contains("dsseEnvelope")).unwrap();
    let (digest, size) = (Digest::of(&evidence), u64::try_from(evidence.len()).unwrap());
    let bytes = Bytes { digest, size, inline: Some(evidence), r#ref: None };
    let tenant = producer.tenant.clone();
    (table, VerifyWork { tenant, attestation: digest, evidence: bytes, pair: Pair { trust, epoch }, at: NOW })
}

#[test]
fn an_ask_of_an_older_epoch_is_answered_under_this_one() {
    for epoch in [VERIFIER_EPOCH - 1, VERIFIER_EPOCH] {
        let (table, work) = ask(epoch);
        let answered = answer(&work, &table, &MemoryObjects::default(), NOW).unwrap();
        let Body::Answer(answer) = answered.body else { panic!("an answer") };
        assert_eq!(answer.result.pair, Pair { trust: work.pair.trust, epoch: VERIFIER_EPOCH });
        assert_eq!(answer.result.status, AttestationStatus::Verified, "{:?}", answer.result.reasons);
    }
}

#[test]
fn an_ask_of_a_newer_epoch_waits_for_a_newer_verifier() {
    let (table, work) = ask(VERIFIER_EPOCH + 1);
    let waits = answer(&work, &table, &MemoryObjects::default(), NOW);
    assert!(matches!(waits, Err(Unanswered::TrustUnknown)));
}
