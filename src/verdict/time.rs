//! Time stamps, and every verified time against the clock and the tenant's age (rules Z1 to Z4, and the contract's
//! `notBefore`).

use super::attestation::ParsedEvidence;
use super::check::CheckName;
use super::reason::Cause;
use super::verify::Found;
use super::{CompiledTrust, RestsOn};
use crate::event::{Now, limits};
use crate::evidence::Fault;
use crate::evidence::timestamp::{self, NoTime};

/// Z1 (b): RFC 3161 time stamps over the raw signature. One that is present and wrong refuses.
pub(super) fn judge_stamps(attestation: &ParsedEvidence, trust: &CompiledTrust, found: &mut Found) {
    let evidence = &attestation.evidence;
    if evidence.timestamps.is_empty() {
        return;
    }
    found.rests_on.insert(RestsOn::Root);
    let Some(root) = trust.root.as_ref() else {
        return found.checks.fail(CheckName::Timestamp, Cause::TrustRootMissing);
    };
    let [signature] = evidence.envelope.signatures.as_slice() else {
        return found.checks.fail(CheckName::Timestamp, Fault::SignatureCount);
    };
    for token in &evidence.timestamps {
        match timestamp::verify(token, &signature.sig, root.stamp_authorities()) {
            Ok(time) => {
                found.checks.pass(CheckName::Timestamp);
                found.times.push(time);
            }
            Err(why) => found.checks.fail(CheckName::Timestamp, cause(why)),
        }
    }
}

const fn cause(why: NoTime) -> Cause {
    match why {
        NoTime::Malformed => Cause::TimestampMalformed,
        NoTime::NotGranted => Cause::TimestampNotGranted,
        NoTime::Imprint => Cause::TimestampImprint,
        NoTime::Unknown => Cause::TimestampAuthority,
        NoTime::Algorithm => Cause::TimestampAlgorithm,
        NoTime::Attributes | NoTime::Signature | NoTime::Certificate => Cause::TimestampToken,
        NoTime::Window => Cause::TimestampAuthorityTime,
    }
}

/// Judges every verified time against the admission clock. A time ahead of it by little makes the result wait.
pub(super) fn judge_clock(found: &mut Found, now: &Now) {
    let Some(latest) = found.times.iter().max().copied() else { return };
    if !now.has_come(latest.plus(-limits::TIME_AHEAD_MAX_MS)) {
        found.checks.fail(CheckName::Time, Cause::TimeInFuture);
    } else if !now.has_come(latest) {
        found.not_before = Some(latest);
    }
}

/// Judges the age of the trusted time, where the tenant limits it.
pub(super) fn judge_age(found: &mut Found, trust: &CompiledTrust, now: &Now) {
    let Some(seconds) = trust.max_age_seconds else { return };
    let Some(trusted) = found.times.iter().min().copied() else {
        let moot = found.time_is_moot();
        return if moot {
            found.checks.skip(CheckName::Age)
        } else {
            found.checks.fail(CheckName::Age, Cause::TimeMissing)
        };
    };
    let last = trusted.plus(i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1000));
    let fresh = !now.has_come(last.plus(1));
    found.checks.judge(CheckName::Age, fresh.then_some(()).ok_or(Cause::TooOld));
}
