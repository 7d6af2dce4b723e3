//! The log itself.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use crate::event::topic::TopicRole;
use crate::event::{Millis, Topic};
use crate::log::LogError;
use crate::log::embedded::Embedded;
use crate::rocks::MemoryBudget;

use super::RocksStore;

/// A log in one folder. Clones are the same log; a second process is refused with `store-locked`.
pub type LocalLog = Embedded<RocksStore>;

impl LocalLog {
    /// Opens or creates the log in `dir`. `counts` are numbers of partitions that must hold; other topics have the
    /// numbers with which they were created, [`default_count`] when they are new.
    pub fn open(dir: &Path, counts: &[(Topic, u32)], budget: &MemoryBudget) -> Result<Self, LogError> {
        let store = RocksStore::open(dir, counts, budget)?;
        Ok(Embedded::over(store, Arc::new(now)))
    }
}

/// Partitions of a topic of a new log. The ledger and what admission works on in parallel have four; outputs have one,
/// because one process reads them all and one partition is one order.
pub fn default_count(topic: Topic) -> u32 {
    match (topic, topic.role()) {
        (Topic::Control | Topic::Positions, _) => 1,
        (_, TopicRole::Input | TopicRole::Internal) => 4,
        (_, TopicRole::Output) => 1,
    }
}

fn now() -> Millis {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_millis());
    Millis(i64::try_from(since).unwrap_or(i64::MAX))
}
