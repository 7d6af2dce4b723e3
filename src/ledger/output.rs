//! The published shapes: `schemas/` holds a JSON Schema for each, and a test validates every record against it.

use serde::{Deserialize, Serialize};

use crate::event::{Digest, EventId, Kind, Millis, Subject, Tenant};
use crate::formats::facts::{Claimed, ScanInputs};
use crate::verdict::result::{Check, KeyShown, Link, RekorShown};

/// The status of an event (contracts: the enriched event, `trust.status`), best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    Verified,
    KeyPolicyMismatch,
    Failed,
    Asserted,
    Missing,
}

impl Status {
    pub const ALL: [Status; 5] =
        [Status::Verified, Status::KeyPolicyMismatch, Status::Failed, Status::Asserted, Status::Missing];

    pub const fn as_str(self) -> &'static str {
        match self {
            Status::Verified => "verified",
            Status::KeyPolicyMismatch => "key-policy-mismatch",
            Status::Failed => "failed",
            Status::Asserted => "asserted",
            Status::Missing => "missing",
        }
    }
}

/// What a record on `events.verified` means for a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    Verified,
    Superseded,
    Revoked,
}

impl Change {
    pub const fn as_str(self) -> &'static str {
        match self {
            Change::Verified => "verified",
            Change::Superseded => "superseded",
            Change::Revoked => "revoked",
        }
    }
}

/// An event as published on `events.enriched`, `events.verified` and `events.quarantined`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Published {
    #[serde(rename = "_id")]
    pub id: EventId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_id: Option<String>,
    pub kind: Kind,
    pub tenant: Tenant,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
    /// The revision that stood on `events.verified` before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<u64>,
    /// The event of the same `sourceId` that this one replaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<EventId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Subject>,
    pub subjects: Vec<Subject>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<PublishedDocument>,
    pub provenance: Provenance,
    pub trust: Trust,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scan: Option<ScanInputs>,
    pub ts: Millis,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<LedgerPosition>,
}

/// Where in the ledger the record was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerPosition {
    pub ledger: String,
    pub partition: u32,
    pub seq: u64,
}

/// The document: on `events.verified` and `events.quarantined` with exactly one of `content` and `ref`, enriched with
/// neither.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PublishedDocument {
    pub media_type: String,
    pub digest: Digest,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canonical_digest: Option<Digest>,
    pub size: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// `utf-8` or `base64`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#ref: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dsse: Option<Dsse>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed: Option<Claimed>,
}

/// The attestation that is shown for an event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Dsse {
    pub envelope_digest: Digest,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle_digest: Option<Digest>,
    pub payload_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyShown>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rekor: Option<RekorShown>,
    pub chain: Vec<ChainLink>,
}

/// One verified attestation of the chain of evidence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainLink {
    pub r#type: Link,
    /// `att:{type}#{first 16 hex digits of the envelope digest}`.
    pub id: String,
    pub digest: Digest,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Trust {
    pub verified: bool,
    pub verifier: String,
    pub witnesses: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trusted_time: Option<Millis>,
    pub status: Status,
    pub reasons: Vec<String>,
    pub checks: Vec<Check>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust_root: Option<Digest>,
    /// Digest of the policy in force: the built-in one until a bundle is activated.
    pub policy: Digest,
}

/// A record on `policy.decisions`: one per change of decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Decision {
    #[serde(rename = "_id")]
    pub id: EventId,
    pub tenant: Tenant,
    pub revision: u64,
    pub decision: String,
    pub rules: Vec<String>,
    pub policy: Digest,
    /// What the decision was made on.
    pub inputs: DecisionInputs,
    pub position: LedgerPosition,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DecisionInputs {
    pub status: Status,
    pub document: Digest,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub envelope: Option<Digest>,
}

/// A record on `ledger.timeline`, chained per subject by the digest of the previous one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TimelineEntry {
    pub tenant: Tenant,
    /// What the entry is about: an event id, `trust`, or `checkpoint:` and the origin of a transparency log.
    pub subject: String,
    /// `re-verdict`, `trust-activated`, `split-view` or `log-consistent`.
    pub entry: String,
    /// The partition's clock.
    pub at: Millis,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// The signed notes that an entry about a log rests on: they prove it to others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// SHA-256 of the previous entry about the same subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Digest>,
    pub position: LedgerPosition,
}

/// The built-in policy's text, in force without a bundle; its digest stands in every record.
pub const BUILT_IN_POLICY: &str = "attestream built-in policy 1: ALLOW when verified, else FAIL\n";
