//! The port for admission's effects on bytes: what is too large for a record.

use crate::event::{Digest, Tenant};

/// Why bytes could not be kept or read. `Damaged` is never answered with other bytes: the object is there and says
/// something else than its name.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    #[error("object {digest} of {tenant} is damaged")]
    Damaged { tenant: Tenant, digest: Digest },
    #[error("the object store failed: {0}")]
    Storage(#[from] std::io::Error),
}

/// Immutable bytes by tenant and digest. Shared by threads; every call may be repeated.
///
/// - **Durable**: when `put` returns, the bytes survive a loss of power, so a record may name them.
/// - **Idempotent**: putting what is there makes it young again for the collection and repairs it if it is damaged.
/// - **Verified**: `get` returns the bytes with that digest, or nothing, or an error.
pub trait Objects: Send + Sync {
    fn put(&self, tenant: &Tenant, bytes: &[u8]) -> Result<Digest, ObjectError>;

    fn get(&self, tenant: &Tenant, digest: Digest) -> Result<Option<Vec<u8>>, ObjectError>;
}

/// The reference that names an object in a record.
pub fn reference(tenant: &Tenant, digest: Digest) -> String {
    format!("cas://objects/{tenant}/sha256/{}", digest.hex())
}
