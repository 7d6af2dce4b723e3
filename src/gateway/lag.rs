//! How far each role lies behind the last stable offset: looked at now and then, on a thread of its own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::Registry;
use crate::event::{Millis, Topic, TopicName};
use crate::log::{Log, LogError, Partition, Reader as _};
use crate::telemetry::{Happening, Health, Observer, Role};

/// What is looked at, and who is told.
pub struct LagWatch<L: Log> {
    log: L,
    registry: Registry,
    /// Each role that is looked at, and its group.
    groups: Vec<(Role, String)>,
    observer: Arc<dyn Observer>,
    health: Arc<Health>,
    /// What the last look found: the same range and offset need no second reading.
    known: BTreeMap<(Role, Partition), Known>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Known {
    committed: u64,
    end: u64,
    /// Time stamp of the first record that is not processed; `None` where only markers follow.
    oldest: Option<Millis>,
}

impl<L: Log> LagWatch<L> {
    pub fn new(
        log: L,
        registry: Registry,
        groups: Vec<(Role, String)>,
        observer: Arc<dyn Observer>,
        health: Arc<Health>,
    ) -> Self {
        LagWatch { log, registry, groups, observer, health, known: BTreeMap::new() }
    }

    /// Looks once. An absent log is noted in the health, which is where it shows while nothing is to be done.
    pub fn look(&mut self, now: Millis) {
        let outcome = self.look_at_all(now);
        self.health.log(outcome.map_err(|error| error.to_string()));
    }

    fn look_at_all(&mut self, now: Millis) -> Result<(), LogError> {
        for (role, group) in self.groups.clone() {
            let own = (self.registry)()?.own_inputs();
            let topics: Vec<TopicName> = match role {
                Role::Admission => Topic::admission_inputs().map(TopicName::from).chain(own).collect(),
                Role::Ledger => vec![Topic::Ledger.into()],
            };
            for topic in topics {
                let count = match self.log.partitions(topic) {
                    // A tenant's own that is not there yet has no lag.
                    Err(LogError::Topic { .. }) if topic.owner.is_some() => 0,
                    count => count?,
                };
                for number in 0..count {
                    self.look_at(role, &group, Partition::of(topic, number), now)?;
                }
            }
        }
        Ok(())
    }

    fn look_at(&mut self, role: Role, group: &str, partition: Partition, now: Millis) -> Result<(), LogError> {
        let range = self.log.range(partition)?;
        let committed = self.log.committed(group, partition)?.unwrap_or(range.first).max(range.first);
        let known = self.known.get(&(role, partition)).copied();
        let known = known.filter(|known| known.committed == committed && known.end == range.end);
        let found = match known {
            Some(known) => known,
            None => {
                let oldest = if committed < range.end { self.oldest(partition, committed)? } else { None };
                Known { committed, end: range.end, oldest }
            }
        };
        self.known.insert((role, partition), found);
        let records = if found.oldest.is_some() { range.end.saturating_sub(committed) } else { 0 };
        let milliseconds = found.oldest.map_or(0, |oldest| now.0.saturating_sub(oldest.0).max(0));
        let (topic, number) = (partition.name(), partition.number);
        self.observer.happened(&Happening::Lag { role, topic, partition: number, records, milliseconds });
        Ok(())
    }

    /// The time stamp of the first record at or after an offset: offsets alone cannot tell, as markers have some too.
    fn oldest(&self, partition: Partition, from: u64) -> Result<Option<Millis>, LogError> {
        let mut reader = self.log.reader(&[(partition, from)])?;
        loop {
            let records = reader.read(1, Duration::from_millis(100))?;
            if let Some(record) = records.first() {
                return Ok(Some(record.timestamp));
            }
            if reader.at_end()? {
                return Ok(None);
            }
        }
    }
}
