//! Scenarios: given records, expect fates, outputs and what a reader ends with.

use attestream::event::{Kind, Topic};
use attestream::ledger::Fate;
use attestream::ledger::control::ControlRecord;
use attestream::ledger::output::Status;
use attestream::ledger::record::Body;
use attestream::verdict::result::Link;

use super::run::{consumed, last_enriched, run};
use super::world::{Attestation, Event, control, genesis, trust};

const EVENT: Event = Event { kind: Kind::Sbom, document: 1, subject: Some(1) };

const GOOD: Attestation = Attestation {
    number: 1,
    key: 1,
    forged: false,
    link: Link::Sbom,
    document: Some(1),
    subject: 1,
    time: Some(-10),
    hinted: true,
    material: None,
};

fn activate(seq: u64, keys: &[u8], revoked: &[u8]) -> attestream::ledger::LedgerRecord {
    control(seq, ControlRecord::Tenant(Box::new(trust(keys, revoked, None))))
}

fn status(run: &super::run::Run) -> (Status, Vec<String>) {
    let record = last_enriched(run).remove(&EVENT.id()).unwrap();
    (record.trust.status, record.trust.reasons)
}

#[test]
fn evidence_before_and_after_its_event_verifies_it() {
    let trusted = trust(&[1], &[], None);
    for records in [[EVENT.record(), GOOD.record(&trusted)], [GOOD.record(&trusted), EVENT.record()]] {
        let records = [vec![control(0, genesis(trusted.clone()))], records.to_vec()].concat();
        let run = run(records, &[GOOD], std::slice::from_ref(&trusted), &[1], 0);
        assert_eq!(status(&run), (Status::Verified, Vec::new()));
        assert_eq!(consumed(&run), [EVENT.id()]);
    }
}

#[test]
fn an_event_without_evidence_is_held_and_repeated_once_known() {
    let trusted = trust(&[1], &[], None);
    let records = vec![control(0, genesis(trusted.clone())), EVENT.record(), EVENT.record()];
    let run = run(records, &[], &[trusted], &[3], 0);
    assert_eq!(status(&run), (Status::Missing, Vec::new()));
    assert_eq!(run.fates.get(&Fate::Held), Some(&1));
    assert_eq!(run.fates.get(&Fate::Repeated), Some(&1));
    assert!(run.outputs.iter().all(|output| output.topic != Topic::Verified));
}

#[test]
fn a_good_signature_on_another_document_does_not_bless_this_one() {
    let trusted = trust(&[1], &[], None);
    let other = Attestation { document: Some(2), ..GOOD };
    let records = vec![control(0, genesis(trusted.clone())), EVENT.record(), other.record(&trusted)];
    let run = run(records, &[other], &[trusted], &[1], 0);
    assert_eq!(status(&run), (Status::Failed, vec!["document-unbound".to_owned()]));
    assert!(consumed(&run).is_empty());
}

#[test]
fn a_key_added_later_reopens_what_it_can_change_and_a_removed_one_turns_it() {
    let (none, with) = (trust(&[], &[], None), trust(&[1], &[], None));
    let records = vec![control(0, genesis(none.clone())), EVENT.record(), GOOD.record(&none), activate(1, &[1], &[])];
    let added = run(records.clone(), &[GOOD], &[none.clone(), with.clone()], &[1], 0);
    assert_eq!(status(&added), (Status::Verified, Vec::new()));
    let asked = added.outputs.iter().filter(|output| output.topic == Topic::Work).count();
    assert_eq!(asked, 1, "asked once for (attestation, pair)");

    let removed = [records, vec![EVENT.record(), EVENT.record(), activate(2, &[], &[])]].concat();
    let removed = run(removed, &[GOOD], &[none, with], &[1], 0);
    assert_eq!(status(&removed), (Status::KeyPolicyMismatch, vec!["key-unknown".to_owned()]));
    assert!(consumed(&removed).is_empty(), "what was verified is withdrawn");
    let asked = removed.outputs.iter().filter(|output| output.topic == Topic::Work).count();
    assert_eq!(asked, 1, "a removed key needs no mathematics");
}

/// Admission runs under epoch 1 before the ledger does: what it finds waits. By the time that the epoch comes, another trust
/// may be in force, so that the pair of what waits never is; wherever the evidence stands, the end is the same.
#[test]
fn an_epoch_reaches_what_waits_for_it_under_a_trust_that_went() {
    let unknown = (Status::KeyPolicyMismatch, vec!["key-unknown".to_owned()]);
    for (first, then, expected) in [
        (&[1][..], &[1, 2][..], (Status::Verified, Vec::new())),
        (&[1], &[2], unknown.clone()),
        (&[], &[1], (Status::Verified, Vec::new())),
        (&[], &[2], unknown),
    ] {
        let (old, new) = (trust(first, &[], None), trust(then, &[], None));
        let ControlRecord::Genesis(mut born) = genesis(old.clone()) else { panic!("it is one") };
        born.epoch = 0;
        let controls = [
            control(0, ControlRecord::Genesis(born)),
            activate(1, then, &[]),
            control(2, ControlRecord::Epoch { epoch: 1 }),
        ];
        for (event, evidence) in (1..=3).flat_map(|event| (1..=3).map(move |evidence| (event, evidence))) {
            let mut records = Vec::new();
            for (at, record) in controls.iter().enumerate() {
                records.push(record.clone());
                // Admission may lie behind or ahead of the partition in what it read of control.
                records.extend((at + 1 == event).then(|| EVENT.record()));
                records.extend((at + 1 == evidence).then(|| GOOD.record(&old)));
            }
            let run = run(records, &[GOOD], &[old.clone(), new.clone()], &[1], 0);
            assert_eq!(status(&run), expected, "event after {event}, evidence after {evidence}, {first:?} {then:?}");
        }
    }
}

/// The same from the other side: an instance of the older verifier is still at work when a trust comes after the epoch.
#[test]
fn what_an_older_verifier_says_after_the_epoch_is_asked_for_again() {
    let (old, new) = (trust(&[1], &[], None), trust(&[1, 2], &[], None));
    let mut straggler = GOOD.record(&new);
    if let Body::Admitted(admitted) = &mut straggler.body {
        admitted.attestation.as_mut().unwrap().result.pair.epoch = 0;
    }
    let records = vec![control(0, genesis(old.clone())), activate(1, &[1, 2], &[]), EVENT.record(), straggler];
    let run = run(records, &[GOOD], &[old, new], &[1], 0);
    assert_eq!(run.outputs.iter().filter(|output| output.topic == Topic::Work).count(), 1);
    assert_eq!(status(&run), (Status::Verified, Vec::new()));
}

/// A key comes, goes and comes back, and while it is away the same evidence is delivered again: what was found without the
/// key takes the place of the answer, and the pair that comes back is one that was asked for before.
#[test]
fn a_pair_that_comes_back_is_asked_for_again_where_its_answer_gave_way() {
    let (without, with) = (trust(&[2], &[], None), trust(&[1, 2], &[], None));
    for delivered_again in [false, true] {
        let mut records = vec![control(0, genesis(without.clone())), EVENT.record(), GOOD.record(&without)];
        records.extend([activate(1, &[1, 2], &[]), activate(2, &[2], &[])]);
        records.extend(delivered_again.then(|| GOOD.record(&without)));
        records.push(activate(3, &[1, 2], &[]));
        let run = run(records, &[GOOD], &[without.clone(), with.clone()], &[1], 0);
        assert_eq!(status(&run), (Status::Verified, Vec::new()), "delivered again: {delivered_again}");
        let asked = run.outputs.iter().filter(|output| output.topic == Topic::Work).count();
        assert_eq!(asked, 1 + usize::from(delivered_again));
    }
}

#[test]
fn a_revoked_key_turns_what_was_signed_after_and_keeps_what_was_signed_before() {
    let with = trust(&[1], &[], None);
    let late = Attestation { time: None, ..GOOD.clone() };
    for (attestation, expected) in [(GOOD, Status::Verified), (late, Status::KeyPolicyMismatch)] {
        let records =
            vec![control(0, genesis(with.clone())), EVENT.record(), attestation.record(&with), activate(1, &[1], &[1])];
        let run = run(records, &[attestation], std::slice::from_ref(&with), &[1], 0);
        assert_eq!(status(&run).0, expected);
    }
}

#[test]
fn a_chain_lists_verified_attestations_of_the_same_subject() {
    let trusted = trust(&[1], &[], None);
    let build = Attestation { number: 2, link: Link::Build, document: None, ..GOOD };
    let forged = Attestation { number: 3, link: Link::Vex, forged: true, ..GOOD };
    let records = vec![
        control(0, genesis(trusted.clone())),
        EVENT.record(),
        GOOD.record(&trusted),
        forged.record(&trusted),
        build.record(&trusted),
    ];
    let run = run(records, &[GOOD, build, forged], &[trusted], &[1], 0);
    let record = last_enriched(&run).remove(&EVENT.id()).unwrap();
    let links: Vec<Link> = record.provenance.dsse.unwrap().chain.iter().map(|entry| entry.r#type).collect();
    assert_eq!(links, [Link::Build, Link::Sbom]);
}

/// One key under many attestations and events: the sweep goes in bounded steps, and live records stand between them.
#[test]
fn a_sweep_is_bounded_and_lets_live_records_through() {
    let with = trust(&[1], &[], None);
    let events: Vec<Event> = (0..250u8).map(|document| Event { document, subject: Some(document), ..EVENT }).collect();
    let attestations: Vec<Attestation> =
        (0..250u8).map(|number| Attestation { number, document: Some(number), subject: number, ..GOOD }).collect();
    let mut records = vec![control(0, genesis(with.clone()))];
    records.extend(events.iter().map(Event::record));
    records.extend(attestations.iter().map(|attestation| attestation.record(&with)));
    records.push(activate(1, &[], &[]));
    let run = run(records, &attestations, &[with], &[10], 0);
    assert!(consumed(&run).is_empty());
    let continues = run.ledger.iter().filter(|record| !super::run::is_live(record)).count();
    assert!(continues > 3, "the removal took {continues} control records");
    assert!(last_enriched(&run).into_values().all(|record| record.trust.status == Status::KeyPolicyMismatch));
}
