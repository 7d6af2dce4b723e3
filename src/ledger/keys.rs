//! The keyspace: every kind of row on one screen. The first byte is the kind; it is persisted, so a number is never
//! reused. A tenant's name ends with a zero byte (names never contain one), so every prefix below is exact.
//!
//! | byte | row | key after the byte | value | when present |
//! |---|---|---|---|---|
//! | 01 | partition | – | `PartitionRow` | from genesis on |
//! | 02 | tenant | tenant | `TenantRow` | for tenants whose ledger this partition is |
//! | 03 | pair | tenant, trust digest, epoch | index of the activation | one per pair ever in force |
//! | 04 | attestation | tenant, id | `AttestationRow` | from its admission on |
//! | 05 | event | tenant, event id | `EventRow` | from its admission on |
//! | 06 | about | tenant, role, digest | `AboutRow`: heads of ranked lists | while anything is about the digest |
//! | 07 | about, spilled | tenant, role, digest, list, rank | – | where a list outgrew its head |
//! | 08 | rests on | tenant, category, id | – | one per thing that an attestation's result rests on |
//! | 09 | pending | tenant, pair, id | – | while a result waits for its pair's activation |
//! | 0a | source | tenant, SHA-256 of sourceId | event id | the last event of a producer's own id |
//! | 0b | due | time, tenant, id | – | while a result's `notBefore` lies ahead of the clock |
//! | 0c | sweep | number | `SweepRow` | while work over many rows is under way |
//! | 0d | facts | tenant, event id, index | facts | parts of normalised facts |
//! | 0e | tree | SHA-256 of log id and origin | `TreeRow` | per log whose checkpoints were seen; system tenant's partition |
//! | 0f | tree at a size | the same, size | checkpoints of that size, one per root | one per size that was seen |
//! | 10 | outputs | tenant | topics | for tenants with outputs of their own, from the first that says so on |

use crate::event::{Digest, Millis, Tenant};
use crate::verdict::result::{Pair, RestsOn};

/// A row's key.
pub type Key = Vec<u8>;

/// Under which aspect something is about a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The digest is a subject's.
    Subject = 1,
    /// The digest is a document's.
    Document = 2,
}

fn start(kind: u8, tenant: &Tenant) -> Key {
    let mut key = Vec::with_capacity(2 + tenant.as_str().len() + 64);
    key.push(kind);
    key.extend_from_slice(tenant.as_str().as_bytes());
    key.push(0);
    key
}

fn with(mut key: Key, parts: &[&[u8]]) -> Key {
    for part in parts {
        key.extend_from_slice(part);
    }
    key
}

pub fn partition() -> Key {
    vec![0x01]
}

pub fn tenant(tenant: &Tenant) -> Key {
    start(0x02, tenant)
}

pub fn pair(tenant: &Tenant, pair: &Pair) -> Key {
    with(start(0x03, tenant), &[pair.trust.as_bytes(), &pair.epoch.to_be_bytes()])
}

/// Prefix of the pairs of one trust, by epoch.
pub fn pairs(tenant: &Tenant, trust: Digest) -> Key {
    with(start(0x03, tenant), &[trust.as_bytes()])
}

pub fn attestation(tenant: &Tenant, id: Digest) -> Key {
    with(start(0x04, tenant), &[id.as_bytes()])
}

pub fn event(tenant: &Tenant, id: &str) -> Key {
    with(start(0x05, tenant), &[id.as_bytes()])
}

pub fn about(tenant: &Tenant, role: Role, digest: Digest) -> Key {
    with(start(0x06, tenant), &[&[role as u8], digest.as_bytes()])
}

/// Prefix of the spilled entries of one list of an about row.
pub fn about_spilled(tenant: &Tenant, role: Role, digest: Digest, list: u8) -> Key {
    with(start(0x07, tenant), &[&[role as u8], digest.as_bytes(), &[list]])
}

/// Prefix of the attestations that rest on something.
pub fn rests_on(tenant: &Tenant, on: &RestsOn) -> Key {
    let zero = [0u8; 32];
    let (category, id): (u8, &[u8]) = match on {
        RestsOn::Key(fingerprint) => (1, fingerprint.as_bytes()),
        RestsOn::Identities => (2, &[]),
        RestsOn::Root => (3, &[]),
        RestsOn::Unresolved(hint) => (4, hint.as_ref().map_or(zero.as_slice(), |hint| hint.as_bytes())),
        RestsOn::Rules => (5, &[]),
    };
    with(start(0x08, tenant), &[&[category], id])
}

pub fn pending(tenant: &Tenant, pair: &Pair) -> Key {
    with(start(0x09, tenant), &[pair.trust.as_bytes(), &pair.epoch.to_be_bytes()])
}

/// Prefix of all that waits, whatever for.
pub fn all_pending(tenant: &Tenant) -> Key {
    start(0x09, tenant)
}

pub fn source(tenant: &Tenant, source_id: &str) -> Key {
    with(start(0x0a, tenant), &[Digest::of(source_id.as_bytes()).as_bytes()])
}

/// Prefix of everything that is due, in time order.
pub fn due() -> Key {
    vec![0x0b]
}

/// One row of what is due at `at`.
pub fn due_at(at: Millis, tenant: &Tenant, id: Digest) -> Key {
    let mut key = due();
    key.extend_from_slice(&at.0.max(0).to_be_bytes());
    key.extend_from_slice(tenant.as_str().as_bytes());
    key.push(0);
    key.extend_from_slice(id.as_bytes());
    key
}

/// The time, tenant and attestation of a due row's key.
pub fn read_due(key: &[u8]) -> Option<(Millis, Tenant, Digest)> {
    let rest = key.strip_prefix(&[0x0b])?;
    let (at, rest) = rest.split_first_chunk::<8>()?;
    let (rest, id) = rest.split_last_chunk::<32>()?;
    let name = std::str::from_utf8(rest.strip_suffix(&[0])?).ok()?;
    Some((Millis(i64::from_be_bytes(*at)), Tenant::new(name).ok()?, Digest::from_bytes(*id)))
}

pub fn sweep(number: u64) -> Key {
    let mut key = vec![0x0c];
    key.extend_from_slice(&number.to_be_bytes());
    key
}

pub fn facts(tenant: &Tenant, event: &str, index: u32) -> Key {
    with(start(0x0d, tenant), &[event.as_bytes(), &[0], &index.to_be_bytes()])
}

fn of_tree(kind: u8, log: Digest, origin: &str) -> Key {
    let mut key = vec![kind];
    key.extend_from_slice(Digest::of_parts(&[log.as_bytes(), origin.as_bytes()]).as_bytes());
    key
}

pub fn tree(log: Digest, origin: &str) -> Key {
    of_tree(0x0e, log, origin)
}

pub fn tree_at(log: Digest, origin: &str, size: u64) -> Key {
    with(of_tree(0x0f, log, origin), &[&size.to_be_bytes()])
}

/// The outputs that a tenant has of its own.
pub fn outputs(tenant: &Tenant) -> Key {
    start(0x10, tenant)
}

/// The digest that ends a key of kinds 08 and 09.
pub fn last_digest(key: &[u8]) -> Option<Digest> {
    key.split_last_chunk::<32>().map(|(_, id)| Digest::from_bytes(*id))
}
