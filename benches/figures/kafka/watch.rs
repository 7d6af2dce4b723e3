//! Counts what the workers say, and lets others wait for it.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use attestream::event::Topic;
use attestream::telemetry::{Happening, Observer, Role};

use crate::Outcome;
use crate::spent::Start;

/// Nothing was heard of for so long: something hangs.
const PATIENCE: Duration = Duration::from_secs(120);

#[derive(Default)]
pub struct Watch {
    seen: Mutex<Seen>,
    changed: Condvar,
}

#[derive(Default)]
struct Seen {
    /// From the first gathered records on.
    start: Option<Start>,
    admitted: u64,
    folded: u64,
    verified: u64,
    problem: Option<String>,
}

impl Watch {
    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the fold has given `records` their fate.
    pub fn wait_folded(&self, records: u64) -> Outcome<()> {
        let mut seen = self.lock();
        let (mut last, mut since) = (0, Instant::now());
        while seen.folded < records {
            if let Some(problem) = &seen.problem {
                return Err(problem.clone().into());
            }
            if seen.folded + seen.admitted != last {
                (last, since) = (seen.folded + seen.admitted, Instant::now());
            }
            if since.elapsed() > PATIENCE {
                return Err(format!("{} of {records} records have a fate, and no more come", seen.folded).into());
            }
            seen = self.changed.wait_timeout(seen, PATIENCE).unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(())
    }

    /// When the first records came.
    pub fn start(&self) -> Outcome<Start> {
        Ok(self.lock().start.ok_or("nothing was received")?)
    }

    /// Fails unless exactly so many events became verified.
    pub fn all_verified(&self, events: usize) -> Outcome<()> {
        let verified = usize::try_from(self.lock().verified)?;
        if verified == events { Ok(()) } else { Err(format!("{verified} of {events} events are verified").into()) }
    }

    /// Ledger records that have their fate, control not counted.
    pub fn folded(&self) -> u64 {
        self.lock().folded
    }
}

impl Observer for Watch {
    fn happened(&self, happening: &Happening<'_>) {
        let mut seen = self.lock();
        match happening {
            Happening::Received { topic, .. } if topic.topic != Topic::Control && seen.start.is_none() => {
                seen.start = Start::now().ok();
            }
            Happening::Fates { role: Role::Admission, records, .. } => seen.admitted += records,
            Happening::Fates { role: Role::Ledger, fate, records } if *fate != "control" => seen.folded += records,
            Happening::Verdict { status: "verified", .. } => seen.verified += 1,
            Happening::DeadLettered { .. } | Happening::Stopped { .. } | Happening::Recovering { .. } => {
                seen.problem = Some(format!("{happening:?}"));
            }
            _ => return,
        }
        self.changed.notify_all();
    }
}
