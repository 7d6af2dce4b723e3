//! What a plant does, from its happenings: when the first input came, and how many records have their fate.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use attestream::event::Topic;
use attestream::telemetry::{Happening, Observer, Point, Role};

use crate::Outcome;
use crate::spent::{Spent, Start};

const PATIENCE: Duration = Duration::from_secs(1_800);

/// Counts fates of ledger records. The stretch begins with the gathered batch that brings the first input to `from`.
pub struct Watch {
    from: Role,
    seen: Mutex<Seen>,
    changed: Condvar,
}

#[derive(Default)]
struct Seen {
    start: Option<Start>,
    begun: bool,
    fates: u64,
    /// Records that were folded silently, once a partition has been brought up.
    caught_up: Option<u64>,
    problem: Option<String>,
}

impl Watch {
    pub fn from(from: Role) -> Self {
        Watch { from, seen: Mutex::default(), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `records` have their fate; what they took from the first input.
    pub fn fates(&self, records: u64) -> Outcome<Spent> {
        let seen = self.until(|seen| seen.fates >= records)?;
        seen.start.ok_or("no input was received")?.spent()
    }

    /// Waits until a partition has been brought up; how many records that took.
    pub fn caught_up(&self) -> Outcome<u64> {
        Ok(self.until(|seen| seen.caught_up.is_some())?.caught_up.unwrap_or_default())
    }

    fn until(&self, done: impl Fn(&Seen) -> bool) -> Outcome<MutexGuard<'_, Seen>> {
        let begun = Instant::now();
        let mut seen = self.lock();
        while !done(&seen) {
            if let Some(problem) = &seen.problem {
                return Err(problem.clone().into());
            }
            if begun.elapsed() > PATIENCE {
                return Err(format!("only {} records have a fate", seen.fates).into());
            }
            seen = self.changed.wait_timeout(seen, PATIENCE).unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(seen)
    }
}

impl Observer for Watch {
    fn happened(&self, happening: &Happening<'_>) {
        let mut seen = self.lock();
        match happening {
            Happening::Passed { role, point: Point::Gathered } if *role == self.from && !seen.begun => {
                seen.start = Start::now().ok();
            }
            Happening::Received { role, topic, .. } if *role == self.from && topic.topic != Topic::Control => {
                seen.begun = true;
            }
            Happening::Fates { role: Role::Ledger, fate, records } if *fate != "control" => {
                seen.fates += records;
            }
            Happening::CaughtUp { records, .. } => seen.caught_up = Some(*records),
            Happening::DeadLettered { .. } | Happening::Stopped { .. } | Happening::Recovering { .. } => {
                seen.problem = Some(format!("{happening:?}"));
            }
            _ => return,
        }
        self.changed.notify_all();
    }
}
