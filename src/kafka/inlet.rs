//! The reading side: one member of a group, owned by one thread.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::event::TopicName;
use crate::log::{Gather, Gathered, Inlet, LogError, Partition, Record, StartAt};

use super::group::{self, Group, KafkaFence};
use super::record::{raw_number, raw_offset};
use super::{KafkaLog, error};

/// How long every broker may be silent before `gather` says so; librdkafka reconnects by itself until then.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// How long leaving the group may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a partition may take to become ready to be moved.
const SEEK_TIMEOUT: Duration = Duration::from_secs(10);

pub struct KafkaInlet {
    log: KafkaLog,
    consumer: BaseConsumer<Group>,
    /// Taken from librdkafka and not delivered yet: what `keep_alive` met, and what an error came between.
    held: VecDeque<Record>,
    /// What is not delivered, and the first offset of each that was not.
    paused: BTreeMap<Partition, u64>,
    /// The next offset of everything that is owned.
    next: BTreeMap<Partition, u64>,
    silent_since: Option<Instant>,
    topics: Vec<String>,
    /// An assignment could not be taken; the group is joined anew so that it is offered again.
    refused: bool,
    closed: bool,
}

impl KafkaInlet {
    pub(super) fn join(
        log: KafkaLog,
        group: &str,
        member: &str,
        topics: &[TopicName],
        start: StartAt,
    ) -> Result<Self, LogError> {
        let context = Group::new(group, log.names().clone(), start);
        let config = log.settings().member(group, member);
        let consumer: BaseConsumer<Group> =
            config.create_with_context(context).map_err(|error| error::of("consumer", &error))?;
        let topics = topics.iter().map(|topic| log.names().topic(*topic)).collect();
        let (held, paused, next) = (VecDeque::new(), BTreeMap::new(), BTreeMap::new());
        let inlet =
            KafkaInlet { log, consumer, held, paused, next, silent_since: None, topics, refused: false, closed: false };
        inlet.enlist()?;
        Ok(inlet)
    }

    fn enlist(&self) -> Result<(), LogError> {
        let names: Vec<&str> = self.topics.iter().map(String::as_str).collect();
        self.consumer.subscribe(&names).map_err(|error| error::of("subscribe", &error))
    }

    /// The next event of the group. What was taken before it is dropped: it belongs to an assignment that is over, its
    /// offsets were never committed, and its owner reads it again.
    fn next_event(&mut self) -> Option<Result<Gathered, LogError>> {
        let event = self.consumer.context().next_event()?;
        self.silent_since = None;
        self.held.clear();
        self.next.clear();
        // librdkafka's pause outlives the assignment; ours does not, so that nothing new starts in silence.
        let paused = std::mem::take(&mut self.paused);
        if !paused.is_empty() {
            let resumed = self.log.names().list(paused.into_keys().map(|partition| (partition, None)));
            let resumed = resumed.map(|list| self.consumer.resume(&list));
            tracing::debug!(?resumed, "paused partitions are resumed with the new assignment");
        }
        self.refused = event.is_err();
        if let Ok(Gathered::Assigned(assignments)) = &event {
            self.next.extend(assignments.iter().map(|assignment| (assignment.partition, assignment.start)));
        }
        Some(event)
    }

    /// One poll: a record that may be delivered, or nothing.
    fn poll(&mut self, timeout: Duration) -> Result<Option<Record>, LogError> {
        let polled = match self.consumer.poll(timeout) {
            None => return Ok(None),
            Some(Ok(message)) => Ok(self.log.names().record(&message)?),
            Some(Err(error)) => Err(error),
        };
        match polled {
            Ok(record) => {
                self.silent_since = None;
                if self.paused.contains_key(&record.partition) {
                    // On its way when it was paused; read again when it is resumed.
                    return Ok(None);
                }
                self.next.insert(record.partition, record.offset + 1);
                Ok(Some(record))
            }
            Err(error) => self.trouble(&error).map(|()| None),
        }
    }

    fn trouble(&mut self, error: &KafkaError) -> Result<(), LogError> {
        let code = match error {
            KafkaError::MessageConsumptionFatal(code) => {
                return Err(LogError::Fenced(format!("the consumer is over: {code}")));
            }
            other => other.rdkafka_error_code(),
        };
        match code {
            Some(RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange) => Err(self.out_of_range()),
            Some(RDKafkaErrorCode::AllBrokersDown) => {
                self.silent_since.get_or_insert_with(Instant::now);
                Ok(())
            }
            Some(code) if error::is_passing(code) => Ok(()),
            _ => Err(error::of("consume", error)),
        }
    }

    /// Finds the partition whose position left the log: the error event does not name it.
    fn out_of_range(&self) -> LogError {
        for (partition, offset) in self.next.iter().map(|(partition, offset)| (*partition, *offset)) {
            let range = match self.log.watermarks(partition) {
                Ok(range) => range,
                Err(error) => return error,
            };
            if offset < range.first || offset > range.end {
                let (partition, first, end) = (partition.to_string(), range.first, range.end);
                return LogError::OutOfRange { partition, offset, first, end };
            }
        }
        LogError::Unreachable("an offset was out of range and is not any more".into())
    }

    /// Called when nothing came: an idle topic and an absent cluster look alike until somebody asks.
    fn check_silence(&mut self) -> Result<(), LogError> {
        if self.silent_since.is_some_and(|since| since.elapsed() >= SILENCE_MAX) {
            self.log.ping(Duration::from_secs(2))?;
            self.silent_since = None;
        }
        Ok(())
    }

    fn leave(&mut self) {
        if std::mem::replace(&mut self.closed, true) {
            return;
        }
        // Hole: a consumer dropped while it owns partitions can hang or call back into what is gone. It is unsubscribed
        // and polled until nothing is assigned; then dropping it is quick.
        self.consumer.unsubscribe();
        let begun = Instant::now();
        while begun.elapsed() < CLOSE_TIMEOUT {
            let assigned = self.consumer.assignment().map_or(0, |list| list.count());
            if assigned == 0 && self.consumer.context().fence().is_none() {
                break;
            }
            drop(self.consumer.poll(Duration::from_millis(10)));
        }
    }
}

impl Inlet for KafkaInlet {
    type Fence = KafkaFence;

    fn gather(&mut self, limits: Gather) -> Result<Gathered, LogError> {
        if std::mem::take(&mut self.refused) {
            self.consumer.unsubscribe();
            self.enlist()?;
        }
        let begun = Instant::now();
        let mut batch = Vec::new();
        let (mut bytes, mut first) = (0, None);
        loop {
            if let Some(event) = self.next_event() {
                return event;
            }
            if batch.len() >= limits.records.max(1) || bytes >= limits.bytes.max(1) {
                break;
            }
            let timeout = match first {
                None => limits.wait.saturating_sub(begun.elapsed()),
                Some(first) => limits.linger.saturating_sub(Instant::elapsed(&first)),
            };
            let record = match self.held.pop_front() {
                Some(record) => Ok(Some(record)),
                None => self.poll(timeout),
            };
            match record {
                Ok(Some(record)) => {
                    first.get_or_insert_with(Instant::now);
                    bytes += record.size();
                    batch.push(record);
                }
                Ok(None) if timeout.is_zero() && !self.consumer.context().has_event() => break,
                Ok(None) => {}
                Err(error) => {
                    // Nothing that was taken is lost by it.
                    self.held = batch.into();
                    return Err(error);
                }
            }
        }
        if batch.is_empty() {
            self.check_silence()?;
        }
        Ok(Gathered::Records(batch))
    }

    fn subscribe(&mut self, topics: &[TopicName]) -> Result<(), LogError> {
        self.topics = topics.iter().map(|topic| self.log.names().topic(*topic)).collect();
        // Not left before: the broker then sees a member that it knows with other topics, and rebalances.
        self.enlist()
    }

    fn fence(&self) -> Option<KafkaFence> {
        let nothing = self.next.is_empty() || self.consumer.assignment_lost();
        if nothing { None } else { self.consumer.context().fence() }
    }

    fn committed(&mut self, partitions: &[Partition]) -> Result<Vec<Option<u64>>, LogError> {
        group::committed(&self.consumer, self.log.names(), partitions)
    }

    fn seek(&mut self, partition: Partition, offset: u64) -> Result<(), LogError> {
        if !self.next.contains_key(&partition) {
            return Err(LogError::Fenced(format!("seek {partition}: it is not owned")));
        }
        self.held.retain(|record| record.partition != partition);
        if let Some(first) = self.paused.get_mut(&partition) {
            // Read on from there once it is resumed.
            *first = offset;
            self.next.insert(partition, offset);
            return Ok(());
        }
        let name = self.log.names().topic(partition.name());
        let (number, raw) = (raw_number(partition.number)?, raw_offset(offset)?);
        let begun = Instant::now();
        loop {
            match self.consumer.seek(&name, number, Offset::Offset(raw), SEEK_TIMEOUT) {
                Ok(()) => {
                    self.next.insert(partition, offset);
                    return Ok(());
                }
                // A partition that was assigned a moment ago is not ready to be moved yet.
                Err(error) if self.consumer.assignment_lost() || begun.elapsed() >= SEEK_TIMEOUT => {
                    return Err(error::of(&format!("seek {partition}"), &error));
                }
                Err(_) => std::thread::park_timeout(Duration::from_millis(5)),
            }
        }
    }

    fn pause(&mut self, partition: Partition) -> Result<(), LogError> {
        let Some(next) = self.next.get(&partition).copied() else {
            return Err(LogError::Fenced(format!("pause {partition}: it is not owned")));
        };
        if self.paused.contains_key(&partition) {
            return Ok(());
        }
        let list = self.log.names().list([(partition, None)])?;
        self.consumer.pause(&list).map_err(|error| error::of(&format!("pause {partition}"), &error))?;
        let held = self.held.iter().find(|record| record.partition == partition);
        self.paused.insert(partition, held.map_or(next, |record| record.offset));
        self.held.retain(|record| record.partition != partition);
        Ok(())
    }

    /// Hole: what librdkafka had fetched before the pause is dropped on the way, here or in its queues. It is told where
    /// to go on, so that nothing is skipped.
    fn resume(&mut self, partition: Partition) -> Result<(), LogError> {
        if !self.next.contains_key(&partition) {
            return Err(LogError::Fenced(format!("resume {partition}: it is not owned")));
        }
        let Some(first) = self.paused.remove(&partition) else { return Ok(()) };
        let list = self.log.names().list([(partition, None)])?;
        self.consumer.resume(&list).map_err(|error| error::of(&format!("resume {partition}"), &error))?;
        self.seek(partition, first)
    }

    fn keep_alive(&mut self) -> Result<bool, LogError> {
        // A record that comes up is held back for the next `gather`; at most one per call.
        if !self.consumer.context().has_event()
            && let Some(record) = self.poll(Duration::ZERO)?
        {
            self.held.push_back(record);
        }
        let over = self.consumer.context().has_event() || self.consumer.assignment_lost();
        Ok(!over)
    }

    fn close(mut self) -> Result<(), LogError> {
        self.leave();
        Ok(())
    }
}

impl Drop for KafkaInlet {
    fn drop(&mut self) {
        self.leave();
    }
}
