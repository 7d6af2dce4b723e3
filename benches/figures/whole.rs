//! The whole path, and the ledger stage alone: a backlog through the workers on one log, until every record has its fate.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{SystemTime, UNIX_EPOCH};

use attestream::admission::ports::Objects;
use attestream::cas::FolderObjects;
use attestream::event::{Millis, Topic};
use attestream::ledger::LedgerRecord;
use attestream::log::{Log, LogError, Outgoing, Outlet};
use attestream::processor::genesis::{Seed, init};
use attestream::processor::{AdmissionWorker, LedgerWorker, Stop, WorkerSettings};
use attestream::rocks::{LocalLog, MemoryBudget, RocksStates};
use attestream::telemetry::{Observer, Role};
use attestream::verdict::VERIFIER_EPOCH;

use crate::Outcome;
use crate::forget;
use crate::inputs::{Inputs, Pair};
use crate::report::{Report, Unit};
use crate::spent::{Spent, Start};
use crate::watch::Watch;

/// The ledger's id, everywhere.
pub const LEDGER: &str = "01FIGURES";
/// Records that a producer sends in one transaction.
const SENT_AT_ONCE: usize = 500;

/// The time of day: inputs are made and admitted at it.
pub fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// The embedded log in a folder of its own.
pub fn local(report: &mut Report, inputs: &Inputs) -> Outcome<()> {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let plant = Plant::local(dir.path(), inputs)?;
    let (count, name) = (inputs.pairs.len(), inputs.scheme.name());
    forget::everything();
    let took = plant.drain(&inputs.pairs)?;
    report.add(&embedded(name), Unit::Event, count, took);
    let took = plant.drain(&inputs.pairs)?;
    report.add(&embedded(&format!("{name}, again")), Unit::Event, count, took);
    Ok(())
}

/// The figure of the whole path on the embedded log.
pub fn embedded(name: &str) -> String {
    format!("embedded log: {name}")
}

/// A log with its genesis, and where states and objects lie.
pub struct Plant<L> {
    pub log: L,
    objects: Arc<dyn Objects>,
    data: PathBuf,
    budget: MemoryBudget,
}

impl Plant<LocalLog> {
    /// On a local log whose ledger has one partition, all in one folder.
    pub fn local(dir: &Path, inputs: &Inputs) -> Outcome<Self> {
        let budget = MemoryBudget::default();
        let log = LocalLog::open(&dir.join("log"), &[(Topic::Ledger, 1)], &budget)?;
        Plant::new(log, dir, budget, inputs)
    }
}

impl<L: Log> Plant<L> {
    pub fn new(log: L, data: &Path, budget: MemoryBudget, inputs: &Inputs) -> Outcome<Self> {
        let root = Some(inputs.root.clone());
        let tenants = inputs.tenants.clone();
        let (ledger, verifier) = (LEDGER.to_owned(), "attestream".to_owned());
        init(&log, "figures", Seed { ledger, verifier, epoch: VERIFIER_EPOCH, at: inputs.at, root, tenants })?;
        let objects = Arc::new(FolderObjects::open(&data.join("objects"))?);
        Ok(Plant { log, objects, data: data.to_owned(), budget })
    }

    /// Where the state of the ledger's first partition lies.
    pub fn state(&self) -> PathBuf {
        self.data.join("state").join("0")
    }

    /// Sends everything, then starts both workers; what they took from the first input to the last fate.
    pub fn drain(&self, pairs: &[Pair]) -> Outcome<Spent> {
        self.send(pairs.iter().flat_map(|pair| [pair.document.clone(), pair.evidence.clone()]))?;
        let (watch, stop) = (Arc::new(Watch::from(Role::Admission)), Stop::default());
        let threads = [self.admission(&watch, &stop), self.ledger(&watch, &stop)];
        let took = watch.fates(2 * u64::try_from(pairs.len())?);
        end(&stop, threads)?;
        took
    }

    /// Writes ledger records, then starts the ledger worker alone; what it took from the first of them to the last fate.
    pub fn drain_ledger(&self, records: &[LedgerRecord]) -> Outcome<Spent> {
        self.write_ledger(records)?;
        self.drain_written(records.len())
    }

    /// The same of so many records that were written before.
    pub fn drain_written(&self, records: usize) -> Outcome<Spent> {
        let (watch, stop) = (Arc::new(Watch::from(Role::Ledger)), Stop::default());
        let threads = [self.ledger(&watch, &stop)];
        let took = watch.fates(u64::try_from(records)?);
        end(&stop, threads)?;
        took
    }

    /// Starts the ledger worker and ends it as soon as it has been brought up; how many records it folded silently, and
    /// what that took.
    pub fn bring_up(&self) -> Outcome<(u64, Spent)> {
        let (watch, stop) = (Arc::new(Watch::from(Role::Ledger)), Stop::default());
        let start = Start::now()?;
        let threads = [self.ledger(&watch, &stop)];
        let records = watch.caught_up().and_then(|records| Ok((records, start.spent()?)));
        end(&stop, threads)?;
        records
    }

    pub fn write_ledger(&self, records: &[LedgerRecord]) -> Outcome<()> {
        self.send(records.iter().map(|record| Outgoing {
            topic: Topic::Ledger,
            owner: None,
            partition: Some(0),
            key: Some(record.tenant.as_str().as_bytes().to_vec()),
            value: Some(record.to_bytes()),
            headers: Vec::new(),
        }))
    }

    pub fn send(&self, records: impl Iterator<Item = Outgoing>) -> Outcome<()> {
        let mut outlet = self.log.outlet("producer")?;
        let mut records = records.peekable();
        while records.peek().is_some() {
            outlet.begin()?;
            for record in records.by_ref().take(SENT_AT_ONCE) {
                outlet.append(record)?;
            }
            outlet.commit()?;
        }
        Ok(())
    }

    fn admission(&self, watch: &Arc<Watch>, stop: &Stop) -> JoinHandle<Result<(), LogError>> {
        let observer: Arc<dyn Observer> = Arc::clone(watch) as Arc<dyn Observer>;
        let (log, objects) = (self.log.clone(), Arc::clone(&self.objects));
        let mut worker = AdmissionWorker::new(log, objects, settings(), observer, Arc::new(now));
        let stop = stop.clone();
        std::thread::spawn(move || worker.run(&stop))
    }

    fn ledger(&self, watch: &Arc<Watch>, stop: &Stop) -> JoinHandle<Result<(), LogError>> {
        let observer: Arc<dyn Observer> = Arc::clone(watch) as Arc<dyn Observer>;
        let states = RocksStates::new(&self.data, 1, self.budget.clone(), Arc::clone(&observer));
        let (log, stop) = (self.log.clone(), stop.clone());
        std::thread::spawn(move || LedgerWorker::new(log, states, settings(), observer)?.run(&stop))
    }
}

fn settings() -> WorkerSettings {
    WorkerSettings::new("figures", "one")
}

fn end<const N: usize>(stop: &Stop, threads: [JoinHandle<Result<(), LogError>>; N]) -> Outcome<()> {
    stop.stop();
    for thread in threads {
        thread.join().map_err(|_| "a worker panicked")??;
    }
    Ok(())
}
