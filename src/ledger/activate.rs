//! Control records in the fold: genesis, trust that comes into force, and time.

use std::collections::BTreeMap;

use crate::event::digest::hex;
use crate::event::{Digest, Millis, Tenant, partition_of};
use crate::verdict::result::{Pair, RestsOn};
use crate::verdict::tenant::TenantTrust;

use super::control::{ControlRecord, FOLD_VERSION, Genesis, LEDGER_FORMAT};
use super::fold::{FoldError, Folding};
use super::keys;
use super::output::TimelineEntry;
use super::record::ControlCopy;
use super::rows::{PartitionRow, Task, TenantRow, Touched};

impl Folding<'_> {
    pub(super) fn control(&mut self, copy: &ControlCopy) -> Result<(), FoldError> {
        if copy.seq < self.partition.control {
            return Ok(());
        }
        self.partition.control = copy.seq + 1;
        match &copy.record {
            ControlRecord::Genesis(genesis) => self.genesis(genesis),
            ControlRecord::Tenant(trust) => self.activate_tenant(trust),
            ControlRecord::Root(root) => {
                self.partition.root = Some(root.digest);
                let tasks = self.activate_all(|touched, number| touched.root = number, &RestsOn::Root)?;
                self.sweep("trust-root", tasks)
            }
            ControlRecord::Epoch { epoch } => {
                self.partition.epoch = *epoch;
                let mut tasks = self.activate_all(|touched, number| touched.rules = number, &RestsOn::Rules)?;
                // What waits for the epoch under a trust that is in force no more is reached by no pair.
                tasks.extend(self.partition.tenants.iter().map(|tenant| rejudge(tenant, &keys::all_pending(tenant))));
                self.sweep("epoch", tasks)
            }
            ControlRecord::Tick { at } => self.tick(*at),
            ControlRecord::Consistency(proof) => self.consistency(proof),
        }
    }

    fn genesis(&mut self, genesis: &Genesis) -> Result<(), FoldError> {
        if genesis.format != LEDGER_FORMAT || genesis.fold_version != FOLD_VERSION {
            return Err(FoldError::Version);
        }
        self.partition = PartitionRow {
            ledger: genesis.ledger.clone(),
            partitions: genesis.partitions,
            verifier: genesis.verifier.clone(),
            clock: genesis.at,
            epoch: genesis.epoch,
            root: genesis.root.as_ref().map(|root| root.digest),
            control: 1,
            next_sweep: 0,
            tenants: Vec::new(),
        };
        for trust in &genesis.tenants {
            self.activate_tenant(trust)?;
        }
        Ok(())
    }

    /// Whether this partition is the tenant's ledger: others know nothing of the tenant.
    fn owns(&self, tenant: &Tenant) -> bool {
        partition_of(tenant.as_str().as_bytes(), self.partition.partitions) == self.number
    }

    fn tick(&mut self, at: Millis) -> Result<(), FoldError> {
        if at <= self.partition.clock {
            return Ok(());
        }
        self.partition.clock = at;
        self.sweep("tick", vec![Task::Due { until: at, after: None }])
    }

    fn activate_tenant(&mut self, trust: &TenantTrust) -> Result<(), FoldError> {
        if !self.owns(&trust.tenant) {
            return Ok(());
        }
        let tenant = &trust.tenant;
        let pair = Pair { trust: trust.digest(self.partition.root), epoch: self.partition.epoch };
        let old = self.tenant_row(tenant)?;
        let trust = &old.as_ref().map_or_else(|| trust.clone(), |old| trust.succeeding(&old.trust));
        if old.as_ref().is_some_and(|old| old.trust == *trust && old.pair == pair) {
            return Ok(());
        }
        if old.is_none() {
            self.learn_outputs(tenant, trust.topics.outputs())?;
            self.partition.tenants.push(tenant.clone());
            self.partition.tenants.sort_unstable();
        }
        let (row, changed) = next_row(old.as_deref(), trust, pair);
        let tasks = self.put_activation(row, changed)?;
        self.sweep("trust", tasks)
    }

    /// A change that concerns all tenants: one activation of each. Says what must be judged again.
    fn activate_all(&mut self, touch: fn(&mut Touched, u64), on: &RestsOn) -> Result<Vec<Task>, FoldError> {
        let mut tasks = Vec::new();
        for tenant in self.partition.tenants.clone() {
            let Some(row) = self.tenant_row(&tenant)? else { continue };
            let mut row = TenantRow::clone(&row);
            row.activation += 1;
            row.pair = Pair { trust: row.trust.digest(self.partition.root), epoch: self.partition.epoch };
            touch(&mut row.touched, row.activation);
            tasks.extend(self.put_activation(row, vec![*on])?);
        }
        Ok(tasks)
    }

    /// Stores an activation and says what must be judged again.
    fn put_activation(&mut self, mut row: TenantRow, changed: Vec<RestsOn>) -> Result<Vec<Task>, FoldError> {
        let tenant = row.trust.tenant.clone();
        let pair = row.pair;
        self.rows.enter(keys::pair(&tenant, &pair), row.activation.to_be_bytes().to_vec());
        let entry = TimelineEntry {
            tenant: tenant.clone(),
            subject: "trust".to_owned(),
            entry: "trust-activated".to_owned(),
            at: self.partition.clock,
            from: None,
            to: Some(pair.trust.to_string()),
            reasons: Vec::new(),
            notes: Vec::new(),
            previous: row.timeline,
            position: self.position(),
        };
        row.timeline = Some(self.enter(&entry)?);
        self.rows.put(&keys::tenant(&tenant), row)?;
        self.in_force.remove(&tenant);
        let prefixes = changed.iter().map(|on| keys::rests_on(&tenant, on)).chain([keys::pending(&tenant, &pair)]);
        Ok(prefixes.map(|prefix| rejudge(&tenant, &prefix)).collect())
    }
}

/// Every attestation that is listed under `prefix` is to be judged again.
fn rejudge(tenant: &Tenant, prefix: &[u8]) -> Task {
    Task::Attestations { tenant: tenant.clone(), prefix: hex(prefix), after: None }
}

/// The tenant's next row, and what its results may rest on that this activation can change.
fn next_row(old: Option<&TenantRow>, trust: &TenantTrust, pair: Pair) -> (TenantRow, Vec<RestsOn>) {
    let configured = definitions(trust);
    let Some(old) = old else {
        let row = TenantRow {
            trust: trust.clone(),
            pair,
            activation: 0,
            touched: Touched::default(),
            definitions: configured,
            timeline: None,
        };
        return (row, Vec::new());
    };
    let mut row = TenantRow { trust: trust.clone(), pair, activation: old.activation + 1, ..old.clone() };
    let number = row.activation;
    let before = definitions(&old.trust);
    let mut changed = Vec::new();
    for (key, definition) in &configured {
        let known = row.definitions.insert(*key, *definition);
        if known.is_some_and(|known| known != *definition) {
            row.touched.keys.insert(*key, number);
        }
        if !before.contains_key(key) {
            row.touched.added.insert(*key, number);
            changed.extend([RestsOn::Unresolved(Some(*key)), RestsOn::Unresolved(None)]);
        }
        let revoked = |trust: &TenantTrust| trust.revoked_at(*key);
        if before.get(key) != Some(definition) || revoked(&old.trust) != revoked(trust) {
            changed.push(RestsOn::Key(*key));
        }
    }
    changed.extend(before.keys().filter(|key| !configured.contains_key(key)).map(|key| RestsOn::Key(*key)));
    if old.trust.identities != trust.identities {
        row.touched.identities = number;
        changed.push(RestsOn::Identities);
    }
    if old.trust.rules_digest() != trust.rules_digest() {
        row.touched.rules = number;
        changed = vec![RestsOn::Rules];
    }
    changed.sort_unstable();
    changed.dedup();
    (row, changed)
}

fn definitions(trust: &TenantTrust) -> BTreeMap<Digest, Digest> {
    trust.keys.iter().filter_map(|key| Some((key.fingerprint()?, key.definition()))).collect()
}
