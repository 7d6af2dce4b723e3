//! The ways in which exactness could leak, as the design's table lists them, and how often a run went through each.

use std::collections::BTreeMap;

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hole {
    /// A commit that happened and reported an error.
    UnknownOutcome,
    /// A writer that a newer one of its id had fenced tried to go on.
    Zombie,
    /// A group changed while a member had a batch in hand.
    RebalanceInBatch,
    /// A commit under an assignment that was over was refused.
    FencedCommit,
    /// A transaction without any input (a tick) by an owner who was none any more was refused: it carries an offset.
    FencedTick,
    /// A transaction with records was given up: its offsets are gaps.
    Aborted,
    /// An input that is nothing went to the dead letters.
    Poison,
    /// An input that does not fit beside our headers went there by reference.
    Unfit,
    /// The fold panicked twice on a record, and its partition alone stopped.
    FoldPanic,
    /// A second process met a state folder that a first one held, or a folder of another ledger.
    HeldFolder,
    /// An input lay on another partition than our partitioner chooses.
    Partitioner,
    /// A business event came again.
    Duplicate,
    /// Power failed after a commit was acknowledged: every process and what they had not synced is gone.
    PowerFailure,
    /// An input too large for a record went by reference.
    ClaimCheck,
}

impl Hole {
    pub const ALL: [Hole; 14] = [
        Hole::UnknownOutcome,
        Hole::Zombie,
        Hole::RebalanceInBatch,
        Hole::FencedCommit,
        Hole::FencedTick,
        Hole::Aborted,
        Hole::Poison,
        Hole::Unfit,
        Hole::FoldPanic,
        Hole::HeldFolder,
        Hole::Partitioner,
        Hole::Duplicate,
        Hole::PowerFailure,
        Hole::ClaimCheck,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Hole::UnknownOutcome => "unknown-outcome",
            Hole::Zombie => "zombie",
            Hole::RebalanceInBatch => "rebalance-in-batch",
            Hole::FencedCommit => "fenced-commit",
            Hole::FencedTick => "fenced-tick",
            Hole::Aborted => "aborted",
            Hole::Poison => "poison",
            Hole::Unfit => "unfit",
            Hole::FoldPanic => "fold-panic",
            Hole::HeldFolder => "held-folder",
            Hole::Partitioner => "partitioner",
            Hole::Duplicate => "duplicate",
            Hole::PowerFailure => "power-failure",
            Hole::ClaimCheck => "claim-check",
        }
    }
}

/// What one seed, or a run of many, went through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    pub seeds: u64,
    pub inputs: u64,
    pub ledger: u64,
    pub crashes: u64,
    pub activations: u64,
    /// Seeds that were run twice, and those that the whole oracle judged.
    pub twice: u64,
    pub whole: u64,
    pub holes: BTreeMap<Hole, u64>,
    /// Everything else that was done or seen, by name.
    pub seen: BTreeMap<&'static str, u64>,
    /// Where processes died.
    pub died_at: BTreeMap<(&'static str, &'static str), u64>,
}

impl Tally {
    pub fn hole(&mut self, hole: Hole) {
        *self.holes.entry(hole).or_default() += 1;
    }

    pub fn saw(&mut self, what: &'static str) {
        *self.seen.entry(what).or_default() += 1;
    }

    pub fn add(&mut self, other: Tally) {
        self.seeds += other.seeds;
        self.inputs += other.inputs;
        self.ledger += other.ledger;
        self.crashes += other.crashes;
        self.activations += other.activations;
        self.twice += other.twice;
        self.whole += other.whole;
        for (hole, times) in other.holes {
            *self.holes.entry(hole).or_default() += times;
        }
        for (what, times) in other.seen {
            *self.seen.entry(what).or_default() += times;
        }
        for (at, times) in other.died_at {
            *self.died_at.entry(at).or_default() += times;
        }
    }

    pub fn holes_line(&self) -> String {
        let of = |hole: &Hole| format!("{} {}", hole.name(), self.holes.get(hole).copied().unwrap_or(0));
        Hole::ALL.iter().map(of).collect::<Vec<_>>().join(", ")
    }
}
