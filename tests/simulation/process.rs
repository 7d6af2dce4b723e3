//! One process with a worker of each role, run turn by turn.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use attestream::ledger::record::Body;
use attestream::ledger::{FoldError, Folding, LedgerRecord, Step};
use attestream::log::LogError;
use attestream::log::memory::MemoryLog;
use attestream::processor::partition::Fold;
use attestream::processor::{AdmissionWorker, LedgerWorker, Stop, WorkerSettings, admission_worker, ledger_worker};
use attestream::telemetry::{Observer, Role};

use super::folders::Folder;
use super::watch::Watch;
use super::world::World;

/// Prefix of the ids of the deployment.
pub const APPLICATION: &str = "sim";

/// A worker with its membership, while it has one.
struct Seat<W, M> {
    worker: Option<W>,
    membership: Option<M>,
    /// Turns that it waits after a failure.
    rests: u64,
}

impl<W, M> Seat<W, M> {
    const fn empty() -> Self {
        Seat { worker: None, membership: None, rests: 0 }
    }
}

pub struct Process {
    slot: usize,
    pub folder: Folder,
    settings: WorkerSettings,
    fold: Fold,
    admission: Seat<AdmissionWorker<MemoryLog>, admission_worker::Membership<MemoryLog>>,
    ledger: Seat<LedgerWorker<MemoryLog, Folder>, ledger_worker::Membership<MemoryLog>>,
}

/// A fold with a defect: it panics at one document.
fn defective(folding: &mut Folding<'_>, record: &LedgerRecord) -> Result<Step, FoldError> {
    if let Body::Admitted(admitted) = &record.body
        && admitted.source.key.as_deref().is_some_and(|key| key.ends_with(b"/poison"))
    {
        std::panic::resume_unwind(Box::new("planted"));
    }
    folding.fold(record)
}

impl Process {
    pub fn start(world: &World, slot: usize, folder: Folder) -> Self {
        let setup = &world.slots[slot].setup;
        let settings = WorkerSettings {
            batch_records: setup.batch,
            linger: Duration::ZERO,
            wait: Duration::ZERO,
            tick: Duration::from_millis(setup.tick_ms),
            snapshot_every: setup.snapshot_every,
            pace: world.clock.pace(),
            ..WorkerSettings::new(APPLICATION, setup.name)
        };
        let sound: Fold = |folding: &mut Folding<'_>, record| folding.fold(record);
        let fold = if world.director().defective { defective as Fold } else { sound };
        Process { slot, folder, settings, fold, admission: Seat::empty(), ledger: Seat::empty() }
    }

    fn observer(&self, world: &World, role: Role) -> Arc<dyn Observer> {
        Arc::new(Watch::new(world, self.slot, role))
    }

    /// One turn of the worker of a role, or the beginning of its membership. A death unwinds.
    pub fn turn(&mut self, world: &World, role: Role) {
        let rests = match role {
            Role::Admission => &mut self.admission.rests,
            Role::Ledger => &mut self.ledger.rests,
        };
        if *rests > 0 {
            *rests -= 1;
            // Who waits will go on: a plant in which everybody rests has not come to its end (seed 55607).
            world.director().moved += 1;
            return;
        }
        world.clock.turn_begins();
        let ended = match role {
            Role::Admission => self.turn_of_admission(world),
            Role::Ledger => self.turn_of_ledger(world),
        };
        let Err(error) = ended else { return };
        let gives_up = matches!(error, LogError::Configuration(_) | LogError::Record(_));
        assert!(!gives_up, "the worker of {} gives up: {error}", role.as_str());
        world.director().failed(self.slot, role, &error);
        let rests = world.director().numbers.below(6);
        match role {
            Role::Admission => (self.admission.membership, self.admission.rests) = (None, rests),
            Role::Ledger => (self.ledger.membership, self.ledger.rests) = (None, rests),
        }
    }

    fn turn_of_admission(&mut self, world: &World) -> Result<(), LogError> {
        let observer = self.observer(world, Role::Admission);
        let settings = &self.settings;
        let worker = self.admission.worker.get_or_insert_with(|| {
            let clock = world.clock.skewed(world.slots[self.slot].setup.skew_ms);
            AdmissionWorker::new(world.log.clone(), world.objects.port(), settings.clone(), observer, clock)
        });
        match &mut self.admission.membership {
            Some(membership) => worker.turn(membership, &Stop::default()),
            none => {
                *none = Some(worker.join()?);
                Ok(())
            }
        }
    }

    fn turn_of_ledger(&mut self, world: &World) -> Result<(), LogError> {
        if self.ledger.worker.is_none() {
            let observer = self.observer(world, Role::Ledger);
            let worker = LedgerWorker::new(world.log.clone(), self.folder.clone(), self.settings.clone(), observer)?;
            self.ledger.worker = Some(worker.with_fold(self.fold));
        }
        let Some(worker) = &mut self.ledger.worker else { return Ok(()) };
        match &mut self.ledger.membership {
            Some(membership) => worker.turn(membership),
            none => {
                *none = Some(worker.join()?);
                Ok(())
            }
        }
    }

    /// What the group and the coordinator still believe in when a process is gone.
    pub fn remains(self) -> Vec<Box<dyn Any + Send>> {
        vec![Box::new(self.admission.membership), Box::new(self.ledger.membership)]
    }
}
