//! Committed records in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::event::{Millis, Topic, TopicName};
use crate::log::embedded::{Batch, Chunk, Effect, Store, Verb, in_range};
use crate::log::{LogError, Outgoing, Partition, Range, Record};

use super::FaultPlan;

/// Records, offsets and the plan of failures, behind one lock.
pub struct MemoryStore {
    counts: BTreeMap<Topic, u32>,
    shelf: Mutex<Shelf>,
}

struct Shelf {
    lanes: BTreeMap<Partition, Lane>,
    offsets: BTreeMap<(String, Partition), u64>,
    /// Whether the end of a transaction takes an offset in every partition that it touched, as in Kafka.
    markers: bool,
    /// Whether a reader waits for news.
    waits: bool,
    plan: Option<FaultPlan>,
    down: Option<Down>,
}

/// Tells which partitions cannot be reached.
pub type Down = Box<dyn Fn(Partition) -> bool + Send + Sync>;

#[derive(Default)]
struct Lane {
    records: BTreeMap<u64, Record>,
    first: u64,
    end: u64,
}

impl MemoryStore {
    pub(super) fn new(counts: &[(Topic, u32)]) -> Self {
        let (lanes, offsets) = (BTreeMap::new(), BTreeMap::new());
        let shelf = Shelf { lanes, offsets, markers: true, waits: true, plan: None, down: None };
        MemoryStore { counts: counts.iter().copied().collect(), shelf: Mutex::new(shelf) }
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check(&self, partition: Partition) -> Result<(), LogError> {
        let count = self.partitions(partition.name())?;
        if partition.number < count {
            return self.shelf().reach(partition);
        }
        let problem = format!("partition {} of {count}", partition.number);
        Err(LogError::Topic { topic: partition.name().to_string(), problem })
    }

    pub(super) fn set_markers(&self, markers: bool) {
        self.shelf().markers = markers;
    }

    pub(super) fn set_waits(&self, waits: bool) {
        self.shelf().waits = waits;
    }

    pub(super) fn set_down(&self, down: Option<Down>) {
        self.shelf().down = down;
    }

    pub(super) fn set_plan(&self, plan: Option<FaultPlan>) -> Option<FaultPlan> {
        std::mem::replace(&mut self.shelf().plan, plan)
    }

    /// Appends past any transaction, as a plain producer does; returns the offset.
    pub(super) fn push(&self, partition: Partition, timestamp: Millis, record: Outgoing) -> Result<u64, LogError> {
        self.check(partition)?;
        let mut shelf = self.shelf();
        let lane = shelf.lanes.entry(partition).or_default();
        Ok(lane.push(partition, timestamp, record))
    }

    /// Drops what lies before `first`, as retention does.
    pub(super) fn truncate(&self, partition: Partition, first: u64) {
        let mut shelf = self.shelf();
        let lane = shelf.lanes.entry(partition).or_default();
        lane.first = first.clamp(lane.first, lane.end);
        lane.records = lane.records.split_off(&lane.first);
    }

    pub(super) fn forget(&self, group: &str, partition: Partition) {
        self.shelf().offsets.remove(&(group.to_owned(), partition));
    }
}

impl Lane {
    fn push(&mut self, partition: Partition, timestamp: Millis, record: Outgoing) -> u64 {
        let offset = self.end;
        let Outgoing { key, value, headers, .. } = record;
        self.records.insert(offset, Record { partition, offset, timestamp, key, value, headers });
        self.end += 1;
        offset
    }
}

impl Shelf {
    fn reach(&self, partition: Partition) -> Result<(), LogError> {
        match &self.down {
            Some(down) if down(partition) => Err(LogError::Unreachable(partition.to_string())),
            _ => Ok(()),
        }
    }

    fn mark(&mut self, touched: BTreeSet<Partition>) {
        if self.markers {
            for partition in touched {
                self.lanes.entry(partition).or_default().end += 1;
            }
        }
    }
}

impl Store for MemoryStore {
    /// A topic that was not listed has one partition.
    fn partitions(&self, name: TopicName) -> Result<u32, LogError> {
        Ok(self.counts.get(&name.topic).copied().unwrap_or(1))
    }

    fn range(&self, partition: Partition) -> Result<Range, LogError> {
        self.check(partition)?;
        let shelf = self.shelf();
        let lane = shelf.lanes.get(&partition);
        Ok(lane.map_or(Range { first: 0, end: 0 }, |lane| Range { first: lane.first, end: lane.end }))
    }

    fn read(&self, partition: Partition, from: u64, records: usize, bytes: usize) -> Result<Chunk, LogError> {
        self.check(partition)?;
        let mut shelf = self.shelf();
        let lane = shelf.lanes.entry(partition).or_default();
        in_range(partition, from, Range { first: lane.first, end: lane.end })?;
        let mut chunk = Chunk { records: Vec::new(), next: lane.end };
        let mut size = 0;
        for (offset, record) in lane.records.range(from..) {
            if chunk.records.len() >= records || size >= bytes {
                chunk.next = *offset;
                break;
            }
            size += record.size();
            chunk.records.push(record.clone());
        }
        Ok(chunk)
    }

    fn committed(&self, group: &str, partition: Partition) -> Result<Option<u64>, LogError> {
        self.check(partition)?;
        Ok(self.shelf().offsets.get(&(group.to_owned(), partition)).copied())
    }

    fn commit(&self, batch: Batch) -> Result<(), LogError> {
        let mut shelf = self.shelf();
        let records = batch.records.iter().map(|(partition, ..)| partition);
        let offsets = batch.offsets.iter().map(|(_, partition, _)| partition);
        records.chain(offsets).try_for_each(|partition| shelf.reach(*partition))?;
        let mut touched = BTreeSet::new();
        for (partition, timestamp, record) in batch.records {
            touched.insert(partition);
            shelf.lanes.entry(partition).or_default().push(partition, timestamp, record);
        }
        shelf.mark(touched);
        shelf.offsets.extend(batch.offsets.into_iter().map(|(group, partition, next)| ((group, partition), next)));
        Ok(())
    }

    /// Aborted records took offsets already, and the abort marker takes one more.
    fn abandon(&self, batch: Batch) {
        let mut shelf = self.shelf();
        if shelf.markers {
            let mut touched = BTreeSet::new();
            for (partition, ..) in batch.records {
                touched.insert(partition);
                shelf.lanes.entry(partition).or_default().end += 1;
            }
            shelf.mark(touched);
        }
    }

    fn waits(&self) -> bool {
        self.shelf().waits
    }

    fn fault(&self, verb: Verb) -> Option<Effect> {
        self.shelf().plan.as_mut()?.call(verb)
    }
}
