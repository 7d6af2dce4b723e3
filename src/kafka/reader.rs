//! Reads committed records of chosen partitions, outside any group's assignment.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::event::TopicName;
use crate::log::{Log as _, LogError, Partition, Reader, Record};

use super::group::Quiet;
use super::record::{raw_number, raw_offset};
use super::{KafkaLog, error};

/// librdkafka wants a group's name even where nothing is joined or committed.
const GROUP: &str = "attestream-reader";
/// How long one of several topics is waited for before the others are looked at.
const TURN: Duration = Duration::from_millis(5);
/// How long every broker may be silent before `read` says so.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// How long a partition may take to become ready to be moved.
const SEEK_TIMEOUT: Duration = Duration::from_secs(10);

/// How far one partition has been read.
///
/// Hole: markers and aborted records take offsets and are never delivered, so no record's offset tells that the end is
/// reached; only librdkafka's end-of-partition event does. The event does not carry its offset, so an event counts only
/// when it was made after the end was captured: the first capture lies before the assignment, and every later one is
/// followed by a seek to the next offset, which drops what was queued and makes the event come again.
///
/// Hole: a commit returns before its markers are in every partition, so the last stable offset may lie before records
/// whose commit has returned (KAFKA-10167). The end to be reached is therefore the end of what is replicated, and an event
/// counts only once the last stable offset has got there: at the latest when open transactions time out.
struct Progress {
    /// The next offset to return.
    next: u64,
    goal: Goal,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Goal {
    /// The last series of `at_end` is over.
    None,
    /// The last stable offset has not reached this end yet.
    Unstable(u64),
    /// An end-of-partition event from now on proves that everything below this end was returned.
    Stable(u64),
    /// It has come.
    Ended,
}

impl Progress {
    fn is_reached(&self) -> bool {
        match self.goal {
            Goal::Ended => true,
            Goal::Unstable(end) | Goal::Stable(end) => self.next >= end,
            Goal::None => false,
        }
    }
}

/// A reader. Opening captures the end of every partition; calls of `at_end` answer for those ends until one answers true,
/// and the next call captures anew. So a reader of a busy log reaches its end, and what was committed before the capture
/// of a series has been returned when the series answers true. A transaction that was open then is waited for,
/// so a thread must not wait for an end while it holds one open itself.
pub struct KafkaReader {
    log: KafkaLog,
    /// One consumer per topic: the end-of-partition event names the partition's number only.
    consumers: Vec<(TopicName, BaseConsumer<Quiet>)>,
    progress: BTreeMap<Partition, Progress>,
    turn: usize,
    silent_since: Option<Instant>,
    /// An error that came after records of the same read: it is the answer of the next.
    pending: Option<LogError>,
}

impl KafkaReader {
    pub(super) fn open(log: KafkaLog, start: &[(Partition, u64)]) -> Result<Self, LogError> {
        let mut progress = BTreeMap::new();
        for (partition, next) in start.iter().copied() {
            let range = log.watermarks(partition)?;
            if next < range.first || next > range.end {
                let (partition, first, end) = (partition.to_string(), range.first, range.end);
                return Err(LogError::OutOfRange { partition, offset: next, first, end });
            }
            let stable = log.range(partition)?.end >= range.end;
            let goal = if stable { Goal::Stable(range.end) } else { Goal::Unstable(range.end) };
            progress.insert(partition, Progress { next, goal });
        }
        let mut topics: Vec<TopicName> = start.iter().map(|(partition, _)| partition.name()).collect();
        topics.sort();
        topics.dedup();
        let consumers = topics.into_iter().map(|topic| Ok((topic, consumer(&log, topic, start)?)));
        let consumers = consumers.collect::<Result<_, LogError>>()?;
        Ok(KafkaReader { log, consumers, progress, turn: 0, silent_since: None, pending: None })
    }

    /// Polls one consumer once: a record, or nothing.
    fn poll(&mut self, index: usize, timeout: Duration) -> Result<Option<Record>, LogError> {
        let Some((topic, consumer)) = self.consumers.get(index) else { return Ok(None) };
        let topic = *topic;
        match consumer.poll(timeout) {
            None => Ok(None),
            Some(Ok(message)) => {
                let record = self.log.names().record(&message)?;
                self.silent_since = None;
                if let Some(progress) = self.progress.get_mut(&record.partition) {
                    progress.next = record.offset + 1;
                }
                Ok(Some(record))
            }
            Some(Err(KafkaError::PartitionEOF(number))) => {
                let number = u32::try_from(number).unwrap_or(u32::MAX);
                if let Some(progress) = self.progress.get_mut(&Partition::of(topic, number))
                    && matches!(progress.goal, Goal::Stable(_))
                {
                    progress.goal = Goal::Ended;
                }
                self.silent_since = None;
                Ok(None)
            }
            Some(Err(error)) => self.trouble(topic, &error).map(|()| None),
        }
    }

    fn trouble(&mut self, topic: TopicName, error: &KafkaError) -> Result<(), LogError> {
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange) => {
                for (partition, progress) in self.progress.iter().filter(|(partition, _)| partition.name() == topic) {
                    let range = self.log.watermarks(*partition)?;
                    if progress.next < range.first || progress.next > range.end {
                        let (first, end) = (range.first, range.end);
                        let partition = partition.to_string();
                        return Err(LogError::OutOfRange { partition, offset: progress.next, first, end });
                    }
                }
                Err(LogError::Unreachable(format!("{topic}: an offset was out of range and is not any more")))
            }
            Some(RDKafkaErrorCode::AllBrokersDown) => {
                self.silent_since.get_or_insert_with(Instant::now);
                Ok(())
            }
            Some(code) if error::is_passing(code) => Ok(()),
            _ => Err(error::of(&format!("read {topic}"), error)),
        }
    }

    /// Captures the ends of a new series.
    fn capture(&mut self) -> Result<(), LogError> {
        for (partition, progress) in &mut self.progress {
            progress.goal = Goal::Unstable(self.log.watermarks(*partition)?.end);
        }
        Ok(())
    }

    /// Where an end has become stable, makes the event that proves it come again.
    fn stabilise(&mut self) -> Result<(), LogError> {
        for (partition, progress) in &mut self.progress {
            let Goal::Unstable(end) = progress.goal else { continue };
            if progress.is_reached() || self.log.range(*partition)?.end < end {
                continue;
            }
            if let Some((_, consumer)) = self.consumers.iter().find(|(topic, _)| *topic == partition.name()) {
                seek(consumer, &self.log, *partition, progress.next)?;
            }
            progress.goal = Goal::Stable(end);
        }
        Ok(())
    }

    fn ended(&self) -> usize {
        self.progress.values().filter(|progress| progress.goal == Goal::Ended).count()
    }

    fn check_silence(&mut self) -> Result<(), LogError> {
        if self.silent_since.is_some_and(|since| since.elapsed() >= SILENCE_MAX) {
            self.log.ping(Duration::from_secs(2))?;
            self.silent_since = None;
        }
        Ok(())
    }
}

/// A consumer of the given partitions of one topic, assigned once with explicit offsets.
fn consumer(log: &KafkaLog, topic: TopicName, start: &[(Partition, u64)]) -> Result<BaseConsumer<Quiet>, LogError> {
    let mut config = log.settings().consumer(&log.names().of(GROUP), "reader");
    config.set("enable.partition.eof", "true");
    let consumer: BaseConsumer<Quiet> =
        config.create_with_context(Quiet).map_err(|error| error::of("consumer", &error))?;
    let own = start.iter().filter(|(partition, _)| partition.name() == topic);
    let list = log.names().list(own.map(|(partition, offset)| (*partition, Some(*offset))))?;
    consumer.assign(&list).map_err(|error| error::of("assign", &error))?;
    Ok(consumer)
}

fn seek(consumer: &BaseConsumer<Quiet>, log: &KafkaLog, partition: Partition, next: u64) -> Result<(), LogError> {
    let name = log.names().topic(partition.name());
    let (number, offset) = (raw_number(partition.number)?, Offset::Offset(raw_offset(next)?));
    let begun = Instant::now();
    loop {
        match consumer.seek(&name, number, offset, SEEK_TIMEOUT) {
            Ok(()) => return Ok(()),
            Err(error) if begun.elapsed() >= SEEK_TIMEOUT => {
                return Err(error::of(&format!("seek {partition}"), &error));
            }
            // A partition that was assigned a moment ago is not ready to be moved yet.
            Err(_) => std::thread::park_timeout(Duration::from_millis(5)),
        }
    }
}

impl Reader for KafkaReader {
    fn read(&mut self, records: usize, wait: Duration) -> Result<Vec<Record>, LogError> {
        if let Some(error) = self.pending.take() {
            return Err(error);
        }
        let begun = Instant::now();
        let mut batch = Vec::new();
        let mut idle = 0;
        while batch.len() < records {
            let left = wait.saturating_sub(begun.elapsed());
            // With records in hand nothing more is waited for; with one topic there is no turn to wait for.
            let turn = if self.consumers.len() == 1 { left } else { left.min(TURN) };
            let timeout = if batch.is_empty() && idle >= self.consumers.len() { turn } else { Duration::ZERO };
            let before = self.ended();
            match self.poll(self.turn, timeout) {
                Err(error) if batch.is_empty() => return Err(error),
                Err(error) => {
                    self.pending = Some(error);
                    break;
                }
                Ok(Some(record)) => {
                    idle = 0;
                    batch.push(record);
                }
                Ok(None) => {
                    // An end that was reached just now is news: the caller asks `at_end` before it waits longer.
                    let ended = self.ended() > before;
                    let all = self.progress.values().all(Progress::is_reached);
                    idle += 1;
                    self.turn = (self.turn + 1) % self.consumers.len().max(1);
                    let waited = left.is_zero() || !batch.is_empty();
                    if (waited && idle > self.consumers.len()) || (ended && all) {
                        break;
                    }
                }
            }
        }
        if batch.is_empty() {
            self.check_silence()?;
        }
        Ok(batch)
    }

    fn at_end(&mut self) -> Result<bool, LogError> {
        if self.progress.values().any(|progress| progress.goal == Goal::None) {
            self.capture()?;
        }
        self.stabilise()?;
        let reached = self.progress.values().all(Progress::is_reached);
        if reached {
            for progress in self.progress.values_mut() {
                progress.goal = Goal::None;
            }
        }
        Ok(reached)
    }
}

impl Drop for KafkaReader {
    fn drop(&mut self) {
        for (_, consumer) in &self.consumers {
            // Dropping a consumer that still owns partitions can hang.
            drop(consumer.unassign());
        }
    }
}
