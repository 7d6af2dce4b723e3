//! The in-memory twin of the port.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::event::{Digest, Tenant};

use crate::admission::ports::{ObjectError, Objects};

/// Objects in memory. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct MemoryObjects(Arc<Mutex<ByName>>);

type ByName = BTreeMap<(Tenant, Digest), Vec<u8>>;

impl Objects for MemoryObjects {
    fn put(&self, tenant: &Tenant, bytes: &[u8]) -> Result<Digest, ObjectError> {
        let digest = Digest::of(bytes);
        let mut objects = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        objects.insert((tenant.clone(), digest), bytes.to_vec());
        Ok(digest)
    }

    fn get(&self, tenant: &Tenant, digest: Digest) -> Result<Option<Vec<u8>>, ObjectError> {
        let objects = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(objects.get(&(tenant.clone(), digest)).cloned())
    }
}
