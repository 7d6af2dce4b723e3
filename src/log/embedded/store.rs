//! What an embedded log needs of the place where committed records lie.

use crate::event::{Millis, TopicName};
use crate::log::{LogError, Outgoing, Partition, Range, Record};

/// One transaction: records, each with the partition and time stamp that it gets, in append order, and group offsets.
#[derive(Debug, Default)]
pub struct Batch {
    pub records: Vec<(Partition, Millis, Outgoing)>,
    pub offsets: Vec<(String, Partition, u64)>,
}

/// Committed records of one partition in offset order, and where reading goes on: past gaps and markers.
#[derive(Debug)]
pub struct Chunk {
    pub records: Vec<Record>,
    pub next: u64,
}

/// The verbs that a simulation may make fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    Gather,
    Begin,
    Append,
    Offsets,
    Commit,
}

/// How a verb fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It reports an error and has done nothing.
    Before,
    /// It reports an error and has been done: the unknown outcome.
    After,
    /// The member that gathers, or whose fence the open transaction carries, loses its assignment first.
    Lose,
}

/// Where committed records lie. Calls of `commit`, `recover` and `abandon` never overlap each other; reads overlap all.
pub trait Store: Send + Sync + 'static {
    /// How many partitions a topic has; fails when it is unknown.
    fn partitions(&self, topic: TopicName) -> Result<u32, LogError>;

    fn range(&self, partition: Partition) -> Result<Range, LogError>;

    /// Records from `from` on: at most `records`, and none after the one that reaches `bytes`.
    fn read(&self, partition: Partition, from: u64, records: usize, bytes: usize) -> Result<Chunk, LogError>;

    fn committed(&self, group: &str, partition: Partition) -> Result<Option<u64>, LogError>;

    /// Takes the whole batch, or nothing of it; durable on return where the log is.
    fn commit(&self, batch: Batch) -> Result<(), LogError>;

    /// Settles what a commit that failed left unknown, before a writer or a reader opens: `true` when there was any.
    /// What is read of the log before and after may differ by that commit.
    fn recover(&self) -> Result<bool, LogError> {
        Ok(false)
    }

    /// A transaction with these records was given up.
    fn abandon(&self, _batch: Batch) {}

    /// Whether a reader waits for news. Not where one thread runs everything: nobody could bring any meanwhile.
    fn waits(&self) -> bool {
        true
    }

    /// Asked once per verb, before it is done: whether a simulation makes this one fail.
    fn fault(&self, _verb: Verb) -> Option<Effect> {
        None
    }
}

/// Refuses an offset that lies outside of what is kept; the end itself is where the next record will be.
pub fn in_range(partition: Partition, offset: u64, range: Range) -> Result<(), LogError> {
    let Range { first, end } = range;
    if (first..=end).contains(&offset) {
        return Ok(());
    }
    Err(LogError::OutOfRange { partition: partition.to_string(), offset, first, end })
}
