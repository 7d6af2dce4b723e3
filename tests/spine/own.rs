//! Tenants with topics of their own: whose records are taken where, what goes where, and who waits.

use std::sync::{Arc, Mutex};

use attestream::admission::ports::Objects;
use attestream::admission::{Admission, Fate, Input, TrustTable};
use attestream::cas::MemoryObjects;
use attestream::event::{Digest, OwnTopics, Quota, Tenant, Topic, TopicName};
use attestream::ledger::control::{ControlRecord, system_tenant};
use attestream::ledger::output::Status;
use attestream::ledger::record::{Body, ControlCopy};
use attestream::ledger::state::MemoryState;
use attestream::ledger::{Folding, LedgerRecord};
use attestream::log::memory::MemoryLog;
use attestream::log::{Log, Outgoing, Partition};
use attestream::processor::{AdmissionWorker, Backlog, Stop, WorkerSettings};
use attestream::telemetry::{Happening, Observer, Role, Silent};
use attestream::verdict::tenant::TenantTrust;
use serde_json::json;

use super::feed::{Expected, Made, Producer};
use super::memory::NOW;
use super::oracle::judge;
use super::plant::{PATIENCE, TestClock, admission, control, genesis, ledger, read_all, send, settle};
use super::states::KeptStates;

fn sbom(mark: u64, size: usize) -> Vec<u8> {
    let head = format!("{{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\",\"version\":{mark}}}");
    let mut bytes = head.into_bytes();
    bytes.resize(size.max(bytes.len()), b' ');
    bytes
}

fn name(text: &str) -> TopicName {
    TopicName::parse(text).unwrap()
}

fn entry(value: serde_json::Value) -> TenantTrust {
    serde_json::from_value(value).unwrap()
}

fn registry(entries: Vec<TenantTrust>) -> TrustTable {
    let mut table = TrustTable::default();
    entries.into_iter().for_each(|entry| table.apply(&ControlRecord::Tenant(Box::new(entry))));
    table
}

/// The code of the dead letter, or the tenant that it is admitted for.
fn fate(table: &TrustTable, topic: &str, key: Option<&str>, headers: &[(&str, &str)], value: &[u8]) -> String {
    let objects = MemoryObjects::default();
    let admission = Admission { table, objects: &objects, now: NOW };
    let headers: Vec<_> =
        headers.iter().map(|(name, value)| ((*name).to_owned(), Some(value.as_bytes().to_vec()))).collect();
    let TopicName { topic, owner } = name(topic);
    let (key, value) = (key.map(str::as_bytes), Some(value));
    let input = Input { topic, owner, partition: 3, offset: 7, timestamp: NOW, key, value, headers: &headers };
    match admission.admit(&input).unwrap().fate {
        Fate::Admitted { tenant, records } => {
            let Body::Admitted(admitted) = &records.last().unwrap().record.body else { panic!() };
            assert_eq!(admitted.source.topic, input.name(), "the source is the topic that it lay on");
            let record = String::from_utf8(records.last().unwrap().value.clone()).unwrap();
            assert!(record.contains(&format!("\"source\":{{\"topic\":\"{}\"", input.name())), "{record}");
            tenant.to_string()
        }
        Fate::DeadLetter(letter) => {
            let header = |name: &str| letter.headers.iter().find(|(header, _)| header == name).unwrap().1.clone();
            assert_eq!(header("__streams.errors.topic").unwrap(), input.name().to_string().into_bytes());
            letter.code.to_owned()
        }
    }
}

#[test]
fn a_record_is_taken_where_its_tenant_may_send_it_and_nowhere_else() {
    let own = entry(json!({ "tenant": "acme", "topics": { "inputs": ["sbom.submitted", "attestation.published"] } }));
    let outputs_alone = entry(json!({ "tenant": "initech", "topics": { "outputs": ["events.verified"] } }));
    let table = registry(vec![own, entry(json!({ "tenant": "globex" })), outputs_alone]);
    let document = sbom(1, 0);
    let cloud = |tenant| {
        vec![("ce_specversion", "1.0"), ("ce_id", "1"), ("ce_source", "ci"), ("ce_type", "t"), ("ce_tenantid", tenant)]
    };
    let of = |topic, key, headers: &[(&str, &str)]| fate(&table, topic, key, headers, &document);
    // An own topic names its tenant; whatever else names one must agree.
    assert_eq!(of("acme.sbom.submitted", None, &[]), "acme");
    assert_eq!(of("acme.sbom.submitted", Some("acme/x"), &[]), "acme");
    assert_eq!(of("acme.sbom.submitted", Some("no tenant's name"), &[]), "acme");
    assert_eq!(of("acme.sbom.submitted", Some("globex/x"), &[]), "tenant-mismatch");
    assert_eq!(of("acme.sbom.submitted", Some("nobody/x"), &[]), "tenant-mismatch");
    assert_eq!(of("acme.sbom.submitted", None, &cloud("globex")), "tenant-mismatch");
    assert_eq!(of("acme.sbom.submitted", None, &cloud("acme")), "acme");
    let text = String::from_utf8(document.clone()).unwrap();
    let object =
        |tenant: &str| json!({ "kind": "SBOM", "tenant": tenant, "document": { "content": text } }).to_string();
    let carried = |tenant: &str| fate(&table, "acme.sbom.submitted", None, &[], object(tenant).as_bytes());
    assert_eq!((carried("acme"), carried("globex")), ("acme".to_owned(), "tenant-mismatch".to_owned()));
    // A topic that the entry does not list, and topics of tenants that have none or are unknown.
    let scan = include_bytes!("../../config/samples/payments.sarif.json");
    assert_eq!(fate(&table, "acme.scan.completed", None, &[], scan), "tenant-mismatch");
    assert_eq!(of("globex.sbom.submitted", None, &[]), "tenant-mismatch");
    assert_eq!(of("initech.sbom.submitted", None, &[]), "tenant-mismatch");
    assert_eq!(of("nobody.sbom.submitted", None, &[]), "tenant-unknown");
    assert_eq!(of("0.system.sbom.submitted", None, &[]), "tenant-unknown");
    // Who has inputs of its own is on no shared one, listed or not; the others are.
    assert_eq!(of("sbom.submitted", Some("acme/x"), &[]), "tenant-mismatch");
    assert_eq!(of("sbom.submitted", None, &cloud("acme")), "tenant-mismatch");
    assert_eq!(fate(&table, "scan.completed", Some("acme/x"), &[], scan), "tenant-mismatch");
    assert_eq!(fate(&table, "scan.completed", Some("globex/x"), &[], scan), "globex");
    assert_eq!(of("sbom.submitted", Some("globex/x"), &[]), "globex");
    assert_eq!(of("sbom.submitted", Some("initech/x"), &[]), "initech");
    assert_eq!(of("sbom.submitted", None, &[]), "tenant-unknown");
}

#[test]
fn a_value_at_the_quota_is_taken_and_one_byte_more_is_not() {
    let entry = |bytes: u64| entry(json!({ "tenant": "acme", "quota": { "recordBytes": bytes } }));
    let mut table = registry(vec![entry(1_000)]);
    let of = |table: &TrustTable, size| fate(table, "sbom.submitted", Some("acme/x"), &[], &sbom(1, size));
    assert_eq!(of(&table, 1_000), "acme");
    assert_eq!(of(&table, 1_001), "record-over-quota");
    // The one in force when control was read decides: another entry, another fate.
    table.apply(&ControlRecord::Tenant(Box::new(entry(1_001))));
    assert_eq!(of(&table, 1_001), "acme");
    table.apply(&ControlRecord::Tenant(Box::new(entry(10))));
    assert_eq!(of(&table, 11), "record-over-quota");
    assert_eq!(fate(&table, "sbom.submitted", Some("globex/x"), &[], &sbom(1, 2_000)), "tenant-unknown");
}

#[test]
fn topics_and_quota_are_no_trust_and_outputs_stay_where_they_began() {
    let plain = entry(json!({ "tenant": "acme" }));
    let topics = json!({ "inputs": ["sbom.submitted"], "outputs": ["events.verified"] });
    let own = entry(json!({ "tenant": "acme", "topics": topics, "quota": { "recordBytes": 1 } }));
    assert_eq!(plain.digest(None), own.digest(None), "no result rests on them");
    assert_eq!(plain.rules_digest(), own.rules_digest());
    let mut table = registry(vec![plain, own.clone()]);
    let acme = Tenant::new("acme").unwrap();
    let in_force = table.document(&acme).unwrap().topics.clone();
    assert_eq!(in_force, OwnTopics::new([Topic::SbomSubmitted], []).unwrap(), "outputs are the first entry's");
    assert_eq!(table.own_inputs().collect::<Vec<_>>(), [name("acme.sbom.submitted")]);
    table.apply(&ControlRecord::Tenant(Box::new(entry(json!({ "tenant": "acme" })))));
    assert_eq!(table.own_inputs().count(), 0, "inputs come and go");
    let table = registry(vec![own, entry(json!({ "tenant": "acme" }))]);
    assert_eq!(table.own_topics().collect::<Vec<_>>(), [name("acme.events.verified")]);
}

/// Admission has read control before the fold has: the record says where its outcome belongs.
#[test]
fn nothing_of_a_tenant_is_on_a_shared_topic_before_its_entry_is_folded() {
    let topics = |outputs: &[&str]| json!({ "inputs": ["sbom.submitted"], "outputs": outputs });
    let first = entry(json!({ "tenant": "acme", "topics": topics(&["events.enriched", "ledger.timeline"]) }));
    let later = entry(json!({ "tenant": "acme", "topics": topics(&["events.verified"]), "maxAgeSeconds": 5 }));
    let log = MemoryLog::new(&[]);
    genesis(&log, "test", NOW, Vec::new(), None);
    let born: LedgerRecord =
        serde_json::from_slice(read_all(&log, Topic::Ledger)[0].value.as_deref().unwrap()).unwrap();
    let table = registry(vec![first.clone()]);
    let objects = MemoryObjects::default();
    let admitted = |mark| {
        let value = sbom(mark, 0);
        let TopicName { topic, owner } = name("acme.sbom.submitted");
        let (value, headers) = (Some(value.as_slice()), &[]);
        let input = Input { topic, owner, partition: 0, offset: mark, timestamp: NOW, key: None, value, headers };
        match (Admission { table: &table, objects: &objects, now: NOW }).admit(&input).unwrap().fate {
            Fate::Admitted { mut records, .. } => records.pop().unwrap().record,
            Fate::DeadLetter(letter) => panic!("{}", letter.code),
        }
    };
    let control = |seq, entry: &TenantTrust| {
        let record = ControlRecord::Tenant(Box::new(entry.clone()));
        LedgerRecord::new(system_tenant(), Body::Control(Box::new(ControlCopy { seq, record })))
    };
    let state = MemoryState::default();
    let mut folding = Folding::begin(&state, 0, 0).unwrap();
    let mut published = Vec::new();
    for record in [born, admitted(1), control(1, &first), admitted(2), control(2, &later), admitted(3)] {
        let step = folding.fold(&record).unwrap();
        published.extend(step.publish.into_iter().map(|one| (one.topic, one.owner.map(|owner| owner.to_string()))));
    }
    let acme = Some("acme".to_owned());
    let [enriched, timeline] = [Topic::Enriched, Topic::Timeline].map(|topic| (topic, acme.clone()));
    assert_eq!(published, [enriched.clone(), timeline.clone(), enriched.clone(), timeline, enriched]);
}

/// Every event of a producer ended as its maker expects.
fn ends(judgement: &super::oracle::Judgement, tenant: &Tenant, made: &[Made]) {
    for made in made {
        let digest = Digest::of(&made.document);
        let mut events = judgement.events.values().filter(|event| event.tenant == *tenant);
        let event = events.find(|event| event.document.as_ref().unwrap().digest == digest).unwrap();
        assert_eq!(event.trust.status == Status::Verified, made.expected == Expected::Verified);
    }
}

/// The whole path of a tenant with topics of its own beside one without, on any log that has the topics. The tenant comes
/// while admission is at work, which then reads its topics too; a second one comes while admission is away.
pub fn whole_path<L: Log>(log: &L) {
    let mut shared = Producer::new("globex", 1, NOW);
    let mut own = Producer::own("acme", 2, NOW);
    let mut late = Producer::own("initech", 3, NOW);
    genesis(log, "own", NOW, vec![shared.trust()], None);
    let settings = WorkerSettings::new("own", "one");
    let objects: Arc<dyn Objects> = Arc::new(MemoryObjects::default());
    let observer: Arc<dyn Observer> = Arc::new(Silent);
    let clock = TestClock::at(NOW);
    let states = KeptStates::default();
    let stage_1 = admission(log, &objects, &settings, &observer, clock.clock());
    let stage_2 = ledger(log, states.clone(), &settings, &observer, None);
    let mut made = [Vec::new(), Vec::new(), Vec::new()];
    let mut feed = |producer: &mut Producer, at: usize, count: usize| {
        for _ in 0..count {
            let next = producer.next();
            send(log, "producer", next.inputs.clone());
            made[at].push(next);
        }
    };
    feed(&mut shared, 0, 6);
    control(log, &ControlRecord::Tenant(Box::new(own.trust())));
    feed(&mut own, 1, 12);
    // Each of them on the topic of the other.
    let misplaced = |of: &Producer, to: &TopicName, mark| Outgoing {
        topic: to.topic,
        owner: to.owner,
        partition: None,
        key: Some(format!("{}/x", of.tenant).into_bytes()),
        value: Some(sbom(mark, 0)),
        headers: Vec::new(),
    };
    let own_sbom = name("acme.sbom.submitted");
    send(log, "producer", vec![misplaced(&own, &Topic::SbomSubmitted.into(), 71), misplaced(&shared, &own_sbom, 72)]);
    settle(log, &settings);
    stage_1.finish().unwrap();

    control(log, &ControlRecord::Tenant(Box::new(late.trust())));
    feed(&mut late, 2, 6);
    feed(&mut own, 1, 3);
    let stage_1 = admission(log, &objects, &settings, &observer, clock.clock());
    settle(log, &settings);
    stage_1.finish().unwrap();
    stage_2.finish().unwrap();

    let judgement = judge(log, &*objects);
    assert_eq!(judgement.dead_lettered, 2);
    for (producer, made) in [&shared, &own, &late].into_iter().zip(&made) {
        ends(&judgement, &producer.tenant, made);
    }
    for (partition, hash) in &judgement.hashes {
        assert_eq!(states.hash(*partition).as_ref(), Some(hash));
    }
    let verified = |made: &[Made]| made.iter().filter(|made| made.expected == Expected::Verified).count();
    for (producer, made) in [(&own, &made[1]), (&late, &made[2])] {
        let topic = TopicName::own(&producer.tenant, Topic::Verified);
        assert_eq!(read_all(log, topic).len(), verified(made), "the product, on {topic}");
        let timeline = read_all(log, TopicName::own(&producer.tenant, Topic::Timeline));
        assert!(!timeline.is_empty(), "from the first entry on");
    }
    let others = [Topic::Decisions, Topic::Quarantined].map(|topic| read_all(log, topic));
    let of_own = others.iter().flatten().filter(|record| record.key.as_ref().unwrap().starts_with(b"acme/"));
    assert!(of_own.count() > 0, "what the entry does not list goes to the shared topics");
}

#[test]
fn a_tenant_with_topics_of_its_own_beside_one_without_on_the_in_memory_log() {
    whole_path(&MemoryLog::new(&[(Topic::Ledger, 3), (Topic::SbomSubmitted, 2)]));
}

/// Who waits, as it is told.
#[derive(Default)]
struct Waits(Mutex<Vec<(String, Option<String>, usize)>>);

impl Observer for Waits {
    fn happened(&self, happening: &Happening<'_>) {
        if let Happening::Throttled { tenant, now, partitions, .. } = happening {
            self.0.lock().unwrap().push(((*tenant).to_owned(), now.map(str::to_owned), *partitions));
        }
    }
}

impl Waits {
    fn until(&self, count: usize) {
        let begun = std::time::Instant::now();
        while self.0.lock().unwrap().len() < count {
            assert!(begun.elapsed() < PATIENCE, "{:?}", self.0.lock().unwrap());
            std::thread::yield_now();
        }
    }

    fn told(&self) -> Vec<(String, Option<String>, usize)> {
        self.0.lock().unwrap().clone()
    }
}

/// A plant with one admission worker, whose records of own topics wait under `quota`.
struct Site {
    log: MemoryLog,
    settings: WorkerSettings,
    objects: Arc<dyn Objects>,
    clock: TestClock,
    waits: Arc<Waits>,
    backlog: Arc<Backlog>,
}

impl Site {
    fn new(quota: &str) -> Site {
        let log = MemoryLog::new(&[(Topic::Ledger, 2)]);
        let quota: Quota = serde_json::from_str(quota).unwrap();
        let topics = OwnTopics::new([Topic::SbomSubmitted], []).unwrap();
        let own = TenantTrust { quota, topics, ..entry(json!({ "tenant": "acme" })) };
        let shared = TenantTrust { quota, ..entry(json!({ "tenant": "globex" })) };
        genesis(&log, "test", NOW, vec![own, shared], None);
        let settings = WorkerSettings { batch_records: 10, ..WorkerSettings::new("test", "one") };
        let (objects, clock) = (Arc::new(MemoryObjects::default()), TestClock::at(NOW));
        Site { log, settings, objects, clock, waits: Arc::default(), backlog: Arc::default() }
    }

    fn send(&self, to: &str, tenant: &str, marks: std::ops::Range<u64>) {
        let TopicName { topic, owner } = name(to);
        let key = Some(format!("{tenant}/x").into_bytes());
        let input = |mark| Outgoing {
            topic,
            owner,
            partition: None,
            key: key.clone(),
            value: Some(sbom(mark, 0)),
            headers: Vec::new(),
        };
        send(&self.log, "p", marks.map(input).collect());
    }

    /// Runs admission while `during` looks on.
    fn run(&self, during: impl FnOnce()) {
        let stop = Stop::default();
        let observer = Arc::clone(&self.waits) as Arc<dyn Observer>;
        let (objects, settings) = (Arc::clone(&self.objects), self.settings.clone());
        let worker = AdmissionWorker::new(self.log.clone(), objects, settings, observer, self.clock.clock());
        let mut worker = worker.with_backlog(Arc::clone(&self.backlog));
        std::thread::scope(|scope| {
            let running = scope.spawn(|| worker.run(&stop));
            during();
            stop.stop();
            running.join().unwrap().unwrap();
        });
    }

    fn committed(&self, topic: &str) -> u64 {
        let committed = self.log.committed("test-admission", Partition::of(name(topic), 0)).unwrap();
        committed.unwrap_or(0)
    }

    fn until_committed(&self, topic: &str, offset: u64) {
        let begun = std::time::Instant::now();
        while self.committed(topic) < offset {
            assert!(begun.elapsed() < PATIENCE, "{topic} stands at {}", self.committed(topic));
            std::thread::yield_now();
        }
    }
}

fn rate() -> Option<String> {
    Some("rate".to_owned())
}

#[test]
fn a_tenant_over_its_rate_waits_alone_and_goes_on() {
    let site = Site::new(r#"{"recordsPerSecond":10}"#);
    site.send("acme.sbom.submitted", "acme", 1..31);
    site.run(|| {
        site.waits.until(1);
        assert_eq!(site.waits.told(), [("acme".to_owned(), rate(), 1)]);
        assert_eq!(site.committed("acme.sbom.submitted"), 10, "a second's worth");
        // Who uses the shared topics is never stopped alone, over its rate or not.
        site.send("sbom.submitted", "globex", 100..125);
        site.until_committed("sbom.submitted", 25);
        assert_eq!(site.committed("acme.sbom.submitted"), 10);
        assert_eq!(site.waits.told().len(), 1);

        site.clock.advance(99);
        site.send("sbom.submitted", "globex", 125..130);
        site.until_committed("sbom.submitted", 31);
        assert_eq!(site.committed("acme.sbom.submitted"), 10, "a millisecond too early");
        site.clock.advance(1);
        // One more is due: what comes is a batch, which is then waited for.
        site.waits.until(3);
        assert_eq!(site.waits.told()[1..], [("acme".to_owned(), None, 1), ("acme".to_owned(), rate(), 1)]);
        assert_eq!(site.committed("acme.sbom.submitted"), 20);
        site.clock.advance(999);
        site.send("sbom.submitted", "globex", 130..131);
        site.until_committed("sbom.submitted", 33);
        assert_eq!(site.committed("acme.sbom.submitted"), 20);
        site.clock.advance(1);
        site.until_committed("acme.sbom.submitted", 30);
    });
    let ledger = read_all(&site.log, Topic::Ledger);
    let of = |tenant: &str| ledger.iter().filter(|record| record.key.as_deref() == Some(tenant.as_bytes())).count();
    assert_eq!((of("acme"), of("globex")), (30, 31), "each record once");
}

#[test]
fn a_tenant_waits_while_its_ledger_partition_lies_behind() {
    let site = Site::new(r#"{"foldLagRecords":100}"#);
    let number = attestream::event::partition_of(b"acme", 2);
    let lag = |partition, records| {
        let (role, topic, milliseconds) = (Role::Ledger, Topic::Ledger.into(), 0);
        site.backlog.happened(&Happening::Lag { role, topic, partition, records, milliseconds });
    };
    lag(number, 101);
    lag(1 - number, 1_000_000);
    site.run(|| {
        site.waits.until(1);
        assert_eq!(site.waits.told(), [("acme".to_owned(), Some("fold-lag".to_owned()), 1)]);
        site.send("acme.sbom.submitted", "acme", 1..6);
        site.send("sbom.submitted", "globex", 100..105);
        site.until_committed("sbom.submitted", 5);
        assert_eq!(site.committed("acme.sbom.submitted"), 0);
        // At the limit is not over it, and another partition's backlog is another's.
        lag(number, 100);
        site.until_committed("acme.sbom.submitted", 5);
        assert_eq!(site.waits.told()[1], ("acme".to_owned(), None, 1));
    });
}
