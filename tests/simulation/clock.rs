//! Time as a seed decides it: a wall clock that jumps and a monotonic one that does not.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use attestream::event::Millis;
use attestream::processor::{Clock, Pace};

use super::pool::SIGNED_AT;

/// Sleeps within one turn after which a worker is said to wait for ever.
const SLEEPS_MAX: u64 = 5_000;

#[derive(Clone)]
pub struct SimClock(Arc<Hands>);

struct Hands {
    wall: AtomicI64,
    elapsed: AtomicU64,
    slept: AtomicU64,
}

impl SimClock {
    /// An hour after the evidence was signed: jumps back stay behind it.
    pub fn new() -> Self {
        let wall = AtomicI64::new(SIGNED_AT.0 + 3_600_000);
        SimClock(Arc::new(Hands { wall, elapsed: AtomicU64::new(0), slept: AtomicU64::new(0) }))
    }

    pub fn advance(&self, millis: u64) {
        self.0.wall.fetch_add(i64::try_from(millis).unwrap(), Ordering::Relaxed);
        self.0.elapsed.fetch_add(millis, Ordering::Relaxed);
    }

    /// The wall clock jumps; nothing that measures intervals may notice.
    pub fn jump(&self, millis: i64) {
        self.0.wall.fetch_add(millis, Ordering::Relaxed);
    }

    pub fn wall(&self) -> Millis {
        Millis(self.0.wall.load(Ordering::Relaxed))
    }

    /// The clock of a machine that goes wrong by `skew`.
    pub fn skewed(&self, skew: i64) -> Clock {
        let clock = self.clone();
        Arc::new(move || clock.wall().plus(skew))
    }

    pub fn turn_begins(&self) {
        self.0.slept.store(0, Ordering::Relaxed);
    }

    pub fn pace(&self) -> Pace {
        let (read, sleep) = (self.clone(), self.clone());
        let elapsed = move || Duration::from_millis(read.0.elapsed.load(Ordering::Relaxed));
        Pace::new(elapsed, move |time| {
            let slept = sleep.0.slept.fetch_add(1, Ordering::Relaxed);
            assert!(slept < SLEEPS_MAX, "a worker waits for ever within one turn");
            sleep.advance(u64::try_from(time.as_millis()).unwrap());
        })
    }
}
