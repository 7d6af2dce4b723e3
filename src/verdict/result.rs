//! What verification says of one attestation: the facts, which hold whatever one trusts, and the result, which holds
//! under one pair of trust digest and verifier epoch.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::{Digest, Millis};

pub use super::code::Code;
pub use crate::formats::attestation::{AttestationFacts, Link, StatementFacts};

/// Epoch of this verifier. It rises when the same bytes under the same trust give another result; activating a higher
/// epoch (a control record) re-opens every result.
pub const VERIFIER_EPOCH: u32 = 2;

/// What a result was made under: the tenant's trust digest and the verifier's epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pair {
    pub trust: Digest,
    pub epoch: u32,
}

/// How an attestation fared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AttestationStatus {
    /// Every check holds.
    Verified,
    /// No configured key or identity fits, or the signature is good and key, identity, time or log is not accepted.
    KeyPolicyMismatch,
    /// A trusted key's evidence that is wrong.
    Failed,
}

/// The outcome of one check, in the order in which the rules are listed, never in the order of evaluation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Check {
    pub check: Code,
    pub outcome: CheckOutcome,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckOutcome {
    Pass,
    Fail,
    Skip,
}

/// What a result rests on: an activation that touches none of it cannot change the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "on", content = "id")]
pub enum RestsOn {
    /// A pinned key, by the SHA-256 of its SPKI.
    Key(Digest),
    /// The tenant's identities (keyless).
    Identities,
    /// The trust root: its logs, authorities and time stamp authorities.
    Root,
    /// No key resolved; `Some` where the envelope hints at the SPKI digest of the only key that could.
    Unresolved(Option<Digest>),
    /// The tenant's rules. Every result rests on them.
    Rules,
}

/// The key or certificate that signed, as shown in `provenance.dsse.key`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyShown {
    /// `cosign:SHA256-PKIX:` and base64 of the SHA-256 of the SPKI.
    pub key_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// `ECDSA`, `ED25519` or `RSA`.
    pub algo: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
}

/// The transparency log entry, as shown in `provenance.dsse.rekor`. Recomputed, never believed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RekorShown {
    pub log_id: String,
    pub log_index: u64,
    pub uuid: String,
    /// Unix seconds; Rekor v1 with a verified SET only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub integrated_time: Option<i64>,
}

/// The result of verifying one attestation under one pair. Complete and deterministic: the same bytes, pair and
/// admission clock give the same result, byte for byte.
///
/// Whether a pinned key is still configured or revoked is not judged here: the fold applies that standing itself
/// (`standing`), so that a removal or a revocation needs no mathematics.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AttestationResult {
    pub pair: Pair,
    pub status: AttestationStatus,
    /// Codes of `Reason`, the gravest first; empty when verified.
    pub reasons: Vec<String>,
    pub checks: Vec<Check>,
    pub rests_on: Vec<RestsOn>,
    /// The earliest of all verified times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trusted_time: Option<Millis>,
    /// A verified time ahead of the admission clock: the result counts when the partition's clock reaches it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Millis>,
    /// Distinct configured witness operators whose cosignature verified.
    pub witnesses: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyShown>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rekor: Option<RekorShown>,
    /// What a verified certificate says of the build that signed: Fulcio's extensions 9 to 22, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub claims: BTreeMap<String, String>,
    /// Digest of the trust root that was in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust_root: Option<Digest>,
}
