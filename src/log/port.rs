//! The verbs of the port.

use std::time::Duration;

use crate::event::{Millis, Owner, Topic, TopicName};

use super::LogError;

/// One partition of one topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition {
    pub topic: Topic,
    /// The tenant whose own topic it is; `None`: shared.
    pub owner: Option<Owner>,
    pub number: u32,
}

impl Partition {
    pub const fn shared(topic: Topic, number: u32) -> Self {
        Partition { topic, owner: None, number }
    }

    pub fn of(name: impl Into<TopicName>, number: u32) -> Self {
        let TopicName { topic, owner } = name.into();
        Partition { topic, owner, number }
    }

    pub const fn name(&self) -> TopicName {
        TopicName { topic: self.topic, owner: self.owner }
    }
}

impl std::fmt::Display for Partition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.name(), self.number)
    }
}

/// A record's header: a name and bytes that may be absent. Names may repeat; order is kept.
pub type Header = (String, Option<Vec<u8>>);

/// A committed record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub partition: Partition,
    pub offset: u64,
    /// The record's time stamp: the producer's, or the log's own where the topic is LogAppendTime.
    pub timestamp: Millis,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<Header>,
}

impl Record {
    /// Bytes that the record occupies in a batch.
    pub fn size(&self) -> usize {
        let header = |(name, value): &Header| name.len() + value.as_ref().map_or(0, Vec::len);
        self.key.as_ref().map_or(0, Vec::len)
            + self.value.as_ref().map_or(0, Vec::len)
            + self.headers.iter().map(header).sum::<usize>()
    }
}

/// A record to append. Without a partition, the key's murmur2 decides (no key: partition 0).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    pub topic: Topic,
    /// The tenant whose own topic it goes to; `None`: the shared one.
    pub owner: Option<Owner>,
    pub partition: Option<u32>,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<Header>,
}

impl Outgoing {
    pub const fn name(&self) -> TopicName {
        TopicName { topic: self.topic, owner: self.owner }
    }
}

/// The first offset that is kept and the last stable offset (one past the last committed record or marker).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    pub first: u64,
    pub end: u64,
}

/// How much one `gather` takes: it returns when full, or `linger` after the first record, or after `wait` with none.
#[derive(Debug, Clone, Copy)]
pub struct Gather {
    pub records: usize,
    pub bytes: usize,
    pub linger: Duration,
    pub wait: Duration,
}

/// One partition that was assigned, where its reading starts, and what the group had committed (absent: nothing).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assignment {
    pub partition: Partition,
    pub start: u64,
    pub committed: Option<u64>,
}

/// What one `gather` brought.
#[derive(Debug)]
pub enum Gathered {
    /// Records, per partition in offset order; empty when nothing came in time.
    Records(Vec<Record>),
    /// Everything that is owned from now on (the whole assignment, not a difference). Nothing of it is delivered before
    /// the next `gather`.
    Assigned(Vec<Assignment>),
    /// Nothing is owned any more. `lost`: another may own it already, so nothing more may be committed for it.
    Revoked { lost: bool },
}

/// Decides where to start reading a partition, given what the group committed. It is called inside the rebalance and
/// must not block for long.
pub type StartAt = Box<dyn FnMut(Partition, Option<u64>) -> Result<u64, LogError> + Send>;

/// A log. Cheap to clone; shared by threads.
pub trait Log: Clone + Send + Sync + 'static {
    type Inlet: Inlet;
    type Outlet: Outlet<Fence = <Self::Inlet as Inlet>::Fence>;
    type Reader: Reader;

    /// How many partitions a topic has. Blocks; fails when the topic is unknown.
    fn partitions(&self, topic: impl Into<TopicName>) -> Result<u32, LogError>;

    /// Joins `group` (one member per call) for `topics`. `member` is this worker's stable name: it comes back to its
    /// partitions at once after a crash.
    fn inlet<N: Into<TopicName> + Copy>(
        &self,
        group: &str,
        member: &str,
        topics: &[N],
        start: StartAt,
    ) -> Result<Self::Inlet, LogError>;

    /// Opens a transactional writer and fences every earlier one of the same id. Blocks until what they left open is
    /// settled.
    fn outlet(&self, transactional_id: &str) -> Result<Self::Outlet, LogError>;

    /// Reads partitions from given offsets, outside any group.
    fn reader(&self, start: &[(Partition, u64)]) -> Result<Self::Reader, LogError>;

    /// First kept offset and last stable offset. Blocks.
    fn range(&self, partition: Partition) -> Result<Range, LogError>;

    /// What `group` has committed for a partition, stable with regard to open transactions. Blocks.
    fn committed(&self, group: &str, partition: Partition) -> Result<Option<u64>, LogError>;
}

/// A group member's reading side. Owned by one thread.
pub trait Inlet: Send {
    /// Proof of the present assignment, taken when it was made; a commit under one that is over is refused.
    type Fence: Clone + Send + 'static;

    /// Serves the group and gathers. Rebalances happen in here only, so never while a transaction is open.
    fn gather(&mut self, limits: Gather) -> Result<Gathered, LogError>;

    /// Reads these topics from the next assignment on: the present one is given up, as in any rebalance.
    fn subscribe(&mut self, topics: &[TopicName]) -> Result<(), LogError>;

    /// The fence of the present assignment; `None` when nothing is assigned or the assignment is lost.
    fn fence(&self) -> Option<Self::Fence>;

    /// Committed offsets of owned partitions, read from the group again: the first step of recovery.
    fn committed(&mut self, partitions: &[Partition]) -> Result<Vec<Option<u64>>, LogError>;

    /// Reads on from `offset`; what was prefetched is dropped.
    fn seek(&mut self, partition: Partition, offset: u64) -> Result<(), LogError>;

    /// Stops delivering one partition, until `resume` or the next assignment: the others go on. Only what is owned can
    /// be paused; again changes nothing.
    fn pause(&mut self, partition: Partition) -> Result<(), LogError>;

    /// Delivers a paused partition again, from the first record that was not delivered, or from where it was moved to
    /// meanwhile. What is not paused is left as it is.
    fn resume(&mut self, partition: Partition) -> Result<(), LogError>;

    /// Serves the group without delivering records, so that long work between two gathers does not cost the membership.
    /// Returns false when the assignment is over (the next `gather` tells how).
    fn keep_alive(&mut self) -> Result<bool, LogError>;

    /// Leaves the group in order.
    fn close(self) -> Result<(), LogError>;
}

/// A transactional writer. Owned by one thread.
pub trait Outlet: Send {
    type Fence;

    /// Opens a transaction.
    fn begin(&mut self) -> Result<(), LogError>;

    /// Appends to the open transaction. May block for back-pressure; delivery is certain only after `commit`.
    fn append(&mut self, record: Outgoing) -> Result<(), LogError>;

    /// Adds the next offsets to read to the open transaction. At least one: an empty list would not be fenced.
    fn offsets(&mut self, group: &str, next: &[(Partition, u64)], fence: &Self::Fence) -> Result<(), LogError>;

    /// Commits. On an error the outcome is unknown: drop this outlet and recover.
    fn commit(&mut self) -> Result<(), LogError>;

    /// Gives the open transaction up.
    fn abort(&mut self) -> Result<(), LogError>;
}

/// Reads committed records of chosen partitions in order. Owned by one thread.
pub trait Reader: Send {
    /// The next records, at most `records`; empty when nothing came within `wait`.
    fn read(&mut self, records: usize, wait: Duration) -> Result<Vec<Record>, LogError>;

    /// Whether everything below the end of each partition has been returned, gaps and markers included: the end at the
    /// opening until this answers true, and after that the end at the next call. Never decided by comparing offsets of
    /// records.
    fn at_end(&mut self) -> Result<bool, LogError>;
}
