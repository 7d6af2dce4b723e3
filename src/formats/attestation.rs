//! What an attestation says, as far as it is read without verifying anything. Trust is the business of `verdict`.

use serde::{Deserialize, Serialize};

use crate::event::{Digest, Kind, Subject};

/// What an attestation says, read from bytes whose signature may be anything: it joins, it never blesses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AttestationFacts {
    /// SHA-256 of the envelope bytes as received (inside a bundle: the raw span of `dsseEnvelope`). Its identity.
    pub envelope: Digest,
    /// SHA-256 of the whole bundle, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle: Option<Digest>,
    pub payload_type: String,
    /// `None` where the payload is no in-toto statement that we read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<StatementFacts>,
}

/// What the in-toto statement of an attestation says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StatementFacts {
    pub statement_type: String,
    pub predicate_type: String,
    /// The place of the predicate in a chain, by its type; `None` for a type that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<Link>,
    pub subjects: Vec<Subject>,
    /// Digests of the documents that the predicate binds: the canonical digest of a predicate that is a document, or
    /// the SHA-256 that it names as `location`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<Digest>,
    /// SHA-256 digests named as material (SLSA `resolvedDependencies`, v0.2 `materials`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub materials: Vec<Digest>,
}

/// The place of an attestation in the chain of evidence, in the order that `chain` is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Link {
    Build,
    Sbom,
    Scan,
    Vex,
}

impl Link {
    pub const ALL: [Link; 4] = [Link::Build, Link::Sbom, Link::Scan, Link::Vex];

    /// The kind of event that an attestation of this place can verify.
    pub const fn kind(self) -> Option<Kind> {
        match self {
            Link::Build => None,
            Link::Sbom => Some(Kind::Sbom),
            Link::Scan => Some(Kind::Scan),
            Link::Vex => Some(Kind::Vex),
        }
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Link::Build => "build",
            Link::Sbom => "sbom",
            Link::Scan => "scan",
            Link::Vex => "vex",
        }
    }
}
