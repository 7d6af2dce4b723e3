//! The whole path on the in-memory log: calm, and with every failure that the log can have.

use std::sync::Arc;

use attestream::admission::ports::Objects;
use attestream::cas::MemoryObjects;
use attestream::event::{Digest, Millis, Tenant, Topic};
use attestream::ledger::control::ControlRecord;
use attestream::ledger::output::Status;
use attestream::log::memory::MemoryLog;
use attestream::processor::WorkerSettings;
use attestream::telemetry::{Observer, Silent};

use super::feed::{Expected, Made, Producer};
use super::oracle::{Judgement, judge};
use super::plant::{TestClock, admission, control, genesis, ledger, send, settle};
use super::states::KeptStates;

pub const NOW: Millis = Millis(1_800_000_000_000);

fn fresh() -> MemoryLog {
    MemoryLog::new(&[(Topic::Ledger, 3), (Topic::SbomSubmitted, 2), (Topic::Enriched, 2)])
}

fn producers(count: u64) -> Vec<Producer> {
    (0..count).map(|number| Producer::new(&format!("tenant-{number}"), number + 1, NOW)).collect()
}

/// Every event of the producers ended as its maker expects.
fn ends_as_expected(judgement: &Judgement, tenant: &Tenant, made: &[Made]) {
    for made in made {
        let digest = Digest::of(&made.document);
        let mut events = judgement.events.values().filter(|event| event.tenant == *tenant);
        let event = events.find(|event| event.document.as_ref().unwrap().digest == digest).unwrap();
        let expected = match made.expected {
            Expected::Verified => (Status::Verified, None),
            Expected::Missing => (Status::Missing, None),
            Expected::Refused(code) if code == "key-unknown" => (Status::KeyPolicyMismatch, Some(code)),
            Expected::Refused(code) => (Status::Failed, Some(code)),
        };
        let found = (event.trust.status, event.trust.reasons.first().map(String::as_str));
        assert_eq!(found, expected, "{}", String::from_utf8_lossy(&made.document));
    }
}

#[test]
fn every_input_has_one_fate_and_every_event_its_verdict() {
    let log = fresh();
    let mut producers = producers(3);
    // The last tenant's key comes late.
    let tenants = producers.iter().enumerate();
    let trusts = tenants.map(|(at, producer)| if at == 2 { producer.no_trust() } else { producer.trust() }).collect();
    genesis(&log, "test", NOW, trusts, None);
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
        ends_as_expected(&judgement, &producer.tenant, made);
    }
    assert_eq!(judgement.dead_lettered, 36);
    for (partition, hash) in &judgement.hashes {
        assert_eq!(states.hash(*partition).as_ref(), Some(hash), "the state of partition {partition} is the fold's");
    }
}
