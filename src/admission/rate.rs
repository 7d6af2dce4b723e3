//! How much a tenant may send per second: two token buckets, whose clock is an argument.
//!
//! A bucket holds one second's worth. What has come in is taken out whole, even when it is not there: a batch is not torn
//! apart, and what is owed is waited for, so the rate holds in the long run.

use std::num::NonZeroU64;
use std::time::Duration;

use crate::event::{Millis, Quota};

/// Parts of a token: a bucket fills by the millisecond, also where it gets less than a token in one.
const PARTS: i128 = 1_000_000;
const MILLIS: i128 = 1_000;

/// What share of a tenant's rate is this process's: it owns so many of so many partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    pub owned: u32,
    pub of: u32,
}

impl Share {
    pub const WHOLE: Share = Share { owned: 1, of: 1 };
}

#[derive(Debug, Clone)]
struct Bucket {
    /// In parts of a token, per second.
    rate: i128,
    holds: i128,
    at: Millis,
}

impl Bucket {
    fn new(per_second: NonZeroU64, share: Share, now: Millis) -> Self {
        let rate = i128::from(per_second.get()) * PARTS * i128::from(share.owned) / i128::from(share.of.max(1));
        let rate = rate.max(1);
        Bucket { rate, holds: Self::most(rate), at: now }
    }

    /// At least one token: else a slow rate would let nothing through.
    fn most(rate: i128) -> i128 {
        rate.max(PARTS)
    }

    fn fill(&mut self, now: Millis) {
        // A clock that was set back fills nothing.
        let passed = i128::from(now.0) - i128::from(self.at.0);
        self.at = now;
        if passed > 0 {
            self.holds =
                self.holds.saturating_add(self.rate.saturating_mul(passed) / MILLIS).min(Self::most(self.rate));
        }
    }

    fn spend(&mut self, now: Millis, tokens: u64) {
        self.fill(now);
        self.holds = self.holds.saturating_sub(i128::from(tokens) * PARTS);
    }

    /// How long until there is a token.
    fn wait(&mut self, now: Millis) -> Option<Duration> {
        self.fill(now);
        let lacks = PARTS - self.holds;
        let millis = (lacks.max(0) * MILLIS + self.rate - 1) / self.rate;
        (lacks > 0).then(|| Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX)))
    }
}

/// A tenant's rate.
#[derive(Debug, Clone)]
pub struct Rate {
    records: Option<Bucket>,
    bytes: Option<Bucket>,
}

impl Rate {
    pub fn new(quota: &Quota, share: Share, now: Millis) -> Self {
        let bucket = |per_second: Option<NonZeroU64>| per_second.map(|rate| Bucket::new(rate, share, now));
        Rate { records: bucket(quota.records_per_second), bytes: bucket(quota.bytes_per_second) }
    }

    /// Counts what has come in.
    pub fn spend(&mut self, now: Millis, records: u64, bytes: u64) {
        for (bucket, tokens) in [(&mut self.records, records), (&mut self.bytes, bytes)] {
            if let Some(bucket) = bucket {
                bucket.spend(now, tokens);
            }
        }
    }

    /// How long until more may come; `None`: it may now.
    pub fn wait(&mut self, now: Millis) -> Option<Duration> {
        let waits = [&mut self.records, &mut self.bytes].into_iter().flatten().filter_map(|bucket| bucket.wait(now));
        waits.max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quota(text: &str) -> Quota {
        serde_json::from_str(text).unwrap()
    }

    const START: Millis = Millis(1_000_000);

    #[test]
    fn a_second_s_worth_at_once_and_then_the_rate() {
        let mut rate = Rate::new(&quota(r#"{"recordsPerSecond":10}"#), Share::WHOLE, START);
        for _ in 0..10 {
            assert_eq!(rate.wait(START), None);
            rate.spend(START, 1, 1 << 40);
        }
        assert_eq!(rate.wait(START), Some(Duration::from_millis(100)));
        assert_eq!(rate.wait(START.plus(99)), Some(Duration::from_millis(1)));
        assert_eq!(rate.wait(START.plus(100)), None);
        rate.spend(START.plus(100), 31, 0);
        assert_eq!(rate.wait(START.plus(100)), Some(Duration::from_millis(3_100)), "what is owed is waited for");
        assert_eq!(rate.wait(START), Some(Duration::from_millis(3_100)), "a clock set back gives nothing");
        assert_eq!(rate.wait(START.plus(1_000_000)), None);
        rate.spend(START.plus(1_000_000), 10, 0);
        assert!(rate.wait(START.plus(1_000_000)).is_some(), "idle time is not saved up");
    }

    #[test]
    fn records_and_bytes_are_limited_each_and_a_share_is_a_part() {
        let both = quota(r#"{"recordsPerSecond":100,"bytesPerSecond":1000}"#);
        let mut rate = Rate::new(&both, Share { owned: 1, of: 4 }, START);
        rate.spend(START, 1, 500);
        assert_eq!(rate.wait(START), Some(Duration::from_millis(1_004)), "250 bytes per second");
        let mut rate = Rate::new(&both, Share { owned: 1, of: 4 }, START);
        rate.spend(START, 25, 0);
        assert_eq!(rate.wait(START), Some(Duration::from_millis(40)), "25 records per second");
        let mut slow = Rate::new(&quota(r#"{"recordsPerSecond":1}"#), Share { owned: 1, of: 4 }, START);
        assert_eq!(slow.wait(START), None);
        slow.spend(START, 1, 0);
        assert_eq!(slow.wait(START), Some(Duration::from_secs(4)));
    }

    #[test]
    fn without_a_quota_nothing_waits() {
        let mut rate = Rate::new(&Quota::default(), Share::WHOLE, START);
        rate.spend(START, u64::MAX, u64::MAX);
        assert_eq!(rate.wait(START), None);
    }
}
