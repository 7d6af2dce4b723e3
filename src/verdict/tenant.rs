//! A tenant's trust, as a control record activates it: the registry entry. Known by the digest of its JCS.

use serde::{Deserialize, Serialize};

use crate::event::{Digest, Kind, Millis, OwnTopics, Quota, Tenant, jcs};
pub use crate::evidence::{KeyAlgorithm, SignatureEncoding};

/// One tenant's registry entry: what it accepts, and from whom.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TenantTrust {
    pub tenant: Tenant,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<PinnedKey>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identities: Vec<PinnedIdentity>,
    /// What the tenant demands of a transparency log.
    #[serde(default)]
    pub log: LogPolicy,
    /// How many different configured keys must have signed.
    #[serde(default = "one")]
    pub threshold: u32,
    /// C2SP verifier keys of witnesses that are counted; the operator is the part before the first `+`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub witnesses: Vec<String>,
    /// A C2SP tlog-policy: more witnesses, and the quorum of them that is demanded. Without `log` lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witness_policy: Option<String>,
    /// Oldest trusted time that is accepted at admission, in seconds before the admission clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age_seconds: Option<u64>,
    /// Predicate types beyond the built-in ones, and the kind that they belong to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub predicate_types: Vec<PredicateType>,
    /// Payload types beyond `application/vnd.in-toto+json`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub payload_types: Vec<String>,
    /// SPDX, CycloneDX, OpenVEX and SARIF versions beyond the pins, as `CycloneDX 1.5`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<String>,
    /// Topics of the tenant's own. No result rests on them, nor on the quota.
    #[serde(default, skip_serializing_if = "OwnTopics::is_none")]
    pub topics: OwnTopics,
    #[serde(default, skip_serializing_if = "Quota::is_none")]
    pub quota: Quota,
}

const fn one() -> u32 {
    1
}

/// A pinned key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PinnedKey {
    pub name: String,
    /// SubjectPublicKeyInfo, PEM.
    pub spki: String,
    pub algorithm: KeyAlgorithm,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<Millis>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Millis>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Millis>,
    /// Predicate types that this key may sign; empty: any that the tenant knows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub predicate_types: Vec<String>,
    /// How this key writes ECDSA signatures.
    #[serde(default, skip_serializing_if = "SignatureEncoding::is_der")]
    pub encoding: SignatureEncoding,
    /// Who holds the key. Keys of one owner count once towards the threshold; a key without one counts for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
}

/// An identity of a keyless signer: issuer and subject alternative name, exact or by an anchored regular expression. Of a
/// certificate that states no issuer, it is the address of its authority in the trust root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PinnedIdentity {
    pub issuer: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub san: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub san_regex: Option<String>,
}

/// What is demanded of a transparency log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogPolicy {
    /// An inclusion proof that ends in a signed checkpoint.
    #[default]
    Proof,
    /// A signed entry time stamp suffices.
    Promise,
    /// No log is needed; evidence that is present must still be right.
    None,
}

/// A predicate type of the tenant's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PredicateType {
    pub predicate_type: String,
    pub kind: Kind,
}

impl TenantTrust {
    /// A tenant that knows no key: every attestation of its events is `key-unknown`.
    pub fn empty(tenant: Tenant) -> Self {
        TenantTrust {
            tenant,
            keys: Vec::new(),
            identities: Vec::new(),
            log: LogPolicy::default(),
            threshold: 1,
            witnesses: Vec::new(),
            witness_policy: None,
            max_age_seconds: None,
            predicate_types: Vec::new(),
            payload_types: Vec::new(),
            versions: Vec::new(),
            topics: OwnTopics::default(),
            quota: Quota::default(),
        }
    }

    /// This entry where `old` was in force: own outputs stay as the first entry has them, because what a reader of one
    /// topic holds verified is withdrawn on that topic.
    pub fn succeeding(&self, old: &TenantTrust) -> Self {
        TenantTrust { topics: self.topics.with_outputs_of(&old.topics), ..self.clone() }
    }

    /// What results rest on: another topic or quota asks nothing anew.
    fn without_topics(&self) -> Self {
        TenantTrust { topics: OwnTopics::default(), quota: Quota::default(), ..self.clone() }
    }

    /// The tenant's trust digest: this entry and the trust root that it is judged under.
    pub fn digest(&self, root: Option<Digest>) -> Digest {
        let value = serde_json::json!({ "tenant": self.without_topics(), "root": root });
        Digest::of(&jcs::of_own_value(&value))
    }
}

impl TenantTrust {
    /// When a configured key was revoked, if it was.
    pub fn revoked_at(&self, fingerprint: Digest) -> Option<Millis> {
        self.keys.iter().find(|key| key.fingerprint() == Some(fingerprint)).and_then(|key| key.revoked_at)
    }

    /// Digest of everything but keys and identities: what every result rests on.
    pub fn rules_digest(&self) -> Digest {
        let rules = TenantTrust { keys: Vec::new(), identities: Vec::new(), ..self.without_topics() };
        Digest::of(&jcs::of_own_value(&serde_json::json!(rules)))
    }
}

impl PinnedKey {
    /// SHA-256 of the SPKI's DER, read from the PEM text; `None` where it is no PEM.
    pub fn fingerprint(&self) -> Option<Digest> {
        let body = self.spki.split_once("-----BEGIN PUBLIC KEY-----")?.1.split_once("-----END PUBLIC KEY-----")?.0;
        let text: String = body.split_ascii_whitespace().collect();
        Some(Digest::of(&crate::event::base64::decode(&text).ok()?))
    }

    /// Digest of everything that a result under this key can depend on: all but the revocation.
    pub fn definition(&self) -> Digest {
        let unrevoked = PinnedKey { revoked_at: None, ..self.clone() };
        Digest::of(&jcs::of_own_value(&serde_json::json!(unrevoked)))
    }
}
