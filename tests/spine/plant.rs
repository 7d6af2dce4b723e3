//! A running plant: genesis, and workers of both roles on one log.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use attestream::admission::ports::Objects;
use attestream::event::topic::TopicRole;
use attestream::event::{Millis, Topic, TopicName};
use attestream::ledger::control::{ControlRecord, TrustRootBytes};
use attestream::ledger::state::States;
use attestream::log::{Log, LogError, Outgoing, Outlet, Partition, Reader, Record};
use attestream::processor::genesis::{Seed, init};
use attestream::processor::partition::Fold;
use attestream::processor::{AdmissionWorker, Clock, LedgerWorker, Stop, WorkerSettings};
use attestream::signing::authority::Authority;
use attestream::telemetry::{Happening, Observer, Point, Role};
use attestream::verdict::VERIFIER_EPOCH;
use attestream::verdict::tenant::TenantTrust;
use serde_json::Value;

/// How long nothing may move before a test gives up.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A clock that only moves when told: nothing in these tests reads the wall clock.
#[derive(Clone)]
pub struct TestClock(Arc<AtomicU64>);

impl TestClock {
    pub fn at(time: Millis) -> Self {
        TestClock(Arc::new(AtomicU64::new(u64::try_from(time.0).unwrap())))
    }

    pub fn advance(&self, millis: u64) {
        self.0.fetch_add(millis, Ordering::Relaxed);
    }

    pub fn now(&self) -> Millis {
        Millis(i64::try_from(self.0.load(Ordering::Relaxed)).unwrap())
    }

    pub fn clock(&self) -> Clock {
        let clock = self.clone();
        Arc::new(move || clock.now())
    }
}

pub fn genesis<L: Log>(
    log: &L,
    application: &str,
    at: Millis,
    tenants: Vec<TenantTrust>,
    root: Option<TrustRootBytes>,
) {
    genesis_at(log, application, VERIFIER_EPOCH, at, tenants, root);
}

/// A ledger that was born under an epoch.
pub fn genesis_at<L: Log>(
    log: &L,
    application: &str,
    epoch: u32,
    at: Millis,
    tenants: Vec<TenantTrust>,
    root: Option<TrustRootBytes>,
) {
    let (ledger, verifier) = ("01TESTLEDGER".to_owned(), "attestream".to_owned());
    init(log, application, Seed { ledger, verifier, epoch, at, root, tenants }).unwrap();
}

/// One trust root with the logs of all these authorities.
pub fn root_of<'a>(authorities: impl Iterator<Item = &'a Authority>) -> TrustRootBytes {
    let roots: Vec<Value> = authorities.map(|one| serde_json::from_slice(&one.trust_root()).unwrap()).collect();
    let mut root = roots[0].clone();
    let logs = roots.iter().flat_map(|one| one["tlogs"].as_array().unwrap());
    let logs: BTreeMap<String, Value> = logs.map(|log| (log.to_string(), log.clone())).collect();
    root["tlogs"] = logs.into_values().collect();
    TrustRootBytes::new(root.to_string())
}

/// A worker thread; joined when dropped.
pub struct Running {
    stop: Stop,
    thread: Option<JoinHandle<Result<(), LogError>>>,
}

impl Running {
    pub fn finish(mut self) -> Result<(), LogError> {
        self.stop.stop();
        self.thread.take().unwrap().join().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.stop();
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

pub fn admission<L: Log>(
    log: &L,
    objects: &Arc<dyn Objects>,
    settings: &WorkerSettings,
    observer: &Arc<dyn Observer>,
    clock: Clock,
) -> Running {
    let stop = Stop::default();
    let mut worker =
        AdmissionWorker::new(log.clone(), Arc::clone(objects), settings.clone(), Arc::clone(observer), clock);
    let own = stop.clone();
    Running { stop, thread: Some(std::thread::spawn(move || worker.run(&own))) }
}

pub fn ledger<L: Log, S: States + 'static>(
    log: &L,
    states: S,
    settings: &WorkerSettings,
    observer: &Arc<dyn Observer>,
    fold: Option<Fold>,
) -> Running {
    let stop = Stop::default();
    let own = stop.clone();
    let (log, settings, observer) = (log.clone(), settings.clone(), Arc::clone(observer));
    let thread = std::thread::spawn(move || {
        let mut worker = LedgerWorker::new(log, states, settings, observer)?;
        if let Some(fold) = fold {
            worker = worker.with_fold(fold);
        }
        worker.run(&own)
    });
    Running { stop, thread: Some(thread) }
}

/// An observer that crashes its worker: a panic at each of the given passings of points, counted over all workers.
pub struct Crashing {
    passed: AtomicU64,
    at: Vec<u64>,
    /// How often each point of each role was crashed at.
    pub crashed: Mutex<BTreeMap<(Role, Point), u64>>,
}

impl Crashing {
    pub fn new(at: Vec<u64>) -> Self {
        Crashing { passed: AtomicU64::new(0), at, crashed: Mutex::default() }
    }
}

impl Observer for Crashing {
    fn happened(&self, happening: &Happening<'_>) {
        let Happening::Passed { role, point } = happening else { return };
        let passed = self.passed.fetch_add(1, Ordering::Relaxed);
        if self.at.contains(&passed) {
            *self.crashed.lock().unwrap().entry((*role, *point)).or_default() += 1;
            // Not `panic!`: the hook would print each of them.
            std::panic::resume_unwind(Box::new("crash"));
        }
    }
}

/// Runs a worker again and again after each crash, until it is stopped.
pub fn restarting(run: impl Fn(&Stop) -> Result<(), LogError> + Send + 'static) -> Running {
    let stop = Stop::default();
    let own = stop.clone();
    let thread = std::thread::spawn(move || {
        loop {
            match std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(&own))) {
                Ok(ended) => return ended,
                Err(_) if own.is_stopped() => return Ok(()),
                Err(_) => {}
            }
        }
    });
    Running { stop, thread: Some(thread) }
}

/// Writes inputs as a producer of its own.
pub fn send<L: Log>(log: &L, producer: &str, inputs: Vec<Outgoing>) {
    let mut outlet = log.outlet(producer).unwrap();
    outlet.begin().unwrap();
    for input in inputs {
        outlet.append(input).unwrap();
    }
    outlet.commit().unwrap();
}

/// A control record as its producer writes it.
pub fn control_input(record: &ControlRecord) -> Outgoing {
    let (key, value) = (Some(b"control".to_vec()), Some(record.to_bytes()));
    Outgoing { topic: Topic::Control, owner: None, partition: Some(0), key, value, headers: Vec::new() }
}

/// Appends a control record.
pub fn control<L: Log>(log: &L, record: &ControlRecord) {
    send(log, "operator", vec![control_input(record)]);
}

/// Everything that is committed on a topic, partition by partition, a batch at a time.
pub fn every<L: Log>(log: &L, topic: impl Into<TopicName>) -> impl Iterator<Item = Record> {
    let topic = topic.into();
    (0..log.partitions(topic).unwrap()).flat_map(move |number| all_of(log, Partition::of(topic, number)))
}

/// The same in memory.
pub fn read_all<L: Log>(log: &L, topic: impl Into<TopicName>) -> Vec<Record> {
    every(log, topic).collect()
}

/// The topics that any tenant had of its own at any time.
pub fn own_topics<L: Log>(log: &L) -> Vec<TopicName> {
    let mut names = std::collections::BTreeSet::new();
    for record in read_all(log, Topic::Control) {
        let entries = match serde_json::from_slice(record.value.as_deref().unwrap()) {
            Ok(ControlRecord::Genesis(genesis)) => genesis.tenants,
            Ok(ControlRecord::Tenant(entry)) => vec![*entry],
            _ => Vec::new(),
        };
        names.extend(entries.iter().flat_map(|entry| entry.topics.names(&entry.tenant)));
    }
    names.into_iter().collect()
}

/// Everything that is committed on a partition.
pub fn all_of<L: Log>(log: &L, partition: Partition) -> impl Iterator<Item = Record> {
    let mut reader = log.reader(&[(partition, log.range(partition).unwrap().first)]).unwrap();
    let batches = std::iter::from_fn(move || {
        loop {
            let records = reader.read(2_000, Duration::from_millis(50)).unwrap();
            if !records.is_empty() {
                return Some(records);
            }
            if reader.at_end().unwrap() {
                return None;
            }
        }
    });
    batches.flatten()
}

/// Waits until both groups have read everything: no record lies behind a committed offset, twice in a row.
pub fn settle<L: Log>(log: &L, settings: &WorkerSettings) {
    settle_where(log, settings, |_| false);
}

/// The same where ticks go on: a tick, and its copies, are never the last.
pub fn settle_but_control<L: Log>(log: &L, settings: &WorkerSettings) {
    settle_where(log, settings, is_tick);
}

fn is_tick(record: &Record) -> bool {
    let text = String::from_utf8_lossy(record.value.as_deref().unwrap_or_default());
    text.contains("\"tick\":{\"at\":")
}

fn settle_where<L: Log>(log: &L, settings: &WorkerSettings, ignored: fn(&Record) -> bool) {
    let (mut moved, mut quiet) = (Instant::now(), 0);
    let mut stood = Vec::new();
    let inputs = Topic::admission_inputs().map(TopicName::from);
    let own = own_topics(log).into_iter().filter(|name| name.topic.role() == TopicRole::Input);
    let inputs: Vec<TopicName> = inputs.chain(own).collect();
    while quiet < 2 {
        match stand(log, settings, &inputs, ignored) {
            Ok((stands, behind)) => {
                quiet = if behind { 0 } else { quiet + 1 };
                if stands != stood {
                    (stood, moved) = (stands, Instant::now());
                }
            }
            // A broker that is just coming back answers late, or not this once.
            Err(LogError::Unreachable(_)) => quiet = 0,
            Err(error) => panic!("{error}"),
        }
        assert!(moved.elapsed() < PATIENCE, "the plant stands still and is not at its end");
        std::thread::yield_now();
    }
}

/// What both groups have committed, and whether a record that is not ignored lies behind any of it.
fn stand<L: Log>(
    log: &L,
    settings: &WorkerSettings,
    inputs: &[TopicName],
    ignored: fn(&Record) -> bool,
) -> Result<(Vec<Option<u64>>, bool), LogError> {
    let inputs = inputs.iter().map(|name| (Role::Admission, *name));
    let topics = inputs.chain([(Role::Ledger, Topic::Ledger.into())]);
    let (mut stands, mut behind) = (Vec::new(), false);
    for (role, topic) in topics {
        for number in 0..log.partitions(topic)? {
            let partition = Partition::of(topic, number);
            let committed = log.committed(&settings.group(role), partition)?;
            stands.push(committed);
            let from = match committed {
                Some(committed) => committed,
                None => log.range(partition)?.first,
            };
            behind = behind || lies_behind(log, partition, from, ignored)?;
        }
    }
    Ok((stands, behind))
}

/// Whether a record that is not ignored lies at `from` or behind it.
fn lies_behind<L: Log>(
    log: &L,
    partition: Partition,
    from: u64,
    ignored: fn(&Record) -> bool,
) -> Result<bool, LogError> {
    let mut reader = log.reader(&[(partition, from)])?;
    loop {
        let records = reader.read(100, Duration::from_millis(50))?;
        if records.iter().any(|record| !ignored(record)) {
            return Ok(true);
        }
        if records.is_empty() && reader.at_end()? {
            return Ok(false);
        }
    }
}
