//! The whole path on the in-memory log: calm, and with every failure that the log can have.

use std::sync::Arc;

use attestream::admission::ports::Objects;
use attestream::cas::MemoryObjects;
use attestream::event::{Millis, Topic};
use attestream::ledger::control::{ControlRecord, TrustRootBytes};
use attestream::ledger::output::TimelineEntry;
use attestream::log::embedded::{Effect, Verb};
use attestream::log::memory::{Fault, FaultPlan, MemoryLog};
use attestream::processor::{AdmissionWorker, LedgerWorker, WorkerSettings};
use attestream::telemetry::{Observer, Silent};
use attestream::verdict::{SignedCheckpoint, TrustRoot};

use super::feed::{Made, Producer};
use super::oracle::judge;
use super::plant::{
    Crashing, TestClock, admission, control, control_input, genesis, ledger, read_all, restarting, root_of, send,
    settle,
};
use super::states::KeptStates;

pub const NOW: Millis = Millis(1_800_000_000_000);

fn fresh() -> MemoryLog {
    MemoryLog::new(&[(Topic::Ledger, 3), (Topic::SbomSubmitted, 2), (Topic::Enriched, 2)])
}

fn producers(count: u64) -> Vec<Producer> {
    (0..count).map(|number| Producer::new(&format!("tenant-{number}"), number + 1, NOW).logging()).collect()
}

fn root(producers: &[Producer]) -> TrustRootBytes {
    root_of(producers.iter().map(|producer| &producer.authority))
}

#[test]
fn every_input_has_one_fate_and_every_event_its_verdict() {
    let log = fresh();
    let mut producers = producers(3);
    // The last tenant's key comes late.
    let tenants = producers.iter().enumerate();
    let trusts = tenants.map(|(at, producer)| if at == 2 { producer.no_trust() } else { producer.trust() }).collect();
    genesis(&log, "test", NOW, trusts, Some(root(&producers)));
    let settings = WorkerSettings::new("test", "one");
    let objects: Arc<dyn Objects> = Arc::new(MemoryObjects::default());
    let observer: Arc<dyn Observer> = Arc::new(Silent);
    let states = KeptStates::default();
    let admission = admission(&log, &objects, &settings, &observer, TestClock::at(NOW).clock());
    let fold = ledger(&log, states.clone(), &settings, &observer, None);

    let mut made: Vec<Vec<Made>> = vec![Vec::new(), Vec::new(), Vec::new()];
    for round in 0..40 {
        for (at, producer) in producers.iter_mut().enumerate() {
            let next = producer.next();
            send(&log, "producer", next.inputs.clone());
            made[at].push(next);
            if round % 15 == 7 {
                send(&log, "producer", producer.garbage());
            }
        }
        if round == 20 {
            control(&log, &ControlRecord::Tenant(Box::new(producers[2].trust())));
            control(&log, &ControlRecord::Tick { at: NOW.plus(1_000) });
        }
    }
    settle(&log, &settings);
    admission.finish().unwrap();
    fold.finish().unwrap();

    let judgement = judge(&log, &*objects);
    for (producer, made) in producers.iter().zip(&made) {
        judgement.ends_as_expected(&producer.tenant, made);
    }
    assert_eq!(judgement.dead_lettered, 36);
    for (partition, hash) in &judgement.hashes {
        assert_eq!(states.hash(*partition).as_ref(), Some(hash), "the state of partition {partition} is the fold's");
    }
}

/// A log shows one tree to one tenant and another to the other: from one side nobody can see it.
#[test]
fn a_log_that_shows_two_trees_raises_the_alarm_and_changes_no_verdict() {
    let log = fresh();
    let of = |tenant: &str| Producer::new("equivocator", 9, NOW).serving(tenant).logging();
    let mut producers = [of("left"), of("right")];
    genesis(&log, "test", NOW, producers.iter().map(Producer::trust).collect(), Some(root(&producers)));
    let settings = WorkerSettings::new("test", "one");
    let objects: Arc<dyn Objects> = Arc::new(MemoryObjects::default());
    let observer: Arc<dyn Observer> = Arc::new(Silent);
    let admission = admission(&log, &objects, &settings, &observer, TestClock::at(NOW).clock());
    let fold = ledger(&log, KeptStates::default(), &settings, &observer, None);
    // One authority, one key, and entries that differ: its tenants' documents do.
    let made: Vec<Made> = producers.iter_mut().map(Producer::next).collect();
    for made in &made {
        send(&log, "producer", made.inputs.clone());
    }
    settle(&log, &settings);
    let judged = judge(&log, &*objects);
    admission.finish().unwrap();
    fold.finish().unwrap();
    let timeline = read_all(&log, Topic::Timeline);
    let timeline = timeline.iter().map(|record| serde_json::from_slice(record.value.as_deref().unwrap()).unwrap());
    let split: Vec<TimelineEntry> = timeline.filter(|entry: &TimelineEntry| entry.entry == "split-view").collect();
    let [split] = split.as_slice() else { panic!("one alarm: {split:?}") };
    assert_ne!(split.notes[0], split.notes[1]);
    let trusted = root(&producers);
    let trusted = TrustRoot::load(trusted.json.as_bytes(), trusted.digest).unwrap();
    for note in &split.notes {
        let id = producers[0].authority.log().id();
        SignedCheckpoint::read(id, note).unwrap().verify(&trusted).expect("the notes prove it to anybody");
    }
    for (producer, made) in producers.iter().zip(&made) {
        judged.ends_as_expected(&producer.tenant, std::slice::from_ref(made));
    }
}

/// A generator of numbers that gives the same from the same seed.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        // SplitMix64 (Steele, Lea and Flood 2014).
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}

/// `ATTESTREAM_SEEDS` sets more.
fn seeds() -> u64 {
    std::env::var("ATTESTREAM_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(6)
}

fn faults(numbers: &mut Numbers) -> FaultPlan {
    let verbs = [Verb::Begin, Verb::Append, Verb::Offsets, Verb::Commit, Verb::Commit, Verb::Gather];
    let effects = [Effect::Before, Effect::After, Effect::Lose];
    let fault = |_| Fault {
        verb: verbs[usize::try_from(numbers.below(6)).unwrap()],
        nth: 1 + numbers.below(60),
        effect: effects[usize::try_from(numbers.below(3)).unwrap()],
    };
    FaultPlan::new((0..12).map(fault).collect::<Vec<_>>())
}

/// Crashes at every point of the loop, transactions that fail before and after they happened, memberships that are lost:
/// the oracle holds.
#[test]
fn crashes_and_failing_transactions_lose_and_double_nothing() {
    let mut crashed = std::collections::BTreeMap::new();
    for seed in 1..=seeds() {
        let mut numbers = Numbers(seed);
        let log = fresh();
        let mut producers = producers(2);
        producers.push(Producer::own("own.tenant", 9, NOW));
        let trusts = vec![producers[0].trust(), producers[1].no_trust(), producers[2].trust()];
        genesis(&log, "test", NOW, trusts, Some(root(&producers)));
        let settings = WorkerSettings { batch_records: 7, ..WorkerSettings::new("test", "one") };
        let objects: Arc<dyn Objects> = Arc::new(MemoryObjects::default());
        let states = KeptStates::default();
        let crashing = Arc::new(Crashing::new((0..10).map(|_| numbers.below(400)).collect()));
        let observer: Arc<dyn Observer> = Arc::clone(&crashing) as Arc<dyn Observer>;
        let clock = TestClock::at(NOW).clock();
        let stage_1 = {
            let (log, objects, settings, observer) =
                (log.clone(), Arc::clone(&objects), settings.clone(), Arc::clone(&observer));
            restarting(move |stop| {
                let (objects, observer, clock) = (Arc::clone(&objects), Arc::clone(&observer), Arc::clone(&clock));
                AdmissionWorker::new(log.clone(), objects, settings.clone(), observer, clock).run(stop)
            })
        };
        let stage_2 = {
            let (log, states, settings) = (log.clone(), states.clone(), settings.clone());
            restarting(move |stop| {
                LedgerWorker::new(log.clone(), states.clone(), settings.clone(), Arc::clone(&observer))?.run(stop)
            })
        };
        let mut made = [Vec::new(), Vec::new(), Vec::new()];
        log.fail(Some(faults(&mut numbers)));
        let produce = |input| {
            log.produce(input, NOW).unwrap();
        };
        for round in 0..25 {
            for (at, producer) in producers.iter_mut().enumerate() {
                let next = producer.next();
                next.inputs.iter().cloned().for_each(produce);
                made[at].push(next);
            }
            if round == 12 {
                produce(control_input(&ControlRecord::Tenant(Box::new(producers[1].trust()))));
                produce(control_input(&ControlRecord::Tick { at: NOW.plus(1_000) }));
            }
        }
        settle(&log, &settings);
        drop((stage_1, stage_2));
        log.fail(None);
        let judgement = judge(&log, &*objects);
        for (producer, made) in producers.iter().zip(&made) {
            judgement.ends_as_expected(&producer.tenant, made);
        }
        for ((role, point), times) in crashing.crashed.lock().unwrap().iter() {
            *crashed.entry((role.as_str(), point.as_str())).or_insert(0) += times;
        }
    }
    println!("crashed at {crashed:?}");
    assert!(crashed.len() >= 8, "crashes were spread over the points");
}
