//! Objects in memory whose store is sometimes away.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use attestream::admission::ports::{ObjectError, Objects};
use attestream::cas::MemoryObjects;
use attestream::event::{Digest, Tenant};

#[derive(Clone, Default)]
pub struct SimObjects(Arc<Kept>);

#[derive(Default)]
struct Kept {
    objects: MemoryObjects,
    away: AtomicBool,
}

impl SimObjects {
    pub fn port(&self) -> Arc<dyn Objects> {
        Arc::clone(&self.0) as Arc<dyn Objects>
    }

    pub fn go_away(&self, away: bool) {
        self.0.away.store(away, Ordering::Relaxed);
    }
}

impl Kept {
    fn reach(&self) -> Result<(), ObjectError> {
        if self.away.load(Ordering::Relaxed) {
            return Err(ObjectError::Storage(std::io::Error::other("away")));
        }
        Ok(())
    }
}

impl Objects for Kept {
    fn put(&self, tenant: &Tenant, bytes: &[u8]) -> Result<Digest, ObjectError> {
        self.reach()?;
        self.objects.put(tenant, bytes)
    }

    fn get(&self, tenant: &Tenant, digest: Digest) -> Result<Option<Vec<u8>>, ObjectError> {
        self.reach()?;
        self.objects.get(tenant, digest)
    }
}
