//! How a result stands when keys come and go: pure, and without mathematics. A key that was removed gives the very
//! result of a key that never was; a key that was revoked keeps what was signed before.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::check::CheckName;
use super::reason::Cause;
use super::{
    AttestationResult, AttestationStatus, Check, CheckOutcome, KeyShown, Reason, RekorShown, RestsOn, TenantTrust,
};
use crate::event::{Digest, Millis};

/// A result as it counts under the keys in force: what is published of it. Most count as they are, and are judged far more
/// often than published; so it borrows.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing<'r> {
    pub status: AttestationStatus,
    pub reasons: Cow<'r, [String]>,
    pub checks: Cow<'r, [Check]>,
    pub trusted_time: Option<Millis>,
    pub witnesses: u32,
    pub key: Option<&'r KeyShown>,
    pub rekor: Option<&'r RekorShown>,
    pub trust_root: Option<Digest>,
}

/// A tenant's keys in force by fingerprint, and when each was revoked: all that a standing asks of them. Fingerprints
/// come from PEM, so whoever judges many results under one trust reads them once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeysInForce(BTreeMap<Digest, Option<Millis>>);

impl KeysInForce {
    pub fn of(trust: &TenantTrust) -> Self {
        let mut keys = BTreeMap::new();
        for key in &trust.keys {
            if let Some(fingerprint) = key.fingerprint() {
                keys.entry(fingerprint).or_insert(key.revoked_at);
            }
        }
        KeysInForce(keys)
    }

    /// Whether the key is configured; then when it was revoked, if it was.
    pub fn get(&self, fingerprint: Digest) -> Option<Option<Millis>> {
        self.0.get(&fingerprint).copied()
    }
}

/// The standing of `result` under the tenant's keys in force.
///
/// Where several keys signed and one of them is gone, only verification can say what remains: the answer here is the
/// cautious one until it has.
pub fn standing<'r>(result: &'r AttestationResult, trust: &TenantTrust) -> Standing<'r> {
    standing_under(result, &KeysInForce::of(trust))
}

/// The same where the keys were read already.
pub fn standing_under<'r>(result: &'r AttestationResult, keys: &KeysInForce) -> Standing<'r> {
    let mut standing = as_verified(result);
    for key in result.rests_on.iter().filter_map(RestsOn::key) {
        let Some(revoked_at) = keys.get(key) else { return unknown() };
        if revoked_at.is_some_and(|at| result.trusted_time.is_none_or(|time| time >= at)) {
            revoke(&mut standing);
        }
    }
    standing
}

impl RestsOn {
    /// The pinned key that is rested on.
    fn key(&self) -> Option<Digest> {
        match self {
            RestsOn::Key(key) => Some(*key),
            _ => None,
        }
    }
}

fn as_verified(result: &AttestationResult) -> Standing<'_> {
    Standing {
        status: result.status,
        reasons: Cow::Borrowed(&result.reasons),
        checks: Cow::Borrowed(&result.checks),
        trusted_time: result.trusted_time,
        witnesses: result.witnesses,
        key: result.key.as_ref(),
        rekor: result.rekor.as_ref(),
        trust_root: result.trust_root,
    }
}

/// What `verify` says when no key resolves.
fn unknown() -> Standing<'static> {
    let code = Cause::KeyUnknown.code().to_owned();
    let check = failing(CheckName::Key, Cause::KeyUnknown);
    Standing {
        status: AttestationStatus::KeyPolicyMismatch,
        reasons: Cow::Owned(vec![code]),
        checks: Cow::Owned(vec![check]),
        trusted_time: None,
        witnesses: 0,
        key: None,
        rekor: None,
        trust_root: None,
    }
}

fn failing(name: CheckName, cause: Cause) -> Check {
    Check { check: name.code().into(), outcome: CheckOutcome::Fail, code: Some(cause.code().into()) }
}

/// Adds the revocation where the rules list it: after the check of the key, and among the reasons by gravity.
fn revoke(standing: &mut Standing<'_>) {
    let revoked = Reason::from(Cause::KeyRevoked);
    if standing.reasons.iter().any(|code| code == revoked.code()) {
        return;
    }
    let mut reasons: Vec<Reason> = standing.reasons.iter().filter_map(|code| Reason::from_code(code)).collect();
    reasons.push(revoked);
    reasons.sort_by_key(|reason| (std::cmp::Reverse(reason.status()), *reason));
    standing.reasons = reasons.iter().map(|reason| reason.code().to_owned()).collect();
    standing.status = standing.status.max(revoked.status());
    let key = CheckName::Key.code();
    let at = standing.checks.iter().position(|check| check.check == key).map_or(0, |at| at + 1);
    standing.checks.to_mut().insert(at, failing(CheckName::KeyStanding, Cause::KeyRevoked));
}
