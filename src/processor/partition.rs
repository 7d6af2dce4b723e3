//! One ledger partition in a worker's hands: its state, where it stands, and how a batch is folded on it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::event::Digest;
use crate::ledger::control::Position;
use crate::ledger::state::{Memo, State, StateError, StatePosition};
use crate::ledger::{FoldError, Folding, LedgerRecord, Step};
use crate::log::Record;

/// Folds one record: `Folding::fold`, which tests replace to plant a record that panics.
pub type Fold = fn(&mut Folding<'_>, &LedgerRecord) -> Result<Step, FoldError>;

crate::codes! {
    /// Why a partition cannot go on. Only `attestream ledger adopt` or a newer binary helps; the other partitions go on.
    pub enum NotReady {
        /// The group's committed offset lies before what the state has folded: the log was truncated, or the state is of another.
        StateAhead = "state-ahead",
        /// The record that the state folded last is not the one in the log.
        StateForeign = "state-foreign",
        /// Neither a committed offset nor a position is there, and the ledger is not empty.
        PositionLost = "position-lost",
        /// A value in the ledger is no record that this binary knows.
        RecordUnknown = "ledger-record-unknown",
        /// The ledger is in force under a fold version that this binary does not implement.
        FoldVersion = "fold-version",
        /// A record made the fold panic twice.
        FoldPanicked = "fold-panicked",
        /// A row of the state, or bytes that it must keep, cannot be read.
        StateBroken = "state-broken",
        /// The state's storage failed.
        StateFailed = "state-failed",
    }
}

/// A partition that this worker owns.
pub struct Owned<S> {
    pub number: u32,
    pub state: S,
    pub position: Option<StatePosition>,
    /// The offset that the group has committed, as far as this worker knows.
    pub next: u64,
    /// The record at which the fold panicked once.
    pub panicked: Option<u64>,
    pub since_snapshot: u64,
}

/// A batch folded on one partition, not yet committed.
#[derive(Default)]
pub struct FoldedBatch {
    pub memo: Memo,
    pub steps: Vec<Step>,
    pub position: Option<StatePosition>,
    /// The next offset to read: after the last record that was folded.
    pub next: u64,
    /// Why the fold stopped before the batch's end.
    pub halt: Option<Halt>,
}

/// The fold stopped before a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Halt {
    /// It panicked there for the first time: read it again, alone.
    Retry {
        offset: u64,
    },
    Stop {
        code: NotReady,
        offset: u64,
    },
}

impl<S: State> Owned<S> {
    pub fn new(number: u32, state: S, next: u64) -> Result<Self, StateError> {
        let position = state.position()?;
        Ok(Owned { number, state, position, next, panicked: None, since_snapshot: 0 })
    }

    /// Offset of the next record that the state has not folded.
    pub fn folded_to(&self) -> u64 {
        self.position.as_ref().map_or(0, |position| position.next_offset)
    }

    pub fn seq(&self) -> u64 {
        self.position.as_ref().map_or(0, |position| position.seq)
    }

    /// Folds `records` (in offset order, all after what is folded). Nothing is written. When `silent`, there is nothing to
    /// publish either.
    pub fn fold(&mut self, records: &[Record], fold: Fold, silent: bool) -> FoldedBatch {
        let records: Vec<&Record> = records.iter().filter(|record| record.offset >= self.folded_to()).collect();
        let parsed: Vec<Option<LedgerRecord>> = records.iter().map(|record| parse(record)).collect();
        let known = parsed.iter().take_while(|record| record.is_some()).count();
        let batch: Vec<LedgerRecord> = parsed.into_iter().flatten().take(known).collect();
        let unknown =
            records.get(known).map(|record| Halt::Stop { code: NotReady::RecordUnknown, offset: record.offset });

        match self.fold_some(&records, &batch, fold, silent) {
            Ok(folded) => FoldedBatch { halt: unknown, ..folded },
            Err((at, code)) => {
                // The records before the bad one fold again, alike: the fold is pure.
                let before = batch.get(..at).unwrap_or_default();
                let offset = records.get(at).map_or(0, |record| record.offset);
                let folded = self.fold_some(&records, before, fold, silent).unwrap_or_default();
                FoldedBatch { halt: Some(self.halt_at(offset, code)), ..folded }
            }
        }
    }

    fn halt_at(&mut self, offset: u64, code: NotReady) -> Halt {
        if code == NotReady::FoldPanicked && self.panicked.replace(offset) != Some(offset) {
            return Halt::Retry { offset };
        }
        Halt::Stop { code, offset }
    }

    fn fold_some(
        &self,
        records: &[&Record],
        batch: &[LedgerRecord],
        fold: Fold,
        silent: bool,
    ) -> Result<FoldedBatch, (usize, NotReady)> {
        let broken = |at: usize| move |error: FoldError| (at, not_ready(&error));
        let mut folding = Folding::begin(&self.state, self.number, self.seq()).map_err(broken(0))?;
        if silent {
            folding = folding.silently();
        }
        folding.prefetch(batch).map_err(broken(0))?;
        let mut steps = Vec::with_capacity(batch.len());
        for (at, record) in batch.iter().enumerate() {
            let step = catch_unwind(AssertUnwindSafe(|| fold(&mut folding, record)));
            steps.push(step.map_err(|_| (at, NotReady::FoldPanicked))?.map_err(broken(at))?);
        }
        let last = batch.len().checked_sub(1).and_then(|last| records.get(last));
        let position = last.map(|last| StatePosition {
            ledger: folding.ledger().to_owned(),
            partition: self.number,
            seq: folding.seq(),
            next_offset: last.offset + 1,
            last_offset: last.offset,
            last_digest: Digest::of(last.value.as_deref().unwrap_or_default()),
        });
        let next = position.as_ref().map_or(self.folded_to(), |position| position.next_offset);
        let memo = folding.finish().map_err(broken(0))?;
        Ok(FoldedBatch { memo, steps, position, next, halt: None })
    }

    /// Writes a folded batch: only after the transaction that carries its outputs is committed.
    pub fn remember(&mut self, folded: FoldedBatch) -> Result<(), StateError> {
        let Some(position) = folded.position else { return Ok(()) };
        self.state.remember(folded.memo, &position)?;
        self.since_snapshot += u64::try_from(folded.steps.len()).unwrap_or(0);
        self.next = position.next_offset;
        self.position = Some(position);
        self.panicked = None;
        Ok(())
    }
}

impl FoldedBatch {
    /// The position to publish beside the outputs.
    pub fn published_position(&self) -> Option<Position> {
        self.position.as_ref().map(|position| Position {
            ledger: position.ledger.clone(),
            partition: position.partition,
            seq: position.seq,
            next_offset: position.next_offset,
        })
    }
}

fn parse(record: &Record) -> Option<LedgerRecord> {
    serde_json::from_slice(record.value.as_deref()?).ok()
}

fn not_ready(error: &FoldError) -> NotReady {
    match error {
        FoldError::State(_) => NotReady::StateFailed,
        FoldError::Record | FoldError::NoGenesis => NotReady::RecordUnknown,
        FoldError::Version => NotReady::FoldVersion,
        FoldError::Row | FoldError::Blob => NotReady::StateBroken,
    }
}
