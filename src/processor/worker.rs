//! What both workers share: settings, the stop flag, limits of a batch, and the way back after a failure.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

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

/// How time passes for a worker: the process's own, unless a simulation says otherwise.
#[derive(Clone)]
pub struct Pace {
    elapsed: Arc<dyn Fn() -> Duration + Send + Sync>,
    sleep: Arc<dyn Fn(Duration) + Send + Sync>,
}

impl Pace {
    /// `elapsed` never goes back; `sleep` returns when that much has passed.
    pub fn new(
        elapsed: impl Fn() -> Duration + Send + Sync + 'static,
        sleep: impl Fn(Duration) + Send + Sync + 'static,
    ) -> Self {
        Pace { elapsed: Arc::new(elapsed), sleep: Arc::new(sleep) }
    }

    pub fn of_the_process() -> Self {
        let begun = Instant::now();
        Pace::new(move || begun.elapsed(), std::thread::sleep)
    }

    pub(super) fn elapsed(&self) -> Duration {
        (self.elapsed)()
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
    pub pace: Pace,
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
            pace: Pace::of_the_process(),
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
pub(super) struct Backoff {
    next: Duration,
    pace: Pace,
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(200);
    const LONGEST: Duration = Duration::from_secs(10);

    pub fn new(pace: &Pace) -> Self {
        Backoff { next: Self::FIRST, pace: pace.clone() }
    }

    pub const fn reset(&mut self) {
        self.next = Self::FIRST;
    }

    pub fn wait(&mut self, role: Role, observer: &dyn Observer, stop: &Stop, why: &str) {
        observer.happened(&Happening::Unreachable { role, why, retry: self.next });
        let mut left = self.next;
        let slice = Duration::from_millis(50);
        while !left.is_zero() && !stop.is_stopped() {
            (self.pace.sleep)(left.min(slice));
            left = left.saturating_sub(slice);
        }
        self.next = (self.next * 2).min(Self::LONGEST);
    }
}
