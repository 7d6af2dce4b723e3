//! What happens inside a rebalance, and the proof of an assignment that it leaves.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext, ConsumerGroupMetadata};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientContext, Offset, TopicPartitionList};

use crate::log::{Assignment, Gathered, LogError, Partition, StartAt};

use super::error;
use super::record::Names;

/// How long a read of committed offsets waits. Longer than the transaction time-out: offsets that an open transaction of
/// a dead producer would still change are answered only when that is settled (they are read stable).
pub(super) const OFFSETS_TIMEOUT: Duration = Duration::from_secs(30);

/// Proof of one assignment.
///
/// Hole: librdkafka resets a member's id and generation when the session is lost, and the broker accepts a transactional
/// commit that names neither. So the group's metadata is captured once, inside the assign callback, and reused until the
/// revocation: a commit under it names the generation of exactly this assignment, which the broker checks (eager range:
/// the generation is constant for one assignment). Whether the captured generation is valid cannot be read through
/// rdkafka; but a reset on the way there marks the assignment lost first, which is checked after the capture, and every
/// member is static, so that the broker checks even a commit with a reset generation.
#[derive(Clone)]
pub struct KafkaFence {
    pub(super) group: Arc<str>,
    pub(super) metadata: Arc<ConsumerGroupMetadata>,
    live: Arc<AtomicBool>,
}

impl KafkaFence {
    /// False as soon as this process has seen the assignment end; the broker decides where it has not.
    pub(super) fn is_live(&self) -> bool {
        self.live.load(Ordering::Acquire)
    }
}

/// The consumer's context: librdkafka calls it inside `poll`, on the worker's own thread.
pub(super) struct Group {
    name: Arc<str>,
    names: Names,
    shared: Mutex<Shared>,
}

struct Shared {
    start: StartAt,
    events: VecDeque<Result<Gathered, LogError>>,
    fence: Option<KafkaFence>,
}

impl Group {
    pub(super) fn new(name: &str, names: Names, start: StartAt) -> Self {
        let shared = Shared { start, events: VecDeque::new(), fence: None };
        Group { name: name.into(), names, shared: Mutex::new(shared) }
    }

    /// What the last polls brought besides records.
    pub(super) fn next_event(&self) -> Option<Result<Gathered, LogError>> {
        self.shared().events.pop_front()
    }

    pub(super) fn has_event(&self) -> bool {
        !self.shared().events.is_empty()
    }

    pub(super) fn fence(&self) -> Option<KafkaFence> {
        self.shared().fence.clone()
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Holes: every call of `assign` without offsets lets librdkafka fall back on `auto.offset.reset`, so it is called once,
    /// with an explicit offset for each partition; and a failure here must not leave the member without partitions and
    /// without a word, so it becomes the answer of `gather`.
    fn assign(&self, consumer: &BaseConsumer<Self>, given: &TopicPartitionList) {
        let decided = self.decide(consumer, given);
        let metadata = consumer.group_metadata();
        // After the capture: a session that was lost before it has marked the assignment by now, and the group will be
        // joined anew. `assign` takes the mark away, so it is read first.
        let lost = consumer.assignment_lost();
        let event = match (decided, metadata) {
            (Err(error), _) => self.give_back(consumer).and(Err(error)),
            (Ok(_), None) => self.give_back(consumer).and(Err(LogError::Fenced("the consumer is in no group".into()))),
            (Ok(_), Some(_)) if lost => {
                // Nothing was owned yet and nothing is now; the next assignment will be reported.
                if let Err(error) = self.give_back(consumer) {
                    self.shared().events.push_back(Err(error));
                }
                return;
            }
            (Ok(assignments), Some(metadata)) => self.take(consumer, assignments, metadata),
        };
        self.shared().events.push_back(event);
    }

    fn decide(&self, consumer: &BaseConsumer<Self>, given: &TopicPartitionList) -> Result<Vec<Assignment>, LogError> {
        let owned = given
            .elements()
            .iter()
            .map(|e| self.names.partition(e.topic(), e.partition()))
            .collect::<Result<Vec<_>, _>>()?;
        let committed = committed(consumer, &self.names, &owned)?;
        let mut shared = self.shared();
        let mut assignments = Vec::with_capacity(owned.len());
        for (partition, committed) in owned.into_iter().zip(committed) {
            let start = (shared.start)(partition, committed)?;
            assignments.push(Assignment { partition, start, committed });
        }
        assignments.sort_by_key(|assignment| assignment.partition);
        Ok(assignments)
    }

    fn take(
        &self,
        consumer: &BaseConsumer<Self>,
        assignments: Vec<Assignment>,
        metadata: ConsumerGroupMetadata,
    ) -> Result<Gathered, LogError> {
        let list = self.names.list(assignments.iter().map(|a| (a.partition, Some(a.start))))?;
        consumer.assign(&list).map_err(|error| LogError::Fenced(format!("assign: {error}")))?;
        let live = Arc::new(AtomicBool::new(true));
        let fence = KafkaFence { group: Arc::clone(&self.name), metadata: Arc::new(metadata), live };
        self.shared().fence = Some(fence);
        Ok(Gathered::Assigned(assignments))
    }

    fn give_back(&self, consumer: &BaseConsumer<Self>) -> Result<Gathered, LogError> {
        // An empty list and not none: librdkafka then knows that the callback was answered.
        let answered = consumer.assign(&TopicPartitionList::new());
        answered.map(|()| Gathered::Assigned(Vec::new())).map_err(|error| LogError::Fenced(format!("assign: {error}")))
    }

    fn revoke(&self, consumer: &BaseConsumer<Self>) {
        // Before `unassign`, which takes the mark away.
        let lost = consumer.assignment_lost();
        let fence = self.shared().fence.take();
        if let Some(fence) = &fence {
            fence.live.store(false, Ordering::Release);
        }
        let answered = consumer.unassign().map_err(|error| LogError::Fenced(format!("unassign: {error}")));
        let mut shared = self.shared();
        if let Err(error) = answered {
            shared.events.push_back(Err(error));
        } else if fence.is_some() {
            shared.events.push_back(Ok(Gathered::Revoked { lost }));
        }
    }
}

/// Committed offsets, in the order asked for. Read stable: the consumer is read_committed.
pub(super) fn committed<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    names: &Names,
    partitions: &[Partition],
) -> Result<Vec<Option<u64>>, LogError> {
    if partitions.is_empty() {
        return Ok(Vec::new());
    }
    let list = names.list(partitions.iter().map(|partition| (*partition, None)))?;
    let list = consumer
        .committed_offsets(list, OFFSETS_TIMEOUT)
        .map_err(|error| error::of("the group's committed offsets", &error))?;
    let read = |partition: &Partition| {
        let name = names.topic(partition.name());
        let element = list.find_partition(&name, super::record::raw_number(partition.number)?);
        let element = element.ok_or_else(|| LogError::Unreachable(format!("{partition}: no committed offset read")))?;
        element.error().map_err(|error| error::of(&partition.to_string(), &error))?;
        match element.offset() {
            Offset::Offset(offset) => Ok(u64::try_from(offset).ok()),
            _ => Ok(None),
        }
    };
    partitions.iter().map(read).collect()
}

impl ConsumerContext for Group {
    /// Overridden whole: the default ignores errors and assigns without offsets.
    fn rebalance(&self, consumer: &BaseConsumer<Self>, event: RDKafkaRespErr, list: &mut TopicPartitionList) {
        match event {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => self.assign(consumer, list),
            _ => self.revoke(consumer),
        }
    }
}

impl ClientContext for Group {
    fn log(&self, level: rdkafka::config::RDKafkaLogLevel, facility: &str, message: &str) {
        log_line(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", %error, reason);
    }
}

/// librdkafka's own log goes where ours goes.
pub(super) fn log_line(level: rdkafka::config::RDKafkaLogLevel, facility: &str, message: &str) {
    use rdkafka::config::RDKafkaLogLevel as Level;
    match level {
        Level::Emerg | Level::Alert | Level::Critical | Level::Error => {
            tracing::error!(target: "librdkafka", facility, "{message}");
        }
        Level::Warning => tracing::warn!(target: "librdkafka", facility, "{message}"),
        Level::Notice | Level::Info => tracing::info!(target: "librdkafka", facility, "{message}"),
        Level::Debug => tracing::debug!(target: "librdkafka", facility, "{message}"),
    }
}

/// A client that is only asked questions has a queue of its own log lines and errors, which nobody would ever empty.
pub(super) fn listen<C: ConsumerContext>(client: &BaseConsumer<C>) {
    for _ in 0..8 {
        drop(client.poll(Duration::ZERO));
    }
}

/// The context of clients that have nothing else to say.
#[derive(Clone, Copy)]
pub(super) struct Quiet;

impl ConsumerContext for Quiet {}

impl ClientContext for Quiet {
    fn log(&self, level: rdkafka::config::RDKafkaLogLevel, facility: &str, message: &str) {
        log_line(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", %error, reason);
    }
}
