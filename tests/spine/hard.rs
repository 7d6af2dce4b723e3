//! Inputs that try the limits, and a record that makes the fold panic: the partition and the process go on as the
//! architecture's table says.

use std::sync::{Arc, Mutex};

use attestream::admission::ports::Objects;
use attestream::cas::MemoryObjects;
use attestream::event::{Digest, Tenant, Topic, limits};
use attestream::ledger::record::Body;
use attestream::ledger::{Folding, LedgerRecord, Step};
use attestream::log::memory::MemoryLog;
use attestream::log::{Log, Outgoing, Record};
use attestream::processor::WorkerSettings;
use attestream::processor::partition::Fold;
use attestream::telemetry::{Happening, Observer, Silent};

use super::feed::Producer;
use super::memory::NOW;
use super::oracle::judge;
use super::plant::{TestClock, admission, genesis, ledger, read_all, send, settle};
use super::states::KeptStates;

/// An SBOM of exactly `size` bytes.
fn sbom(size: usize, mark: u8) -> Vec<u8> {
    let head = format!("{{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\",\"version\":{mark}}}");
    let mut bytes = head.into_bytes();
    bytes.resize(size, b' ');
    bytes
}

fn input(key: &str, value: Vec<u8>) -> Outgoing {
    let key = Some(key.as_bytes().to_vec());
    Outgoing {
        topic: Topic::SbomSubmitted,
        owner: None,
        partition: Some(0),
        key,
        value: Some(value),
        headers: Vec::new(),
    }
}

fn code(letter: &Record) -> String {
    let (_, code) = letter.headers.iter().find(|(name, _)| name == "attestream-error-code").unwrap();
    String::from_utf8(code.clone().unwrap()).unwrap()
}

fn reference(letter: &Record) -> Option<Digest> {
    let (_, text) = letter.headers.iter().find(|(name, _)| name == "attestream-reference")?;
    let text = String::from_utf8(text.clone().unwrap()).unwrap();
    Digest::from_hex(text.rsplit('/').next().unwrap()).ok()
}

/// What inputs at and over the limits come to, on any log that takes them.
pub fn inputs_at_the_limits<L: Log>(log: &L, send: impl Fn(Outgoing)) {
    let producer = Producer::new("acme", 1, NOW);
    genesis(log, "attestream", NOW, vec![producer.trust()], None);
    let settings = WorkerSettings::new("attestream", "one");
    let objects: Arc<dyn Objects> = Arc::new(MemoryObjects::default());
    let observer: Arc<dyn Observer> = Arc::new(Silent);
    let exact = sbom(limits::RECORD_MAX - 1024, 1);
    let huge = sbom(20 * 1024 * 1024, 2);
    let headers = vec![("blob".to_owned(), Some(vec![7u8; 1024 * 1024])), ("none".to_owned(), None)];
    send(input("acme/inline", sbom(limits::INLINE_MAX, 3)));
    send(input("acme/exact", exact.clone()));
    send(input("acme/huge", huge.clone()));
    send(Outgoing { headers: headers.clone(), ..input("acme/headers", sbom(100, 4)) });
    send(input("acme/after", sbom(200, 5)));

    let admission = admission(log, &objects, &settings, &observer, TestClock::at(NOW).clock());
    let fold = ledger(log, KeptStates::default(), &settings, &observer, None);
    settle(log, &settings);
    admission.finish().unwrap();
    fold.finish().unwrap();

    let judgement = judge(log, &*objects);
    assert_eq!((judgement.admitted, judgement.dead_lettered), (3, 2));
    let acme = Tenant::new("acme").unwrap();
    assert_eq!(objects.get(&acme, Digest::of(&exact)).unwrap().as_deref(), Some(exact.as_slice()), "kept by reference");
    let letters = read_all(log, Topic::DeadLetter);
    let nobody = attestream::admission::dead_letter::nobody();
    for letter in &letters {
        let kept = objects.get(&nobody, reference(letter).unwrap()).unwrap().unwrap();
        match code(letter).as_str() {
            "record-too-large" => assert!(kept == huge, "the huge value is kept whole"),
            "headers-too-large" => {
                let whole: serde_json::Value = serde_json::from_slice(&kept).unwrap();
                assert_eq!(whole["headers"].as_array().unwrap().len(), headers.len());
            }
            other => panic!("{other}"),
        }
    }
}

#[test]
fn inputs_at_and_over_the_limits_on_the_in_memory_log() {
    let log = MemoryLog::new(&[(Topic::Ledger, 2)]);
    inputs_at_the_limits(&log, |input| {
        log.produce(input, NOW).unwrap();
    });
}

/// Sees partitions stop.
#[derive(Default)]
struct Stops(Mutex<Vec<(u32, String, u64)>>);

impl Observer for Stops {
    fn happened(&self, happening: &Happening<'_>) {
        if let Happening::Stopped { partition, code, seq } = happening {
            self.0.lock().unwrap().push((*partition, (*code).to_owned(), *seq));
        }
    }
}

/// A fold with a defect: it panics at events of one document.
fn defective(folding: &mut Folding<'_>, record: &LedgerRecord) -> Result<Step, attestream::ledger::FoldError> {
    if let Body::Admitted(admitted) = &record.body
        && admitted.source.key.as_deref().is_some_and(|key| key.ends_with(b"/poison"))
    {
        std::panic::resume_unwind(Box::new("planted"));
    }
    folding.fold(record)
}

#[test]
fn a_record_that_makes_the_fold_panic_stops_its_partition_and_nothing_else() {
    let log = MemoryLog::new(&[(Topic::Ledger, 2)]);
    let tenants: Vec<Producer> = (0..6).map(|n| Producer::new(&format!("tenant-{n}"), n + 1, NOW)).collect();
    genesis(&log, "test", NOW, tenants.iter().map(Producer::trust).collect(), None);
    let of = |tenant: &Producer| attestream::event::partition_of(tenant.tenant.as_str().as_bytes(), 2);
    let bad = tenants.iter().find(|tenant| of(tenant) == 0).unwrap();
    let good = tenants.iter().find(|tenant| of(tenant) == 1).unwrap();
    let sent = |tenant: &Producer, name: &str, mark| input(&format!("{}/{name}", tenant.tenant), sbom(100, mark));
    send(
        &log,
        "p",
        vec![sent(bad, "before", 1), sent(bad, "poison", 2), sent(bad, "after", 3), sent(good, "other", 4)],
    );

    let settings = WorkerSettings::new("test", "one");
    let objects: Arc<dyn Objects> = Arc::new(MemoryObjects::default());
    let stops = Arc::new(Stops::default());
    let observer: Arc<dyn Observer> = Arc::clone(&stops) as Arc<dyn Observer>;
    let clock = TestClock::at(NOW).clock();
    let admission = admission(&log, &objects, &settings, &observer, clock);
    let states = KeptStates::default();
    let fold = ledger(&log, states.clone(), &settings, &observer, Some(defective as Fold));
    let published = |tenant: &Producer| {
        let key = format!("{}/", tenant.tenant);
        let records = read_all(&log, Topic::Enriched);
        records.iter().filter(|record| record.key.as_ref().unwrap().starts_with(key.as_bytes())).count()
    };
    let begun = std::time::Instant::now();
    while published(good) < 1 || stops.0.lock().unwrap().is_empty() {
        assert!(begun.elapsed() < super::plant::PATIENCE);
        std::thread::yield_now();
    }
    assert_eq!(published(bad), 1, "what stands before the record is published");
    assert_eq!(*stops.0.lock().unwrap(), [(0, "fold-panicked".to_owned(), 2)], "genesis and one record are folded");
    send(&log, "p", vec![sent(good, "more", 5)]);
    while published(good) < 2 {
        assert!(begun.elapsed() < super::plant::PATIENCE);
        std::thread::yield_now();
    }
    fold.finish().unwrap();

    // A binary without the defect goes on where the partition stopped.
    let mended = ledger(&log, states, &settings, &observer, None);
    settle(&log, &settings);
    mended.finish().unwrap();
    admission.finish().unwrap();
    assert_eq!(published(bad), 3);
    judge(&log, &*objects);
}
