//! Arrival order never changes the final state, batches never change a byte.

use attestream::event::{Kind, Millis};
use attestream::ledger::control::ControlRecord;
use attestream::ledger::output::Status;
use attestream::ledger::record::LedgerRecord;
use attestream::ledger::state::State as _;
use attestream::verdict::result::Link;
use attestream::verdict::tenant::TenantTrust;
use proptest::prelude::*;

use super::run::{consumed, last_enriched, replay, run};
use super::world::{Attestation, Event, START, control, genesis, trust};

#[derive(Debug, Clone)]
struct Scenario {
    events: Vec<Event>,
    attestations: Vec<Attestation>,
    /// Trusts in the order of their activation, the first at genesis.
    trusts: Vec<TenantTrust>,
    tick: Option<i64>,
}

fn event() -> impl Strategy<Value = Event> {
    let kind = prop_oneof![Just(Kind::Sbom), Just(Kind::Vex)];
    (kind, 0u8..4, prop::option::of(0u8..3)).prop_map(|(kind, document, subject)| Event { kind, document, subject })
}

fn attestation() -> impl Strategy<Value = Attestation> {
    let link = prop_oneof![3 => Just(Link::Sbom), 1 => Just(Link::Vex), 1 => Just(Link::Build)];
    let time = prop_oneof![Just(None), Just(Some(-100)), Just(Some(-50)), Just(Some(60)), Just(Some(120))];
    (0u8..3, any::<bool>(), link, prop::option::of(0u8..4), 0u8..3, time, any::<bool>(), prop::option::of(0u8..3))
        .prop_map(|(key, forged, link, document, subject, time, hinted, material)| Attestation {
            number: 0,
            key,
            forged,
            link,
            document,
            subject,
            time,
            hinted,
            material,
        })
}

fn trusts() -> impl Strategy<Value = Vec<TenantTrust>> {
    let keys = prop::collection::btree_set(0u8..3, 0..3);
    let one = (keys, prop::option::of(0u8..3), prop::option::of(1u64..3)).prop_map(|(keys, revoked, age)| {
        let keys: Vec<u8> = keys.into_iter().collect();
        trust(&keys, revoked.as_slice(), age)
    });
    prop::collection::vec(one, 1..5)
}

fn scenario() -> impl Strategy<Value = Scenario> {
    let events = prop::collection::vec(event(), 1..6);
    let attestations = prop::collection::vec(attestation(), 1..10);
    let tick = prop::option::of(prop_oneof![Just(30i64), Just(90), Just(150)]);
    (events, attestations, trusts(), tick).prop_map(|(events, mut attestations, trusts, tick)| {
        for (number, attestation) in attestations.iter_mut().enumerate() {
            attestation.number = u8::try_from(number).unwrap();
        }
        Scenario { events, attestations, trusts, tick }
    })
}

/// Control in its order, the rest anywhere: `places` says where each live record goes, `pairs` which trust admission had
/// read when it came.
fn ledger(scenario: &Scenario, places: &[usize], pairs: &[usize]) -> Vec<LedgerRecord> {
    let (first, later) = scenario.trusts.split_first().unwrap();
    let mut records = vec![control(0, genesis(first.clone()))];
    for (at, trust) in later.iter().enumerate() {
        let seq = u64::try_from(at).unwrap() + 1;
        records.push(control(seq, ControlRecord::Tenant(Box::new(trust.clone()))));
    }
    if let Some(seconds) = scenario.tick {
        let at = Millis(START.0 + seconds * 1000);
        records.push(control(u64::try_from(scenario.trusts.len()).unwrap(), ControlRecord::Tick { at }));
    }
    let events = scenario.events.iter().map(Event::record);
    let evidence = scenario.attestations.iter().enumerate().map(|(at, attestation)| {
        let pair = pairs.get(at).copied().unwrap_or(0) % scenario.trusts.len();
        attestation.record(&scenario.trusts[pair])
    });
    let live: Vec<LedgerRecord> = events.chain(evidence).collect();
    for (at, record) in live.into_iter().enumerate() {
        let place = 1 + places.get(at).copied().unwrap_or(0) % records.len();
        records.insert(place, record.clone());
        if at % 5 == 4 {
            let again = 1 + places.get(at).copied().unwrap_or(0) / 7 % records.len();
            records.insert(again, record);
        }
    }
    records
}

/// `PROPTEST_CASES` sets more.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(250)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arrival_order_never_changes_the_final_state(
        scenario in scenario(),
        one in prop::collection::vec(any::<usize>(), 16),
        other in prop::collection::vec(any::<usize>(), 16),
        pairs in prop::collection::vec(any::<usize>(), 10),
        other_pairs in prop::collection::vec(any::<usize>(), 10),
        sizes in prop::collection::vec(1usize..9, 1..4),
        delay in 0usize..6,
    ) {
        let fold = |places: &[usize], pairs: &[usize], sizes: &[usize], delay| {
            run(ledger(&scenario, places, pairs), &scenario.attestations, &scenario.trusts, sizes, delay)
        };
        let first = fold(&one, &pairs, &[1], 0);
        let second = fold(&other, &other_pairs, &sizes, delay);
        prop_assert_eq!(last_enriched(&first), last_enriched(&second));

        // What a reader of the verified topic ends with is what is verified.
        for run in [&first, &second] {
            let mut verified: Vec<String> = last_enriched(run).into_values()
                .filter(|record| record.trust.status == Status::Verified).map(|record| record.id).collect();
            verified.sort();
            prop_assert_eq!(consumed(run), verified);
        }

        // The same ledger in other batches gives the same bytes and the same state.
        let again = replay(&second.ledger, 7);
        prop_assert_eq!(&again.outputs, &second.outputs);
        prop_assert_eq!(again.state.state_hash().unwrap(), second.state.state_hash().unwrap());
    }
}
