//! The ledger record: serialised once, never again; the leaf of the tenant's Merkle log to come. Everything that has
//! meaning is in the value, nothing in Kafka headers.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::event::{Digest, EventId, Kind, Millis, Subject, Tenant, Topic, TopicName, base64};
use crate::formats::facts::{Claimed, ScanInputs, WrittenFacts};
use crate::verdict::result::{AttestationFacts, AttestationResult};

use super::checkpoint::CheckpointSeen;
use super::control::ControlRecord;

/// Version of the record's shape. A partition stops at a record of a version that its binary does not know.
pub const RECORD_FORMAT: u32 = 1;

/// One record of a ledger partition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LedgerRecord {
    pub format: u32,
    pub tenant: Tenant,
    pub body: Body,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Body {
    /// An input that admission took: an event, an attestation, or both in one.
    Admitted(Box<Admitted>),
    /// A result that the fold had asked for.
    Answer(Box<Answer>),
    /// A control record, copied to every partition.
    Control(Box<ControlCopy>),
    /// The next step of a sweep.
    Continue(Continue),
    /// An earlier part of facts that are too large for one record.
    Part(Box<Part>),
    /// A checkpoint of a transparency log, in the ledger of the system tenant.
    Checkpoint(Box<CheckpointSeen>),
}

/// How an input came in: what is live is served before what is filled in later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lane {
    Live,
    Backfill,
}

/// An admitted input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Admitted {
    /// Admission's clock. The only clock in a result.
    pub admitted_at: Millis,
    pub lane: Lane,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<String>,
    pub source: Source,
    /// The input's bytes as received.
    pub input: Bytes,
    /// How many control records admission had read.
    pub control: u64,
    /// The outputs that the tenant has of its own: the fold may meet the tenant's records before its entry.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub outputs: BTreeSet<Topic>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<AdmittedEvent>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attestation: Option<AdmittedAttestation>,
}

/// Where an input lay. Data like any other: it never orders or identifies anything here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Source {
    /// Its name on the log: a tenant's own is `{tenant}.{topic}`.
    pub topic: TopicName,
    pub partition: u32,
    pub offset: u64,
    pub timestamp: Millis,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "base64::serde_optional")]
    pub key: Option<Vec<u8>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<SourceHeader>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceHeader {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "base64::serde_optional")]
    pub value: Option<Vec<u8>>,
}

/// Bytes by digest: carried inline up to `limits::INLINE_MAX`, else by reference to the content-addressed store, where
/// they were written before this record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Bytes {
    pub digest: Digest,
    pub size: u64,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "base64::serde_optional")]
    pub inline: Option<Vec<u8>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#ref: Option<String>,
}

/// The event that an input became. `document.bytes` without `inline` and `ref` are the input's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AdmittedEvent {
    #[serde(rename = "_id")]
    pub id: EventId,
    pub kind: Kind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Subject>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subjects: Vec<Subject>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_id: Option<String>,
    pub ts: Millis,
    pub document: AdmittedDocument,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed: Option<Claimed>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scan: Option<ScanInputs>,
    pub facts: WrittenFacts,
    /// How many parts of the facts stand before this record.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub parts: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
const fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// The document of an event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AdmittedDocument {
    pub media_type: String,
    pub bytes: Bytes,
    /// Digest of the JCS form: what binds a predicate that was written again. Absent for documents that are no JSON, and
    /// for those with a number that a double cannot hold exactly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canonical_digest: Option<Digest>,
}

/// An attestation that an input carried, verified.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AdmittedAttestation {
    pub facts: AttestationFacts,
    pub result: AttestationResult,
    /// The evidence bytes; without `inline` and `ref` they are the input's own.
    pub bytes: Bytes,
}

impl AdmittedAttestation {
    /// The attestation's identity: the evidence as received, so that one envelope in two bundles is two attestations.
    pub const fn id(&self) -> Digest {
        self.bytes.digest
    }
}

/// A result for (attestation, pair), in answer to an ask.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Answer {
    pub admitted_at: Millis,
    pub control: u64,
    pub attestation: Digest,
    pub result: AttestationResult,
}

/// A control record as the control owner copied it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ControlCopy {
    /// The record's number in `attestream.control`, genesis being 0.
    pub seq: u64,
    pub record: ControlRecord,
}

/// One step of a sweep; one that is unlike the cursor in the state is a no-op.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Continue {
    pub sweep: u64,
    pub step: u64,
}

/// Part `index` of the facts of `event`; the admitted record itself carries the last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Part {
    pub event: EventId,
    pub index: u32,
    pub facts: WrittenFacts,
}

/// What the fold asks admission for, on `attestream.work`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Work {
    /// Verify an attestation again under another pair.
    Verify(VerifyWork),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VerifyWork {
    pub tenant: Tenant,
    pub attestation: Digest,
    pub evidence: Bytes,
    pub pair: crate::verdict::result::Pair,
    /// The admission clock to verify under: that of the attestation's own admission, so that an answer does not age.
    pub at: Millis,
}

impl LedgerRecord {
    pub const fn new(tenant: Tenant, body: Body) -> Self {
        LedgerRecord { format: RECORD_FORMAT, tenant, body }
    }

    /// The value's bytes. Made once; what is stored, hashed and compared are these.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}
