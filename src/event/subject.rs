//! What an event or a statement is about.

use serde::{Deserialize, Serialize};

use super::digest::Digest;

/// The subject of an event: what the producer stated or the document names. Never a tag.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// A package URL, as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purl: Option<String>,
    #[serde(default, skip_serializing_if = "SubjectDigests::is_empty")]
    pub digest: SubjectDigests,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The name that an in-toto statement gives to its subject (Statement v1, `subject[].name`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// The digests of one subject, lower-case hex without the algorithm, by which events and attestations are joined.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubjectDigests {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha384: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha512: Option<String>,
}

impl SubjectDigests {
    pub fn is_empty(&self) -> bool {
        self.sha256.is_none() && self.sha384.is_none() && self.sha512.is_none()
    }

    /// One join key per digest: the SHA-256 itself, and for the longer ones the SHA-256 of `algorithm:hex`, so that
    /// every join key has 32 bytes.
    pub fn join_keys(&self) -> impl Iterator<Item = Digest> + '_ {
        let own = self.sha256.as_deref().and_then(|hex| Digest::from_hex(hex).ok());
        let long = |name: &'static str, hex: &Option<String>| {
            hex.as_deref().map(|hex| Digest::of_parts(&[name.as_bytes(), b":", hex.as_bytes()]))
        };
        own.into_iter().chain(long("sha384", &self.sha384)).chain(long("sha512", &self.sha512))
    }
}
