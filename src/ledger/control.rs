//! Control records: everything that would make the fold impure, ordered once on `attestream.control`.

use serde::{Deserialize, Serialize};

use crate::event::{Digest, Millis, Tenant};
use crate::verdict::ConsistencyProof;
use crate::verdict::tenant::TenantTrust;

/// Version of the fold. A binary refuses a ledger in force under a version that it does not implement.
pub const FOLD_VERSION: u32 = 1;

/// Format of ledgers that this binary writes and reads.
pub const LEDGER_FORMAT: u32 = 1;

/// The tenant under which records that concern all tenants stand. No producer can use it.
pub const SYSTEM_TENANT: &str = "0.system";

/// The system tenant.
pub fn system_tenant() -> Tenant {
    // The name is a constant that satisfies `Tenant::new`; a test holds it.
    Tenant::new(SYSTEM_TENANT).unwrap_or_else(|_| unreachable!("the system tenant's name is valid"))
}

/// One record of `attestream.control`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ControlRecord {
    /// The first record of control and of every ledger partition.
    Genesis(Box<Genesis>),
    /// A tenant's registry entry comes into force.
    Tenant(Box<TenantTrust>),
    /// A trust root comes into force for all tenants.
    Root(TrustRootBytes),
    /// A verifier epoch comes into force.
    Epoch { epoch: u32 },
    /// Every partition's clock moves.
    Tick { at: Millis },
    /// A proof that one checkpoint of a log continues another, from whoever mirrors the log.
    Consistency(Box<ConsistencyProof>),
}

/// A ledger's birth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Genesis {
    /// The ledger's id (ULID).
    pub ledger: String,
    pub partitions: u32,
    pub format: u32,
    pub fold_version: u32,
    pub epoch: u32,
    /// The service name that is written as `trust.verifier`.
    pub verifier: String,
    pub at: Millis,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<TrustRootBytes>,
    pub tenants: Vec<TenantTrust>,
}

/// A trust root's bytes; known by their SHA-256.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TrustRootBytes {
    pub digest: Digest,
    /// The file's text, as it is.
    pub json: String,
}

impl TrustRootBytes {
    pub fn new(json: String) -> Self {
        TrustRootBytes { digest: Digest::of(json.as_bytes()), json }
    }
}

impl ControlRecord {
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// A position of a ledger partition, on the compacted topic `attestream.positions`: it stands in when the group's
/// committed offset is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Position {
    pub ledger: String,
    pub partition: u32,
    /// Records folded.
    pub seq: u64,
    /// Offset of the next record to fold, on the transport that this topic lies on.
    pub next_offset: u64,
}
