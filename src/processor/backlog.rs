//! How far the fold of each ledger partition lies behind, as whoever looks at the lag has last said.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::telemetry::{Happening, Observer, Role};

/// Records behind, by ledger partition. What nobody has looked at is not behind.
#[derive(Default)]
pub struct Backlog(Mutex<BTreeMap<u32, u64>>);

impl Backlog {
    pub fn of(&self, partition: u32) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&partition).copied().unwrap_or(0)
    }
}

impl Observer for Backlog {
    fn happened(&self, happening: &Happening<'_>) {
        if let Happening::Lag { role: Role::Ledger, partition, records, .. } = happening {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(*partition, *records);
        }
    }
}
