//! How a result stands when keys come and go: pure, and without mathematics. A key that was removed gives the very
//! result of a key that never was; a key that was revoked keeps what was signed before.

use std::collections::BTreeMap;

use super::check::CheckName;
use super::reason::Cause;
use super::{
    AttestationResult, AttestationStatus, Check, CheckOutcome, KeyShown, Reason, RekorShown, RestsOn, TenantTrust,
};
use crate::event::{Digest, Millis};
use crate::evidence::pem;

/// The pinned keys in force, by fingerprint, with the time of revocation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyStandings(BTreeMap<Digest, Option<Millis>>);

impl KeyStandings {
    /// The keys of a tenant's trust that was compiled before it was activated.
    pub fn of(trust: &TenantTrust) -> Self {
        let fingerprint = |spki: &str| Some(Digest::of(&pem::decode(spki, "PUBLIC KEY")?));
        KeyStandings(trust.keys.iter().filter_map(|key| Some((fingerprint(&key.spki)?, key.revoked_at))).collect())
    }

    fn holds(&self, key: Digest) -> bool {
        self.0.contains_key(&key)
    }

    /// Whether the key was revoked before what was signed at `time`; without a time, whether it was revoked at all.
    fn revoked(&self, key: Digest, time: Option<Millis>) -> bool {
        let at = self.0.get(&key).copied().flatten();
        at.is_some_and(|at| time.is_none_or(|time| time >= at))
    }
}

/// A result as it counts under the keys in force: what is published of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    pub status: AttestationStatus,
    pub reasons: Vec<String>,
    pub checks: Vec<Check>,
    pub trusted_time: Option<Millis>,
    pub not_before: Option<Millis>,
    pub witnesses: u32,
    pub key: Option<KeyShown>,
    pub rekor: Option<RekorShown>,
    pub trust_root: Option<Digest>,
    /// Several keys signed and some of them no longer count: only verification can say what remains. Until it has, the
    /// rest of this standing is the cautious answer.
    pub unsettled: bool,
}

/// The standing of `result` under `keys`.
pub fn standing(result: &AttestationResult, keys: &KeyStandings) -> Standing {
    let on: Vec<Digest> = result.rests_on.iter().filter_map(RestsOn::key).collect();
    let removed = on.iter().filter(|key| !keys.holds(**key)).count();
    let revoked = on.iter().filter(|key| keys.revoked(**key, result.trusted_time)).count();
    let mut standing = as_verified(result);
    if removed > 0 {
        standing = unknown();
    } else if revoked > 0 {
        revoke(&mut standing);
    }
    standing.unsettled = on.len() > 1 && removed + revoked > 0 && removed < on.len();
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

fn as_verified(result: &AttestationResult) -> Standing {
    Standing {
        status: result.status,
        reasons: result.reasons.clone(),
        checks: result.checks.clone(),
        trusted_time: result.trusted_time,
        not_before: result.not_before,
        witnesses: result.witnesses,
        key: result.key.clone(),
        rekor: result.rekor.clone(),
        trust_root: result.trust_root,
        unsettled: false,
    }
}

/// What `verify` says when no key resolves.
fn unknown() -> Standing {
    let code = Cause::KeyUnknown.code().to_owned();
    let check = failing(CheckName::Key, Cause::KeyUnknown);
    Standing {
        status: AttestationStatus::KeyPolicyMismatch,
        reasons: vec![code],
        checks: vec![check],
        trusted_time: None,
        not_before: None,
        witnesses: 0,
        key: None,
        rekor: None,
        trust_root: None,
        unsettled: false,
    }
}

fn failing(name: CheckName, cause: Cause) -> Check {
    Check { check: name.code().to_owned(), outcome: CheckOutcome::Fail, code: Some(cause.code().to_owned()) }
}

/// Adds the revocation where the rules list it: after the check of the key, and among the reasons by gravity.
fn revoke(standing: &mut Standing) {
    let revoked = Reason::from(Cause::KeyRevoked);
    let mut reasons: Vec<Reason> = standing.reasons.iter().filter_map(|code| Reason::from_code(code)).collect();
    reasons.push(revoked);
    reasons.sort_by_key(|reason| (std::cmp::Reverse(reason.status()), *reason));
    standing.reasons = reasons.iter().map(|reason| reason.code().to_owned()).collect();
    standing.status = standing.status.max(revoked.status());
    standing.not_before = None;
    let key = CheckName::Key.code();
    let at = standing.checks.iter().position(|check| check.check == key).map_or(0, |at| at + 1);
    standing.checks.insert(at, failing(CheckName::KeyStanding, Cause::KeyRevoked));
}
