//! The whole path: a backlog of inputs through both workers on one log, until the fold has given every record its fate.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use attestream::admission::ports::Objects;
use attestream::cas::FolderObjects;
use attestream::event::{Millis, Topic};
use attestream::log::{Log, LogError, Outlet};
use attestream::processor::genesis::{Seed, init};
use attestream::processor::{AdmissionWorker, LedgerWorker, Stop, WorkerSettings};
use attestream::rocks::{LocalLog, MemoryBudget, RocksStates};
use attestream::telemetry::{Happening, Observer, Point, Role};

use attestream::verdict::VERIFIER_EPOCH;

use crate::Outcome;
use crate::inputs::{Inputs, Pair};
use crate::report::{Report, Unit};
use crate::spent::{Spent, Start};

const PATIENCE: Duration = Duration::from_secs(600);
/// Events that a producer sends in one transaction.
const SENT_AT_ONCE: usize = 250;

/// The time of day: inputs are made and admitted at it.
pub fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// The embedded log in a folder of its own.
pub fn local(report: &mut Report, inputs: &Inputs) -> Outcome<()> {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let budget = MemoryBudget::default();
    let log = LocalLog::open(&dir.path().join("log"), &[], &budget)?;
    let plant = Plant::new(log, dir.path(), budget, inputs)?;
    let (count, name) = (inputs.pairs.len(), inputs.scheme.name());
    let took = plant.drain(&inputs.pairs)?;
    report.add(&format!("embedded log: {name}"), Unit::Event, count, took);
    let took = plant.drain(&inputs.pairs)?;
    report.add(&format!("embedded log: {name}, again"), Unit::Event, count, took);
    Ok(())
}

/// A log with its genesis, and where states and objects lie.
pub struct Plant<L> {
    log: L,
    objects: Arc<dyn Objects>,
    data: std::path::PathBuf,
    budget: MemoryBudget,
}

impl<L: Log> Plant<L> {
    pub fn new(log: L, data: &std::path::Path, budget: MemoryBudget, inputs: &Inputs) -> Outcome<Self> {
        let root = Some(inputs.root.clone());
        let tenants = inputs.tenants.clone();
        let (ledger, verifier) = ("01FIGURES".to_owned(), "attestream".to_owned());
        init(&log, "figures", Seed { ledger, verifier, epoch: VERIFIER_EPOCH, at: inputs.at, root, tenants })?;
        let objects = Arc::new(FolderObjects::open(&data.join("objects"))?);
        Ok(Plant { log, objects, data: data.to_owned(), budget })
    }

    /// Sends everything, then starts both workers; what they took from the first input to the last fate.
    pub fn drain(&self, pairs: &[Pair]) -> Outcome<Spent> {
        let mut outlet = self.log.outlet("producer")?;
        for pairs in pairs.chunks(SENT_AT_ONCE) {
            outlet.begin()?;
            for input in pairs.iter().flat_map(|pair| [&pair.document, &pair.evidence]) {
                outlet.append(input.clone())?;
            }
            outlet.commit()?;
        }
        drop(outlet);
        let watch = Arc::new(Watch::default());
        let stop = Stop::default();
        let threads = self.start(&watch, &stop);
        let took = watch.wait(2 * u64::try_from(pairs.len())?);
        stop.stop();
        for thread in threads {
            thread.join().map_err(|_| "a worker panicked")??;
        }
        took
    }

    fn start(&self, watch: &Arc<Watch>, stop: &Stop) -> [JoinHandle<Result<(), LogError>>; 2] {
        let observer: Arc<dyn Observer> = Arc::clone(watch) as Arc<dyn Observer>;
        let settings = WorkerSettings::new("figures", "one");
        let states = RocksStates::new(&self.data, 1, self.budget.clone(), Arc::clone(&observer));
        let mut admission = AdmissionWorker::new(
            self.log.clone(),
            Arc::clone(&self.objects),
            settings.clone(),
            Arc::clone(&observer),
            Arc::new(now),
        );
        let (log, own) = (self.log.clone(), [stop.clone(), stop.clone()]);
        let [first, second] = own;
        [
            std::thread::spawn(move || admission.run(&first)),
            std::thread::spawn(move || LedgerWorker::new(log, states, settings, observer)?.run(&second)),
        ]
    }
}

/// Counts fates of ledger records. The stretch begins with the gathered batch that brings the first input.
#[derive(Default)]
struct Watch {
    seen: Mutex<Seen>,
    changed: Condvar,
}

#[derive(Default)]
struct Seen {
    start: Option<Start>,
    begun: bool,
    fates: u64,
    problem: Option<String>,
}

impl Watch {
    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `records` have their fate.
    fn wait(&self, records: u64) -> Outcome<Spent> {
        let begun = Instant::now();
        let mut seen = self.lock();
        while seen.fates < records {
            if let Some(problem) = &seen.problem {
                return Err(problem.clone().into());
            }
            if begun.elapsed() > PATIENCE {
                return Err(format!("{} of {records} records have a fate", seen.fates).into());
            }
            seen = self.changed.wait_timeout(seen, PATIENCE).unwrap_or_else(PoisonError::into_inner).0;
        }
        seen.start.ok_or("no input was received")?.spent()
    }
}

impl Observer for Watch {
    fn happened(&self, happening: &Happening<'_>) {
        let mut seen = self.lock();
        match happening {
            Happening::Passed { role: Role::Admission, point: Point::Gathered } if !seen.begun => {
                seen.start = Start::now().ok();
            }
            Happening::Received { role: Role::Admission, topic, .. } if topic.topic != Topic::Control => {
                seen.begun = true
            }
            Happening::Fates { role: Role::Ledger, fate, records } if *fate != "control" => {
                seen.fates += records;
            }
            Happening::DeadLettered { .. } | Happening::Stopped { .. } | Happening::Recovering { .. } => {
                seen.problem = Some(format!("{happening:?}"));
            }
            _ => return,
        }
        self.changed.notify_all();
    }
}
