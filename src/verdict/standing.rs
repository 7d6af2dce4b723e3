//! How a result stands under the keys that are configured now. No cryptography: the fold calls this.

use crate::event::{Digest, Millis};

use super::result::{AttestationResult, AttestationStatus, Check, CheckOutcome, KeyShown, RekorShown, RestsOn};
use super::tenant::TenantTrust;

/// How an attestation stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    pub status: AttestationStatus,
    pub reasons: Vec<String>,
    pub checks: Vec<Check>,
    pub trusted_time: Option<Millis>,
    pub witnesses: u32,
    pub key: Option<KeyShown>,
    pub rekor: Option<RekorShown>,
    pub trust_root: Option<Digest>,
}

/// The standing of `result`: turned where the key that it rests on is not configured any more, or revoked.
pub fn standing(result: &AttestationResult, trust: &TenantTrust) -> Standing {
    let keys: Vec<Digest> =
        result.rests_on.iter().filter_map(|on| if let RestsOn::Key(key) = on { Some(*key) } else { None }).collect();
    let configured = |key: &Digest| trust.keys.iter().any(|pinned| pinned.fingerprint() == Some(*key));
    if !keys.is_empty() && !keys.iter().any(configured) {
        return Standing {
            status: AttestationStatus::KeyPolicyMismatch,
            reasons: vec!["key-unknown".to_owned()],
            checks: vec![Check { check: "key".into(), outcome: CheckOutcome::Fail, code: Some("key-unknown".into()) }],
            trusted_time: None,
            witnesses: 0,
            key: None,
            rekor: None,
            trust_root: None,
        };
    }
    Standing {
        status: result.status,
        reasons: result.reasons.clone(),
        checks: result.checks.clone(),
        trusted_time: result.trusted_time,
        witnesses: result.witnesses,
        key: result.key.clone(),
        rekor: result.rekor.clone(),
        trust_root: result.trust_root,
    }
}
