//! The values of state rows, written as `packed` says: the same state has the same bytes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::{Digest, EventId, Kind, Millis, Subject, Tenant};
use crate::formats::facts::{Claimed, ScanInputs};
use crate::verdict::result::{AttestationFacts, AttestationResult, Link, Pair};
use crate::verdict::tenant::TenantTrust;

use super::keys::Role;
use super::record::Bytes;

/// What concerns the whole partition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PartitionRow {
    pub ledger: String,
    pub partitions: u32,
    pub verifier: String,
    /// The largest tick folded.
    pub clock: Millis,
    pub epoch: u32,
    pub root: Option<Digest>,
    /// Control records folded.
    pub control: u64,
    pub next_sweep: u64,
    /// Tenants whose ledger this partition is.
    pub tenants: Vec<Tenant>,
}

/// A tenant's trust in force, and what its activations touched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TenantRow {
    pub trust: TenantTrust,
    pub pair: Pair,
    /// Number of the activation in force, the first being 0.
    pub activation: u64,
    /// Per thing that results rest on: the last activation that could change them. Absent: none since the first.
    pub touched: Touched,
    /// Definition of every key ever configured, by fingerprint: a key that comes back unchanged touches nothing.
    pub definitions: BTreeMap<Digest, Digest>,
    /// Digest of the last timeline entry about the tenant's trust.
    pub timeline: Option<Digest>,
}

/// The last activation that touched each thing a result can rest on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Touched {
    pub keys: BTreeMap<Digest, u64>,
    pub identities: u64,
    pub root: u64,
    /// Keys that came new, by fingerprint, and identities: what can resolve the unresolved.
    pub added: BTreeMap<Digest, u64>,
    pub added_identities: u64,
    /// The tenant's rules and the verifier epoch: they touch everything.
    pub rules: u64,
}

/// An attestation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AttestationRow {
    pub facts: AttestationFacts,
    pub bytes: Bytes,
    pub admitted_at: Millis,
    /// The result of the latest pair that was in force, if any of its pairs was yet.
    pub result: Option<AttestationResult>,
    /// Results under pairs that this partition has not seen activated.
    pub pending: Vec<AttestationResult>,
    /// The pair that was last asked for and has no answer yet.
    pub asked: Option<Pair>,
    /// How it stands in the about rows now; `None` before its first result counted.
    pub listed: Option<Rank>,
    /// Digests whose lists began otherwise since the events about them were last evaluated.
    pub unswept: Vec<(Role, Digest)>,
}

/// The order of attestations in a list: best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rank {
    /// 0 verified, 1 key-policy-mismatch, 2 failed.
    pub class: u8,
    /// The trusted time in milliseconds; absent is last.
    pub time: u64,
    pub envelope: Digest,
    pub id: Digest,
}

impl Rank {
    pub const VERIFIED: u8 = 0;
    pub const MISMATCH: u8 = 1;
    pub const FAILED: u8 = 2;

    /// Bytes that sort as the rank does.
    pub fn to_key(self) -> Vec<u8> {
        let mut key = Vec::with_capacity(1 + 8 + 64);
        key.push(self.class);
        key.extend_from_slice(&self.time.to_be_bytes());
        key.extend_from_slice(self.envelope.as_bytes());
        key.extend_from_slice(self.id.as_bytes());
        key
    }

    /// The rank at the beginning of a list.
    pub fn first(head: &RankedHead) -> Option<Rank> {
        Rank::from_key(head.first.first()?)
    }

    pub fn from_key(key: &[u8]) -> Option<Rank> {
        let (class, rest) = key.split_first()?;
        let (time, rest) = rest.split_first_chunk::<8>()?;
        let (envelope, rest) = rest.split_first_chunk::<32>()?;
        let (id, []) = rest.split_first_chunk::<32>()? else { return None };
        let (envelope, id) = (Digest::from_bytes(*envelope), Digest::from_bytes(*id));
        Some(Rank { class: *class, time: u64::from_be_bytes(*time), envelope, id })
    }
}

/// Everything that is about one digest under one role: heads of ranked lists.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AboutRow {
    /// By place in the chain and class (`list_of`), so that the best of each is at hand.
    pub attestations: BTreeMap<u8, RankedHead>,
    /// Events that this digest concerns, in order of their id.
    pub events: RankedHead,
}

/// The first entries of a ranked list, as their sort keys, and how many more lie in spilled rows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RankedHead {
    #[serde(with = "super::packed::strings")]
    pub first: Vec<Vec<u8>>,
    pub spilled: u64,
}

/// The number of an about row's list: attestations by link and class; 0 is the events'.
pub const fn list_of(link: Link, class: u8) -> u8 {
    1 + (link as u8) * 4 + class
}

/// An event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EventRow {
    pub id: EventId,
    pub kind: Kind,
    pub subject: Option<Subject>,
    pub subjects: Vec<Subject>,
    pub source_id: Option<String>,
    /// The event of the same `sourceId` that this one replaces.
    pub replaces: Option<EventId>,
    pub ts: Millis,
    pub media_type: String,
    pub document: Bytes,
    pub canonical_digest: Option<Digest>,
    /// The document is JSON but has a number that forbids binding by equality.
    pub inexact: bool,
    pub claimed: Option<Claimed>,
    pub scan: Option<ScanInputs>,
    /// How often it was published on `events.enriched`.
    pub revision: u64,
    /// Digest of what was published last, without revision and position.
    pub published: Option<Digest>,
    pub status: String,
    /// The last decision.
    pub decision: Option<String>,
    /// The revision that stands on `events.verified`, unless it was revoked.
    pub live: Option<u64>,
    /// Digest of the last timeline entry about this event.
    pub timeline: Option<Digest>,
    /// The digests under which it is listed in about rows.
    pub watches: Vec<(Role, Digest)>,
}

/// Work over many rows, as a stack of what is left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SweepRow {
    pub step: u64,
    pub reason: String,
    pub tasks: Vec<Task>,
}

/// What is left to do of a sweep. Keys are hex.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Task {
    /// Judge again every attestation listed under `prefix` (kinds 08 and 09), after `after`.
    Attestations { tenant: Tenant, prefix: String, after: Option<String> },
    /// Evaluate the events about digests, of the last one after event `after`.
    Events { tenant: Tenant, about: Vec<(Role, Digest)>, after: Option<EventId> },
    /// Judge again what became due up to `until`.
    Due { until: Millis, after: Option<String> },
}
