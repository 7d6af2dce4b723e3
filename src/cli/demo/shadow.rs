//! A second fold of the same ledger, in memory: it tells the fate of each record, and what must be on every output.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::cli::exit::{Exit, Failure};
use crate::event::{Digest, Topic};
use crate::gateway::records;
use crate::ledger::record::Body;
use crate::ledger::state::MemoryState;
use crate::ledger::{Fate, Folding, LedgerRecord, Step};
use crate::log::{Log, Reader as _};
use crate::processor::partition::{Fold, Owned};

/// Digests of values, and how often each is there.
pub type Bag = BTreeMap<Digest, u64>;

/// The fold so far.
pub struct Shadow<L: Log> {
    reader: L::Reader,
    partitions: BTreeMap<u32, Owned<MemoryState>>,
    fold: Fold,
    pub records: u64,
    pub fates: BTreeMap<Fate, u64>,
    pub admitted: u64,
    pub answered: u64,
    /// What the fold published, by topic.
    pub published: BTreeMap<Topic, Bag>,
}

/// One record of the ledger and what became of it.
pub struct Seen {
    pub partition: u32,
    pub record: LedgerRecord,
    pub step: Step,
}

impl<L: Log> Shadow<L> {
    /// Begins at the ledger's first record.
    pub fn open(log: &L) -> Result<Self, Failure> {
        let mut partitions = BTreeMap::new();
        for number in 0..log.partitions(Topic::Ledger)? {
            partitions.insert(number, Owned::new(number, MemoryState::default(), 0).map_err(Failure::io)?);
        }
        let fold: Fold = |folding: &mut Folding<'_>, record| folding.fold(record);
        Ok(Shadow {
            reader: records::open(log, Topic::Ledger, true)?,
            partitions,
            fold,
            records: 0,
            fates: BTreeMap::new(),
            admitted: 0,
            answered: 0,
            published: BTreeMap::new(),
        })
    }

    /// Folds what has come since.
    pub fn follow(&mut self) -> Result<Vec<Seen>, Failure> {
        let mut seen = Vec::new();
        loop {
            let records = self.reader.read(1_000, Duration::ZERO)?;
            if records.is_empty() && self.reader.at_end()? {
                return Ok(seen);
            }
            for record in records {
                let partition = record.partition.number;
                let broken = || Failure::new(Exit::Failed, format!("ledger partition {partition} cannot be folded"));
                let owned = self.partitions.get_mut(&partition).ok_or_else(broken)?;
                let mut folded = owned.fold(std::slice::from_ref(&record), self.fold, false);
                let step = folded.steps.first().cloned().ok_or_else(broken)?;
                folded.halt = None;
                owned.remember(folded).map_err(Failure::io)?;
                let value = record.value.as_deref().unwrap_or_default();
                let record: LedgerRecord = serde_json::from_slice(value).map_err(Failure::io)?;
                self.count(&record, &step);
                seen.push(Seen { partition, record, step });
            }
        }
    }

    fn count(&mut self, record: &LedgerRecord, step: &Step) {
        self.records += 1;
        *self.fates.entry(step.fate).or_default() += 1;
        match record.body {
            Body::Admitted(_) => self.admitted += 1,
            Body::Answer(_) => self.answered += 1,
            Body::Control(_) | Body::Continue(_) | Body::Part(_) | Body::Checkpoint(_) => {}
        }
        for publication in &step.publish {
            let bag = self.published.entry(publication.topic).or_default();
            *bag.entry(Digest::of(&publication.value)).or_default() += 1;
        }
    }
}
