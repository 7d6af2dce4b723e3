//! Which tenants with topics of their own wait, and why. Decides only: the worker pauses and resumes.
//!
//! A tenant waits while it is over its rate, and while its ledger partition lies too far behind. Only its own topics wait:
//! who uses shared topics shares their delay, and is never stopped alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::admission::TrustTable;
use crate::admission::rate::{Rate, Share};
use crate::event::{Millis, Owner, Quota, partition_of};
use crate::log::{Partition, Record};

use super::Backlog;

/// Why a tenant's topics wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    Rate,
    FoldLag,
}

impl Why {
    pub const ALL: [Why; 2] = [Why::Rate, Why::FoldLag];

    pub const fn as_str(self) -> &'static str {
        match self {
            Why::Rate => "rate",
            Why::FoldLag => "fold-lag",
        }
    }
}

/// A tenant's partitions are to wait from now on, or not any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    pub owner: Owner,
    pub partitions: Vec<Partition>,
    pub before: Option<Why>,
    pub now: Option<Why>,
}

struct Account {
    quota: Quota,
    share: Share,
    rate: Rate,
    partitions: Vec<Partition>,
    /// The partition of the tenant's ledger.
    ledger: u32,
    waits: Option<Why>,
}

/// The accounts of the tenants whose own topics this worker reads.
#[derive(Default)]
pub struct Throttle {
    backlog: Arc<Backlog>,
    accounts: BTreeMap<Owner, Account>,
}

impl Throttle {
    pub fn new(backlog: Arc<Backlog>) -> Self {
        Throttle { backlog, accounts: BTreeMap::new() }
    }

    /// Takes an assignment, with how many partitions each tenant's own inputs have in all. Nothing waits at first, as in
    /// the log; who owed goes on owing.
    pub fn assigned(&mut self, owned: &[Partition], counts: &BTreeMap<Owner, u32>, ledgers: u32, now: Millis) {
        let mut former = std::mem::take(&mut self.accounts);
        let mut own: BTreeMap<Owner, Vec<Partition>> = BTreeMap::new();
        for partition in owned {
            if let Some(owner) = partition.owner {
                own.entry(owner).or_default().push(*partition);
            }
        }
        for (owner, partitions) in own {
            let count = u32::try_from(partitions.len()).unwrap_or(u32::MAX);
            let share = Share { owned: count, of: counts.get(&owner).copied().unwrap_or(count).max(count) };
            let known = former.remove(&owner).filter(|known| known.share == share);
            let (quota, rate) = match known {
                Some(known) => (known.quota, known.rate),
                None => (Quota::default(), Rate::new(&Quota::default(), share, now)),
            };
            let ledger = partition_of(owner.as_str().as_bytes(), ledgers);
            self.accounts.insert(owner, Account { quota, share, rate, partitions, ledger, waits: None });
        }
    }

    pub fn revoked(&mut self) {
        for account in self.accounts.values_mut() {
            account.partitions.clear();
            account.waits = None;
        }
    }

    /// Counts a batch that was committed.
    pub fn spend(&mut self, records: &[Record], now: Millis) {
        let mut sums: BTreeMap<Owner, (u64, u64)> = BTreeMap::new();
        for record in records {
            if let Some(owner) = record.partition.owner {
                let sum = sums.entry(owner).or_default();
                *sum = (sum.0 + 1, sum.1 + u64::try_from(record.size()).unwrap_or(u64::MAX));
            }
        }
        for (owner, (records, bytes)) in sums {
            if let Some(account) = self.accounts.get_mut(&owner) {
                account.rate.spend(now, records, bytes);
            }
        }
    }

    /// What changes now, under the quotas in force.
    pub fn turns(&mut self, table: &TrustTable, now: Millis) -> Vec<Turn> {
        let mut turns = Vec::new();
        for (owner, account) in &mut self.accounts {
            let quota = table.document(&owner.tenant()).map(|trust| trust.quota).unwrap_or_default();
            if quota != account.quota {
                account.quota = quota;
                account.rate = Rate::new(&quota, account.share, now);
            }
            let waits = if account.rate.wait(now).is_some() {
                Some(Why::Rate)
            } else {
                (self.backlog.of(account.ledger) > quota.fold_lag_max()).then_some(Why::FoldLag)
            };
            if waits != account.waits && !account.partitions.is_empty() {
                let partitions = account.partitions.clone();
                turns.push(Turn { owner: *owner, partitions, before: account.waits, now: waits });
                account.waits = waits;
            }
        }
        turns
    }
}
