//! Threads that work: one per role, and the one that looks at the lag.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::admission::ports::Objects;
use crate::cli::verify::now;
use crate::gateway::lag::LagWatch;
use crate::ledger::state::States;
use crate::log::{Log, LogError};
use crate::processor::{AdmissionWorker, Backlog, LedgerWorker, Stop, WorkerSettings};
use crate::telemetry::{Happening, Observer, Role};

/// How often the lag is looked at.
const LAG_EVERY: Duration = Duration::from_secs(2);
/// Between two tries to begin.
const RETRY: Duration = Duration::from_secs(1);
/// How soon a stop is noticed.
const SLICE: Duration = Duration::from_millis(50);

/// A worker ended: in order, or with what no retry can mend.
pub struct Ended {
    pub role: Role,
    pub outcome: Result<(), LogError>,
}

/// Sends `Ended` also where the worker panics: then nobody else would say so.
struct Farewell {
    role: Role,
    ended: Sender<Ended>,
    outcome: Option<Result<(), LogError>>,
}

impl Drop for Farewell {
    fn drop(&mut self) {
        let panicked = || Err(LogError::Record("the worker panicked".to_owned()));
        let outcome = self.outcome.take().unwrap_or_else(panicked);
        // Nobody waits any more where the process ends.
        drop(self.ended.send(Ended { role: self.role, outcome }));
    }
}

fn spawn(
    role: Role,
    ended: Sender<Ended>,
    work: impl FnOnce() -> Result<(), LogError> + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name(role.as_str().to_owned()).spawn(move || {
        let mut farewell = Farewell { role, ended, outcome: None };
        farewell.outcome = Some(work());
    })
}

pub fn admission<L: Log>(
    log: L,
    objects: Arc<dyn Objects>,
    settings: WorkerSettings,
    observer: Arc<dyn Observer>,
    backlog: Arc<Backlog>,
    stop: Stop,
    ended: Sender<Ended>,
) -> io::Result<JoinHandle<()>> {
    spawn(Role::Admission, ended, move || {
        AdmissionWorker::new(log, objects, settings, observer, Arc::new(now)).with_backlog(backlog).run(&stop)
    })
}

pub fn ledger<L: Log, S: States + Clone + 'static>(
    log: L,
    states: S,
    settings: WorkerSettings,
    observer: Arc<dyn Observer>,
    stop: Stop,
    ended: Sender<Ended>,
) -> io::Result<JoinHandle<()>> {
    spawn(Role::Ledger, ended, move || {
        // Until the log answers and has a genesis.
        while !stop.is_stopped() {
            match LedgerWorker::new(log.clone(), states.clone(), settings.clone(), Arc::clone(&observer)) {
                Ok(mut worker) => return worker.run(&stop),
                Err(error @ (LogError::Configuration(_) | LogError::Record(_))) => return Err(error),
                Err(error) => {
                    let why = error.to_string();
                    observer.happened(&Happening::Unreachable { role: Role::Ledger, why: &why, retry: RETRY });
                    pause(&stop, RETRY);
                }
            }
        }
        Ok(())
    })
}

pub fn lag<L: Log>(mut watch: LagWatch<L>, stop: Stop) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name("lag".to_owned()).spawn(move || {
        while !stop.is_stopped() {
            watch.look(now());
            pause(&stop, LAG_EVERY);
        }
    })
}

/// Waits, and no longer than until the stop.
pub fn pause(stop: &Stop, wait: Duration) {
    let mut left = wait;
    while !left.is_zero() && !stop.is_stopped() {
        thread::sleep(left.min(SLICE));
        left = left.saturating_sub(SLICE);
    }
}
