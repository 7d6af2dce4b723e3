//! What the tenants' registry in force says to the gateway: whose topics there are, and how much may be sent.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::admission::TrustTable;
use crate::admission::rate::{Rate, Share};
use crate::event::topic::TopicRole;
use crate::event::{Millis, OwnTopics, Quota, Tenant, Topic, TopicName};
use crate::log::LogError;

/// Reads the registry in force: other rooms know where it stands. Blocks.
pub type Registry = Arc<dyn Fn() -> Result<Arc<Entries>, LogError> + Send + Sync>;

/// One tenant's entry, as far as it concerns the gateway.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    pub topics: OwnTopics,
    pub quota: Quota,
}

/// The entries of all tenants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entries(BTreeMap<Tenant, Entry>);

impl Entries {
    pub fn of(table: &TrustTable) -> Self {
        let documents = table.tenants().filter_map(|tenant| table.document(tenant));
        let entry = |topics: &OwnTopics, quota| Entry { topics: topics.clone(), quota };
        Entries(documents.map(|trust| (trust.tenant.clone(), entry(&trust.topics, trust.quota))).collect())
    }

    pub fn get(&self, tenant: &Tenant) -> Option<&Entry> {
        self.0.get(tenant)
    }

    /// The inputs that tenants have of their own.
    pub fn own_inputs(&self) -> Vec<TopicName> {
        let names = self.0.iter().flat_map(|(tenant, entry)| entry.topics.names(tenant));
        names.filter(|name| name.topic.role() == TopicRole::Input).collect()
    }

    /// The topic of a name, where there is one: shared, or listed in a tenant's entry.
    pub fn name(&self, owner: Option<&Tenant>, topic: Topic) -> Option<TopicName> {
        let Some(owner) = owner else { return Some(topic.into()) };
        let listed = self.get(owner).is_some_and(|entry| entry.topics.contains(topic));
        listed.then(|| TopicName::own(owner, topic))
    }
}

/// How much each tenant has sent here. Only registered tenants are counted, so it stays small.
#[derive(Default)]
pub struct Rates(Mutex<BTreeMap<Tenant, (Quota, Rate)>>);

impl Rates {
    /// Counts one record, or says how long to wait before it.
    pub fn take(&self, tenant: &Tenant, quota: Quota, size: usize, now: Millis) -> Result<(), Duration> {
        if quota.records_per_second.is_none() && quota.bytes_per_second.is_none() {
            return Ok(());
        }
        let mut rates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = || (quota, Rate::new(&quota, Share::WHOLE, now));
        let (known, rate) = rates.entry(tenant.clone()).or_insert_with(fresh);
        if *known != quota {
            (*known, *rate) = fresh();
        }
        match rate.wait(now) {
            Some(wait) => Err(wait),
            None => {
                rate.spend(now, 1, u64::try_from(size).unwrap_or(u64::MAX));
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_is_counted_by_itself_and_anew_under_a_new_quota() {
        let rates = Rates::default();
        let [acme, globex] = ["acme", "globex"].map(|name| Tenant::new(name).unwrap());
        let quota = |text: &str| serde_json::from_str::<Quota>(text).unwrap();
        let one = quota(r#"{"recordsPerSecond":1}"#);
        let now = Millis(5_000);
        assert_eq!(rates.take(&acme, one, 10, now), Ok(()));
        assert_eq!(rates.take(&acme, one, 10, now), Err(Duration::from_secs(1)));
        assert_eq!(rates.take(&globex, one, 10, now), Ok(()));
        assert_eq!(rates.take(&acme, one, 10, now.plus(1_000)), Ok(()));
        assert_eq!(rates.take(&acme, quota(r#"{"bytesPerSecond":5}"#), 10, now.plus(1_000)), Ok(()));
        assert_eq!(rates.take(&acme, Quota::default(), 10, now.plus(1_000)), Ok(()));
    }
}
