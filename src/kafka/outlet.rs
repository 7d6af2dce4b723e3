//! The writing side: one transactional producer, owned by one thread.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer};
use rdkafka::util::Timeout;

use crate::event::TopicName;
use crate::log::{Log as _, LogError, Outgoing, Outlet, Partition, partition_of};

use super::group::{KafkaFence, log_line};
use super::record::{owned_headers, raw_number};
use super::{KafkaLog, error};

/// Longer than librdkafka keeps a record that it cannot deliver (the transaction time-out), so the queue is empty by then.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(40);
/// How often a full or draining queue is looked at.
const DRAIN_PAUSE: Duration = Duration::from_micros(200);
/// How long committing or aborting may take: twice the transaction time-out, so that whatever is still under way can only
/// fail. The outlet is not used again after it, so the call is never resumed: the outcome is unknown, and the one recovery
/// path follows.
const SETTLED: Duration = Duration::from_secs(30);
/// How long adding offsets may take: the transaction time-out, at which the broker gives the transaction up.
const OFFSETS_TIMEOUT: Duration = Duration::from_secs(15);
/// What librdkafka itself is told: less, so that its own answer comes first where it has one.
const OFFSETS_OWN_TIMEOUT: Duration = Duration::from_secs(14);
/// How long giving up an open transaction may take when the outlet is dropped.
const ABORT_TIMEOUT: Duration = Duration::from_secs(2);

/// What delivery reports say. They are the only place where a failed delivery shows, and come on the producer's own thread.
#[derive(Default)]
struct Deliveries {
    /// The number of the transaction that failures are counted for; a report of an earlier one is of no interest.
    transaction: AtomicUsize,
    failed: AtomicUsize,
    first: Mutex<Option<KafkaError>>,
}

impl Deliveries {
    fn begin(&self) -> usize {
        let number = self.transaction.fetch_add(1, Ordering::AcqRel) + 1;
        self.failed.store(0, Ordering::Release);
        *self.first.lock().unwrap_or_else(PoisonError::into_inner) = None;
        number
    }

    fn check(&self) -> Result<(), LogError> {
        let failed = self.failed.load(Ordering::Acquire);
        if failed == 0 {
            return Ok(());
        }
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        let what = format!("{failed} records were not delivered");
        Err(match first.as_ref() {
            Some(reason) => error::of_transaction(&what, reason),
            None => LogError::Transaction(what),
        })
    }
}

impl ClientContext for Deliveries {
    fn log(&self, level: rdkafka::config::RDKafkaLogLevel, facility: &str, message: &str) {
        log_line(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", %error, reason);
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, transaction: usize) {
        if let Err((error, _)) = result
            && transaction == self.transaction.load(Ordering::Acquire)
        {
            let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
            first.get_or_insert_with(|| error.clone());
            self.failed.fetch_add(1, Ordering::AcqRel);
        }
    }
}

/// Where the outlet stands. From `Broken` nothing leads back: the caller drops it and opens another, which raises the
/// producer's epoch. Hole: a commit that timed out may still be on its way to the broker; under a raised epoch it is
/// refused there, under the old one it would end the next transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    Open,
    /// Open, and something that belongs into it is missing: it can only be given up.
    Failed,
    Broken,
}

pub struct KafkaOutlet {
    log: KafkaLog,
    producer: Arc<ThreadedProducer<Deliveries>>,
    state: State,
    transaction: usize,
    /// Partition counts and names of topics, read when first needed.
    topics: BTreeMap<TopicName, (String, u32)>,
}

impl KafkaOutlet {
    pub(super) fn open(log: KafkaLog, transactional_id: &str) -> Result<Self, LogError> {
        let config = log.settings().producer(transactional_id);
        let producer: ThreadedProducer<Deliveries> =
            config.create_with_context(Deliveries::default()).map_err(|error| error::of("producer", &error))?;
        // librdkafka bounds this one itself (twice the transaction time-out), so it ends without a broker too.
        producer.init_transactions(Timeout::Never).map_err(|error| match &error {
            KafkaError::Transaction(reason) if reason.is_retriable() => {
                LogError::Unreachable(format!("transactional id {transactional_id}: {}", reason.string()))
            }
            _ => error::of_transaction(&format!("transactional id {transactional_id}"), &error),
        })?;
        let topics = BTreeMap::new();
        let producer = Arc::new(producer);
        Ok(KafkaOutlet { log, producer, state: State::Idle, transaction: 0, topics })
    }

    /// Where the outlet stands after a step.
    fn after(&mut self, result: Result<(), LogError>, done: State, failed: State) -> Result<(), LogError> {
        self.state = if result.is_ok() { done } else { failed };
        result
    }

    fn expect(&self, state: State, verb: &str) -> Result<(), LogError> {
        if self.state == state {
            Ok(())
        } else {
            Err(LogError::Transaction(format!("{verb}: the outlet is {:?}", self.state)))
        }
    }

    fn destination(&mut self, record: &Outgoing) -> Result<(String, i32), LogError> {
        let of = record.name();
        if !self.topics.contains_key(&of) {
            let count = self.log.partitions(of)?;
            self.topics.insert(of, (self.log.names().topic(of), count));
        }
        let (name, count) = self.topics.get(&of).cloned().unwrap_or_default();
        let partition = match (record.partition, &record.key) {
            (Some(partition), _) => partition,
            (None, Some(key)) => partition_of(key, count),
            (None, None) => 0,
        };
        if partition >= count {
            let problem = format!("partition {partition} does not exist, there are {count}");
            return Err(LogError::Topic { topic: name, problem });
        }
        Ok((name, raw_number(partition)?))
    }

    fn send(&mut self, record: &Outgoing) -> Result<(), LogError> {
        let (topic, partition) = self.destination(record)?;
        let begun = Instant::now();
        let mut next = BaseRecord::with_opaque_to(&topic, self.transaction).partition(partition);
        next.key = record.key.as_deref();
        next.payload = record.value.as_deref();
        next.headers = owned_headers(&record.headers);
        loop {
            match self.producer.send(next) {
                Ok(()) => return Ok(()),
                // Back-pressure and not a failure: the queue moves, or its records time out and are counted.
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    self.producer.client().context().check()?;
                    if begun.elapsed() > DRAIN_TIMEOUT {
                        return Err(LogError::Transaction("the producer's queue stays full".into()));
                    }
                    next = back;
                    std::thread::park_timeout(DRAIN_PAUSE);
                }
                Err((error, _)) => return Err(error::of_transaction(&format!("append to {topic}"), &error)),
            }
        }
    }

    /// Hole: `commit_transaction` flushes in slices of 100 ms while anything is in flight, so it is drained first; and a
    /// failed delivery is known only from its report, so commit must not be asked for before all have come.
    fn drain(&self) -> Result<(), LogError> {
        let begun = Instant::now();
        while self.producer.in_flight_count() > 0 {
            if begun.elapsed() > DRAIN_TIMEOUT {
                return Err(LogError::Transaction("records stay in flight".into()));
            }
            std::thread::park_timeout(DRAIN_PAUSE);
        }
        self.producer.client().context().check()
    }

    fn add_offsets(&self, group: &str, next: &[(Partition, u64)], fence: &KafkaFence) -> Result<(), LogError> {
        if next.is_empty() {
            // Hole: librdkafka answers an empty list without asking the broker, and nothing would be fenced.
            return Err(LogError::Transaction("offsets: none given, so nothing would be fenced".into()));
        }
        if !fence.is_live() {
            return Err(LogError::Fenced("the assignment that the fence is of is over".into()));
        }
        if *fence.group != *self.log.names().of(group) {
            return Err(LogError::Fenced(format!("the fence is of group {}, not of {group}", fence.group)));
        }
        let list = self.log.names().list(next.iter().map(|(partition, offset)| (*partition, Some(*offset))))?;
        let answer = self.bounded(
            move |producer, metadata| {
                producer.send_offsets_to_transaction(&list, metadata, Timeout::After(OFFSETS_OWN_TIMEOUT))
            },
            &fence.metadata,
        )?;
        answer.map_err(|error| error::of_transaction("offsets", &error))
    }

    /// Hole: librdkafka looks at the time-out of this call only when an answer comes. Where the group's coordinator has gone
    /// from the cluster's metadata, it waits for a change of that broker, and no thread of it is left to change: seen to
    /// last for minutes, in every member of the group. So the call has a thread of its own, which is given up together
    /// with the producer; the next outlet of the same id fences both.
    fn bounded(
        &self,
        call: impl FnOnce(&ThreadedProducer<Deliveries>, &ConsumerGroupMetadata) -> Result<(), KafkaError> + Send + 'static,
        metadata: &Arc<ConsumerGroupMetadata>,
    ) -> Result<Result<(), KafkaError>, LogError> {
        let (answered, answer) = std::sync::mpsc::sync_channel(1);
        let (producer, metadata) = (Arc::clone(&self.producer), Arc::clone(metadata));
        let thread = std::thread::Builder::new().name("offsets".to_owned());
        let spawned = thread.spawn(move || {
            let result = call(&producer, &metadata);
            // Gone before it is known that it went: the outlet is the last to hold the producer then.
            drop(producer);
            drop(answered.send(result));
        });
        spawned.map_err(|error| LogError::Transaction(format!("offsets: no thread: {error}")))?;
        let silent = |_| LogError::Transaction("offsets: the group's coordinator does not answer".into());
        answer.recv_timeout(OFFSETS_TIMEOUT).map_err(silent)
    }
}

impl Outlet for KafkaOutlet {
    type Fence = KafkaFence;

    fn begin(&mut self) -> Result<(), LogError> {
        self.expect(State::Idle, "begin")?;
        self.transaction = self.producer.client().context().begin();
        let begun = self.producer.begin_transaction().map_err(|error| error::of_transaction("begin", &error));
        self.after(begun, State::Open, State::Broken)
    }

    fn append(&mut self, record: Outgoing) -> Result<(), LogError> {
        self.expect(State::Open, "append")?;
        let sent = self.send(&record);
        self.after(sent, State::Open, State::Failed)
    }

    fn offsets(&mut self, group: &str, next: &[(Partition, u64)], fence: &KafkaFence) -> Result<(), LogError> {
        self.expect(State::Open, "offsets")?;
        let added = self.add_offsets(group, next, fence);
        // A call that was given up is still under way: aborting would wait for it.
        let failed = if Arc::strong_count(&self.producer) > 1 { State::Broken } else { State::Failed };
        self.after(added, State::Open, failed)
    }

    fn commit(&mut self) -> Result<(), LogError> {
        self.expect(State::Open, "commit")?;
        let drained = self.drain();
        self.after(drained, State::Open, State::Failed)?;
        let committed = self.producer.commit_transaction(Timeout::After(SETTLED));
        let committed = committed.map_err(|error| error::of_transaction("commit", &error));
        self.after(committed, State::Idle, State::Broken)
    }

    fn abort(&mut self) -> Result<(), LogError> {
        if self.state != State::Failed {
            self.expect(State::Open, "abort")?;
        }
        let aborted = self.producer.abort_transaction(Timeout::After(SETTLED));
        let aborted = aborted.map_err(|error| error::of_transaction("abort", &error));
        self.after(aborted, State::Idle, State::Broken)
    }
}

impl Drop for KafkaOutlet {
    fn drop(&mut self) {
        // An open transaction holds readers back until it times out. A broken one is settled by the next outlet.
        if matches!(self.state, State::Open | State::Failed)
            && let Err(error) = self.producer.abort_transaction(ABORT_TIMEOUT)
        {
            tracing::debug!(%error, "an open transaction is left to its time-out");
        }
    }
}
