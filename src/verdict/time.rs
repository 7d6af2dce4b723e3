//! Verified times against the clock, the log's window and the tenant's age (rules Z4, L10, and the contract's
//! `notBefore`).

use super::CompiledTrust;
use super::check::CheckName;
use super::reason::Cause;
use super::verify::Found;
use crate::event::{Millis, limits};

/// Judges every verified time against the admission clock. A time ahead of it by little makes the result wait.
pub(super) fn judge_clock(found: &mut Found, now: Millis) {
    let Some(latest) = found.times.iter().max().copied() else { return };
    if latest > now.plus(limits::TIME_AHEAD_MAX_MS) {
        found.checks.fail(CheckName::Time, Cause::TimeInFuture);
    } else if latest > now {
        found.not_before = Some(latest);
    }
}

/// Judges the age of the trusted time, where the tenant limits it.
pub(super) fn judge_age(found: &mut Found, trust: &CompiledTrust, now: Millis) {
    let Some(seconds) = trust.max_age_seconds else { return };
    let Some(trusted) = found.times.iter().min().copied() else {
        let moot = found.time_is_moot();
        return if moot {
            found.checks.skip(CheckName::Age)
        } else {
            found.checks.fail(CheckName::Age, Cause::TimeMissing)
        };
    };
    let oldest = now.plus(i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(-1000));
    let fresh = trusted >= oldest;
    found.checks.judge(CheckName::Age, fresh.then_some(()).ok_or(Cause::TooOld));
}
