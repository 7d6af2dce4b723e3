//! The closed set of happenings, and the port that takes them.

use std::time::Duration;

use crate::event::TopicName;

/// A stage of the pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    Admission,
    Ledger,
}

impl Role {
    pub const fn as_str(self) -> &'static str {
        match self {
            Role::Admission => "admission",
            Role::Ledger => "ledger",
        }
    }
}

/// A named point of the loop, in the order of the commit: `gather → work → begin → append outputs → send offsets →
/// commit → state batch`, and now and then a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Point {
    Gathered,
    Begun,
    Appended,
    OffsetsAdded,
    /// The commit is about to be sent.
    Committing,
    Committed,
    Remembered,
    Snapshotted,
}

impl Point {
    pub const ALL: [Point; 8] = [
        Point::Gathered,
        Point::Begun,
        Point::Appended,
        Point::OffsetsAdded,
        Point::Committing,
        Point::Committed,
        Point::Remembered,
        Point::Snapshotted,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Point::Gathered => "gathered",
            Point::Begun => "begun",
            Point::Appended => "appended",
            Point::OffsetsAdded => "offsets-added",
            Point::Committing => "committing",
            Point::Committed => "committed",
            Point::Remembered => "remembered",
            Point::Snapshotted => "snapshotted",
        }
    }
}

/// Something happened.
#[derive(Debug)]
pub enum Happening<'a> {
    /// The loop passed a point.
    Passed { role: Role, point: Point },
    /// Records came in.
    Received { role: Role, topic: TopicName, records: u64 },
    /// A fate, counted: per stage, records in = sum of fates.
    Fates { role: Role, fate: &'static str, records: u64 },
    /// A verdict changed.
    Verdict { status: &'static str, reason: Option<&'a str> },
    /// An input went to the dead-letter topic.
    DeadLettered { topic: TopicName, partition: u32, offset: u64, code: &'a str },
    /// A transaction committed.
    Committed { role: Role, records: u64, outputs: u64, took: Duration },
    /// A transaction did not certainly commit; the one recovery path follows.
    Recovering { role: Role, why: &'a str },
    /// Partitions were assigned or taken away.
    Rebalanced { role: Role, owned: usize, lost: bool },
    /// A partition cannot go on; the others do.
    Stopped { partition: u32, code: &'a str, seq: u64 },
    /// Records were folded silently, to bring a state up to the committed offset.
    CaughtUp { partition: u32, records: u64, took: Duration },
    /// A partition's fold stands here.
    Folded { partition: u32, seq: u64 },
    /// How far a partition lies behind the last stable offset.
    Lag { role: Role, topic: TopicName, partition: u32, records: u64, milliseconds: i64 },
    /// The trust root in force was activated so long ago.
    TrustRootAge { milliseconds: i64 },
    /// A transparency log said two things, or its history does not hold: somebody should be woken.
    Alarm { alarm: &'a str, origin: &'a str },
    /// A tenant's own topics wait, or go on (`None`), in this many partitions.
    Throttled { tenant: &'a str, before: Option<&'a str>, now: Option<&'a str>, partitions: usize },
    /// A request was refused, because its tenant is over its rate.
    RateRefused { tenant: &'a str },
    /// A control record was dropped, or a tick.
    ControlDropped { why: &'a str },
    /// The log cannot be reached; another try follows.
    Unreachable { role: Role, why: &'a str, retry: Duration },
    /// A snapshot was written or failed.
    Snapshot { partition: u32, seq: u64, error: Option<&'a str> },
    /// The configuration differs from what is in force, or something else that an operator should read once.
    Notice { text: &'a str },
}

/// Takes happenings. Called on the hot path: must not block.
pub trait Observer: Send + Sync {
    fn happened(&self, happening: &Happening<'_>);
}

/// Takes happenings and does nothing: embedded use and tests.
pub struct Silent;

impl Observer for Silent {
    fn happened(&self, _: &Happening<'_>) {}
}
