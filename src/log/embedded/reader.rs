//! Reads chosen partitions outside of any group.

use std::time::Duration;

use crate::log::{LogError, Partition, Reader, Record};

use super::inlet::later;
use super::{Embedded, Store, in_range};

/// Where each chosen partition is read next; the one that was served last comes last.
pub struct EmbeddedReader<S: Store> {
    log: Embedded<S>,
    places: Vec<(Partition, u64)>,
}

impl<S: Store> EmbeddedReader<S> {
    pub(super) fn open(log: Embedded<S>, start: &[(Partition, u64)]) -> Result<Self, LogError> {
        for (partition, offset) in start {
            in_range(*partition, *offset, log.store().range(*partition)?)?;
        }
        Ok(EmbeddedReader { log, places: start.to_vec() })
    }

    fn pass(&mut self, limit: usize) -> Result<Vec<Record>, LogError> {
        let mut records = Vec::new();
        let mut served = 0;
        for (partition, next) in &mut self.places {
            let left = limit.saturating_sub(records.len());
            if left == 0 {
                break;
            }
            let chunk = self.log.store().read(*partition, *next, left, usize::MAX)?;
            *next = chunk.next;
            records.extend(chunk.records);
            served += 1;
        }
        let turn = served.min(self.places.len());
        self.places.rotate_left(turn);
        Ok(records)
    }
}

impl<S: Store> Reader for EmbeddedReader<S> {
    fn read(&mut self, records: usize, wait: Duration) -> Result<Vec<Record>, LogError> {
        let deadline = later(wait);
        loop {
            let seen = self.log.version();
            let found = self.pass(records)?;
            if !found.is_empty() || !self.log.wait(seen, deadline) {
                return Ok(found);
            }
        }
    }

    fn at_end(&mut self) -> Result<bool, LogError> {
        for (partition, next) in &self.places {
            if !self.log.store().read(*partition, *next, 1, 1)?.records.is_empty() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
