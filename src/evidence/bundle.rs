//! Evidence in the one shape that the verifier reads, whatever form it came in.

use super::{Envelope, Refusal, forms};
use crate::event::Digest;

/// The closed forms of evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A Sigstore bundle, v0.1 to v0.3.
    Bundle(u8),
    /// A DSSE envelope by itself.
    Envelope,
    /// `{"dsseEnvelope": …, "rekorEntry": …}`: an envelope and its Rekor v1 entry as the log's API gives it.
    EnvelopeAndEntry,
    /// cosign's bundle before Sigstore bundles: `base64Signature`, `cert`, `rekorBundle`, and what cosign writes beside it
    /// for a time stamp, `SignedRFC3161Timestamp`.
    Legacy,
}

/// What evidence says of its key. Nothing of it is trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Material {
    None,
    Hint(String),
    /// DER, the leaf first.
    Certificates(Vec<Vec<u8>>),
}

/// Spellings that are accepted and noted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Note {
    UrlSafeBase64,
    MediaTypeSpelling,
}

/// Evidence, parsed and within its limits; nothing of it is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    pub form: Form,
    pub envelope: Envelope,
    /// SHA-256 of the whole, where it is more than the envelope.
    pub bundle: Option<Digest>,
    pub material: Material,
    pub entries: Vec<LogEntry>,
    /// RFC 3161 responses, DER.
    pub timestamps: Vec<Vec<u8>>,
    pub notes: Vec<Note>,
}

/// An entry of a transparency log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// The global index in Rekor v1, the index in the tree in Rekor v2.
    pub index: u64,
    pub log_id: Digest,
    pub kind: String,
    pub version: String,
    /// Unix seconds. Nothing authenticates it but a promise that verifies.
    pub integrated_time: Option<i64>,
    /// The signed entry timestamp (SET).
    pub promise: Option<Vec<u8>>,
    pub proof: Option<Proof>,
    /// The canonicalised body: the leaf.
    pub body: Vec<u8>,
    pub uuid: Option<String>,
}

impl LogEntry {
    /// The hash of this entry as a leaf.
    pub fn leaf(&self) -> Digest {
        super::merkle::leaf(&self.body)
    }
}

/// An inclusion proof and the checkpoint that it ends in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The index in this tree.
    pub index: u64,
    pub size: u64,
    pub root: Option<Digest>,
    pub hashes: Vec<Digest>,
    pub checkpoint: Option<String>,
}

impl Evidence {
    /// Reads any of the forms. What fails here is no evidence, whomever one trusts.
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        Self::of_digest(bytes, Digest::of(bytes))
    }

    /// The same of bytes whose SHA-256 is known.
    pub fn of_digest(bytes: &[u8], digest: Digest) -> Result<Self, Refusal> {
        forms::parse(&forms::Scanned::of(bytes, digest)?)
    }
}
