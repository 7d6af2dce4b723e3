//! What both workers share: settings, the stop flag, limits of a batch, and the way back after a failure.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::event::limits;
use crate::log::Gather;
use crate::telemetry::{Happening, Observer, Role};

/// Stops workers after the batch at hand. Cheap to clone.
#[derive(Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A worker's identity and limits.
#[derive(Clone)]
pub struct WorkerSettings {
    /// Prefix of group and transactional ids: one deployment on one cluster.
    pub application: String,
    /// This worker's stable name within its role.
    pub member: String,
    pub batch_records: usize,
    pub batch_bytes: usize,
    pub linger: Duration,
    /// How long a gather waits when nothing comes.
    pub wait: Duration,
    /// Interval of ticks that the control owner writes.
    pub tick: Duration,
    /// Records between two snapshots of a partition; 0: none.
    pub snapshot_every: u64,
}

impl WorkerSettings {
    pub fn new(application: &str, member: &str) -> Self {
        WorkerSettings {
            application: application.to_owned(),
            member: member.to_owned(),
            batch_records: limits::BATCH_RECORDS,
            batch_bytes: limits::BATCH_BYTES,
            linger: Duration::from_millis(limits::BATCH_LINGER_MS),
            wait: Duration::from_millis(100),
            tick: Duration::from_millis(u64::try_from(limits::TICK_MS).unwrap_or(60_000)),
            snapshot_every: 0,
        }
    }

    /// The consumer group of a role.
    pub fn group(&self, role: Role) -> String {
        format!("{}-{}", self.application, role.as_str())
    }

    /// The transactional id of this worker: stable, so that a restart settles at once what it left open.
    pub fn transactional_id(&self, role: Role) -> String {
        format!("{}-{}-{}", self.application, role.as_str(), self.member)
    }

    pub(super) const fn limits(&self) -> Gather {
        Gather { records: self.batch_records, bytes: self.batch_bytes, linger: self.linger, wait: self.wait }
    }
}

/// Waits longer from try to try, and says so.
pub(super) struct Backoff(Duration);

impl Backoff {
    const FIRST: Duration = Duration::from_millis(200);
    const LONGEST: Duration = Duration::from_secs(10);

    pub const fn new() -> Self {
        Backoff(Self::FIRST)
    }

    pub const fn reset(&mut self) {
        self.0 = Self::FIRST;
    }

    pub fn wait(&mut self, role: Role, observer: &dyn Observer, stop: &Stop, why: &str) {
        observer.happened(&Happening::Unreachable { role, why, retry: self.0 });
        let mut left = self.0;
        let slice = Duration::from_millis(50);
        while !left.is_zero() && !stop.is_stopped() {
            std::thread::sleep(left.min(slice));
            left = left.saturating_sub(slice);
        }
        self.0 = (self.0 * 2).min(Self::LONGEST);
    }
}
