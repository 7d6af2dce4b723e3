//! What admission knows of trust: every trust that control has activated, compiled once and kept by digest, so that an
//! ask under an older pair is answered under exactly that pair.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::event::topic::TopicRole;
use crate::event::{Digest, Tenant, TopicName};
use crate::ledger::control::{ControlRecord, Genesis, TrustRootBytes};
use crate::verdict::{CompiledTrust, TenantTrust, TrustRoot};

/// The fold of `attestream.control` that admission keeps.
#[derive(Default)]
pub struct TrustTable {
    genesis: Option<Genesis>,
    documents: BTreeMap<Tenant, TenantTrust>,
    current: BTreeMap<Tenant, Arc<CompiledTrust>>,
    by_digest: BTreeMap<Digest, Arc<CompiledTrust>>,
    root: Option<Arc<TrustRoot>>,
    root_bytes: Option<TrustRootBytes>,
    epoch: u32,
    read: u64,
    /// What could not be compiled, for an operator: such a tenant's evidence is never counted.
    pub problems: Vec<String>,
}

impl TrustTable {
    /// Takes the next control record.
    pub fn apply(&mut self, record: &ControlRecord) {
        self.read += 1;
        match record {
            ControlRecord::Genesis(genesis) => {
                self.epoch = genesis.epoch;
                self.set_root(genesis.root.as_ref());
                for trust in &genesis.tenants {
                    self.set_tenant(trust.clone());
                }
                self.genesis = Some((**genesis).clone());
            }
            ControlRecord::Tenant(trust) => self.set_tenant((**trust).clone()),
            ControlRecord::Root(root) => {
                self.set_root(Some(root));
                for trust in self.documents.values().cloned().collect::<Vec<_>>() {
                    self.set_tenant(trust);
                }
            }
            ControlRecord::Epoch { epoch } => self.epoch = *epoch,
            ControlRecord::Tick { .. } | ControlRecord::Consistency(_) => {}
        }
    }

    /// Control records read so far: the control position that a ledger record names.
    pub const fn position(&self) -> u64 {
        self.read
    }

    pub const fn genesis(&self) -> Option<&Genesis> {
        self.genesis.as_ref()
    }

    /// The trust in force for a tenant; `None` for a tenant that is not registered.
    pub fn current(&self, tenant: &Tenant) -> Option<&Arc<CompiledTrust>> {
        self.current.get(tenant)
    }

    pub fn document(&self, tenant: &Tenant) -> Option<&TenantTrust> {
        self.documents.get(tenant)
    }

    pub fn tenants(&self) -> impl Iterator<Item = &Tenant> {
        self.documents.keys()
    }

    /// The inputs that tenants have of their own.
    pub fn own_inputs(&self) -> impl Iterator<Item = TopicName> {
        self.own_topics().filter(|name| name.topic.role() == TopicRole::Input)
    }

    /// All topics that tenants have of their own.
    pub fn own_topics(&self) -> impl Iterator<Item = TopicName> {
        self.documents.iter().flat_map(|(tenant, entry)| entry.topics.names(tenant))
    }

    /// The trust root in force, as it was activated.
    pub const fn root_in_force(&self) -> Option<&TrustRootBytes> {
        self.root_bytes.as_ref()
    }

    /// The trust root in force, loaded.
    pub const fn root(&self) -> Option<&Arc<TrustRoot>> {
        self.root.as_ref()
    }

    /// A trust that is or was in force, by its digest.
    pub fn by_digest(&self, trust: Digest) -> Option<&Arc<CompiledTrust>> {
        self.by_digest.get(&trust)
    }

    fn set_root(&mut self, root: Option<&TrustRootBytes>) {
        self.root_bytes = root.cloned();
        self.root = root.and_then(|root| match TrustRoot::load(root.json.as_bytes(), root.digest) {
            Ok(loaded) => Some(loaded),
            Err(reason) => {
                self.problems.push(format!("trust root {}: {reason}", root.digest));
                None
            }
        });
    }

    fn set_tenant(&mut self, trust: TenantTrust) {
        let tenant = trust.tenant.clone();
        let trust = self.documents.get(&tenant).map_or_else(|| trust.clone(), |old| trust.succeeding(old));
        match CompiledTrust::compile(&trust, self.root.clone()) {
            Ok(compiled) => {
                let compiled = Arc::new(compiled);
                self.by_digest.insert(compiled.pair.trust, Arc::clone(&compiled));
                self.current.insert(tenant.clone(), compiled);
            }
            Err(error) => {
                self.problems.push(format!("trust of {tenant}: {error}"));
                self.current.remove(&tenant);
            }
        }
        self.documents.insert(tenant, trust);
    }
}
