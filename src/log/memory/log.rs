//! The log itself, and what only a simulation does to one.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::event::{Millis, Topic};
use crate::log::embedded::Embedded;
use crate::log::{LogError, Outgoing, Partition, partition_of};

use super::{Down, FaultPlan, MemoryStore};

/// A log in memory. Clones are the same log.
pub type MemoryLog = Embedded<MemoryStore>;

impl MemoryLog {
    /// A log with these numbers of partitions; a topic that is not listed has one, and a
    /// tenant's own as many as the shared one. The clock counts its own readings
    /// from zero, and offsets have gaps like Kafka's.
    pub fn new(counts: &[(Topic, u32)]) -> Self {
        let readings = AtomicI64::new(0);
        let clock = move || Millis(readings.fetch_add(1, Ordering::Relaxed));
        Embedded::over(MemoryStore::new(counts), Arc::new(clock))
    }

    /// The same log, from now on without the offsets that the ends of transactions take.
    pub fn with_dense_offsets(self) -> Self {
        self.store().set_markers(false);
        self
    }

    /// The same log, from now on for one thread that runs everything: a read that finds nothing returns at once.
    pub fn without_waiting(self) -> Self {
        self.store().set_waits(false);
        self
    }

    /// Makes the partitions that `down` tells unreachable, as brokers that are gone do: reading them fails, and so does a
    /// commit that touches one, with nothing done.
    pub fn take_down(&self, down: Option<Down>) {
        self.store().set_down(down);
    }

    /// Sets what goes wrong from now on; returns the former plan with its counts.
    pub fn fail(&self, plan: Option<FaultPlan>) -> Option<FaultPlan> {
        self.store().set_plan(plan)
    }

    /// Appends as a plain producer does, with its own time stamp, visible at once; returns where.
    pub fn produce(&self, record: Outgoing, timestamp: Millis) -> Result<(Partition, u64), LogError> {
        let name = record.name();
        let count = crate::log::Log::partitions(self, name)?;
        let by_key = || record.key.as_ref().map_or(0, |key| partition_of(key, count));
        let partition = Partition::of(name, record.partition.unwrap_or_else(by_key));
        let offset = self.store().push(partition, timestamp, record)?;
        self.nudge();
        Ok((partition, offset))
    }

    /// Drops what lies before `first`, as retention does.
    pub fn truncate(&self, partition: Partition, first: u64) {
        self.store().truncate(partition, first);
    }

    /// Drops a group's committed offset, as Kafka does with an idle group.
    pub fn forget(&self, group: &str, partition: Partition) {
        self.store().forget(group, partition);
    }
}
