//! The log, the instances and everything that may happen to them, in one thread.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError, Weak};

use attestream::event::Topic;
use attestream::log::Partition;
use attestream::log::memory::MemoryLog;
use attestream::telemetry::{Point, Role};

use super::blows::Death;
use super::clock::SimClock;
use super::director::Director;
use super::folders::{Depot, Folder, Harm};
use super::holes::Hole;
use super::objects::SimObjects;
use super::process::{APPLICATION, Process};

pub const ROLES: [Role; 2] = [Role::Admission, Role::Ledger];

/// What one instance is like.
pub struct Setup {
    pub name: &'static str,
    pub batch: usize,
    pub tick_ms: u64,
    pub snapshot_every: u64,
    /// How far its clock is off.
    pub skew_ms: i64,
}

/// The place of one instance: its process, or how long it stays away.
pub struct Slot {
    pub setup: Setup,
    process: Mutex<Option<Process>>,
    /// A process of the same name that was started while the first one slept.
    successor: Mutex<Option<Process>>,
    away: Mutex<Away>,
}

/// An instance that is gone.
struct Away {
    folder: Folder,
    restart_in: u64,
    /// When the group notices.
    evict_in: Option<u64>,
    harm: Option<Harm>,
}

pub struct World {
    me: Weak<World>,
    pub log: MemoryLog,
    pub objects: SimObjects,
    pub clock: SimClock,
    pub slots: Vec<Slot>,
    depot: Depot,
    director: Mutex<Director>,
    /// Memberships and open transactions of processes that are gone.
    remains: Mutex<Vec<Box<dyn Any + Send>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    pub fn new(log: MemoryLog, clock: SimClock, setups: Vec<Setup>, director: Director) -> Arc<Self> {
        let depot = Depot::default();
        let slot = |setup| {
            let away = Away { folder: Folder::new(&depot), restart_in: 0, evict_in: None, harm: None };
            Slot { setup, process: Mutex::default(), successor: Mutex::default(), away: Mutex::new(away) }
        };
        let slots = setups.into_iter().map(slot).collect();
        let (objects, director, remains) = (SimObjects::default(), Mutex::new(director), Mutex::default());
        Arc::new_cyclic(|me| World { me: me.clone(), log, objects, clock, slots, depot, director, remains })
    }

    pub fn weak(&self) -> Weak<World> {
        self.me.clone()
    }

    pub fn director(&self) -> MutexGuard<'_, Director> {
        lock(&self.director)
    }

    pub fn group(role: Role) -> String {
        format!("{APPLICATION}-{}", role.as_str())
    }

    pub fn transactional_id(&self, slot: usize, role: Role) -> String {
        format!("{}-{}", Self::group(role), self.slots[slot].setup.name)
    }

    pub fn evict(&self, slot: usize, role: Role) {
        self.log.evict(&Self::group(role), self.slots[slot].setup.name);
    }

    /// The folder of an instance, running or not.
    pub fn folder(&self, slot: usize) -> Folder {
        lock(&self.slots[slot].away).folder.clone()
    }

    pub fn fresh_folder(&self) -> Folder {
        Folder::new(&self.depot)
    }

    /// One turn of an instance's worker, where it runs and is not in a turn already.
    pub fn turn(self: &Arc<Self>, slot: usize, role: Role) {
        let mut place = match self.slots[slot].process.try_lock() {
            Ok(place) => place,
            Err(TryLockError::Poisoned(place)) => place.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        let Some(process) = place.as_mut() else { return };
        let ended = catch_unwind(AssertUnwindSafe(|| process.turn(self, role)));
        if let Err(payload) = ended {
            let death = payload.downcast::<Death>().unwrap_or_else(|payload| resume_unwind(payload));
            self.die(slot, role, &mut place, &death);
        }
        self.settle_succession(slot, &mut place);
        drop(place);
    }

    /// Of two processes with one name, one is ended: the one that slept, or the one that took its place.
    fn settle_succession(&self, slot: usize, place: &mut Option<Process>) {
        let Some(successor) = lock(&self.slots[slot].successor).take() else { return };
        if place.is_some() && self.director().numbers.one_in(2) {
            self.director().tell("  the one that slept is ended".to_owned());
            lock(&self.slots[slot].away).folder = successor.folder.clone();
            *place = Some(successor);
        } else {
            self.director().tell("  the one that took its place is ended".to_owned());
            drop(successor);
        }
    }

    pub fn succeed(&self, slot: usize, process: Process) {
        *lock(&self.slots[slot].successor) = Some(process);
    }

    fn die(&self, slot: usize, role: Role, place: &mut Option<Process>, death: &Death) {
        {
            let mut director = self.director();
            let stage = director.stages.get(&(slot, role)).copied().unwrap_or_default();
            let point = stage.point.map_or("between turns", Point::as_str);
            director.tally.crashes += 1;
            *director.tally.died_at.entry((role.as_str(), point)).or_default() += 1;
            if stage.is_open() {
                director.tally.hole(Hole::Aborted);
            }
            if death.power && matches!(stage.point, Some(Point::Committed | Point::Remembered | Point::Snapshotted)) {
                director.tally.hole(Hole::PowerFailure);
            }
            director.tell(format!("  {} dies at {point}", self.slots[slot].setup.name));
        }
        self.end(slot, place, death.hard);
        if death.power {
            self.power_fails(slot);
        }
    }

    /// Everything dies at once; what was acknowledged stands in the log, and folders lose what they had not synced.
    fn power_fails(&self, first: usize) {
        for slot in 0..self.slots.len() {
            if slot != first {
                self.end(slot, &mut lock(&self.slots[slot].process), false);
            }
            let depth = self.director().numbers.index(4);
            lock(&self.slots[slot].away).folder.harm(Harm::Behind, depth);
        }
        if self.director().numbers.one_in(2) {
            // The broker kept no offsets of the idle group; the positions stand in.
            for number in 0..3 {
                let partition = Partition::of(Topic::Ledger, number);
                self.log.forget(&Self::group(Role::Ledger), partition);
            }
            self.director().tally.saw("forgotten offsets");
        }
        self.director().tally.saw("power failures");
    }

    /// Ends a process. `hard`: its memberships and its open transaction stay behind.
    fn end(&self, slot: usize, place: &mut Option<Process>, hard: bool) {
        let Some(process) = place.take() else { return };
        let mut director = self.director();
        director.moved += 1;
        director.stages.retain(|(at, _), _| *at != slot);
        director.stops.retain(|(at, _)| *at != slot);
        let (restart_in, evict_in) = (director.numbers.below(24), hard.then(|| director.numbers.below(24)));
        let harm = match director.numbers.below(48) {
            0..=5 => Some(Harm::Lost),
            6..=9 => Some(Harm::Behind),
            10 | 11 => Some(Harm::Ahead),
            12 | 13 => Some(Harm::Foreign),
            14 | 15 => Some(Harm::OtherLedger),
            _ => None,
        };
        drop(director);
        let folder = process.folder.clone();
        if hard {
            lock(&self.remains).extend(process.remains());
        } else {
            drop(process);
        }
        *lock(&self.slots[slot].away) = Away { folder, restart_in, evict_in, harm };
    }

    /// An instance is ended between two turns: in order, or not.
    pub fn stop(&self, slot: usize, hard: bool) {
        self.end(slot, &mut lock(&self.slots[slot].process), hard);
    }

    pub fn runs(&self, slot: usize) -> bool {
        lock(&self.slots[slot].process).is_some()
    }

    /// Time passes for who is away: groups notice, and processes come back.
    pub fn wake(&self, at_once: bool) {
        for (at, slot) in self.slots.iter().enumerate() {
            let mut place = lock(&slot.process);
            if place.is_some() {
                continue;
            }
            let mut away = lock(&slot.away);
            if away.evict_in == Some(0) {
                away.evict_in = None;
                ROLES.into_iter().for_each(|role| self.evict(at, role));
                self.director().tally.saw("sessions that ended");
            }
            away.evict_in = away.evict_in.map(|left| left - 1);
            if away.restart_in > 0 && !at_once {
                away.restart_in -= 1;
                continue;
            }
            let folder = away.folder.clone();
            if let Some(harm) = away.harm.take() {
                let depth = self.director().numbers.index(4);
                folder.harm(harm, depth);
                let mut director = self.director();
                director.tally.saw(name_of(harm));
                director.excused.retain(|(slot, _)| *slot != at || harm != Harm::Lost);
                match harm {
                    Harm::Ahead => drop(director.excused.insert((at, "state-ahead"))),
                    Harm::Foreign => drop(director.excused.insert((at, "state-foreign"))),
                    _ => {}
                }
            }
            away.evict_in = None;
            drop(away);
            self.director().tell(format!("  {} starts", slot.setup.name));
            *place = Some(Process::start(self, at, folder));
        }
    }

    /// What an operator does about partitions that stopped.
    pub fn look_after(&self) {
        let stops: Vec<(usize, &'static str)> = self.director().stops.iter().copied().collect();
        for (slot, code) in stops {
            if code == "fold-panicked" {
                // A binary without the defect.
                self.director().defective = false;
            }
            self.stop(slot, false);
            self.director().stops.remove(&(slot, code));
            let mut away = lock(&self.slots[slot].away);
            away.harm = matches!(code, "state-ahead" | "state-foreign").then_some(Harm::Lost);
        }
    }

    /// Another instance than this one leaves, or comes.
    pub fn stir(&self, slot: usize) {
        let other = (slot + 1) % self.slots.len();
        let Ok(mut place) = self.slots[other].process.try_lock() else { return };
        if place.is_some() {
            self.end(other, &mut place, false);
            self.director().tally.saw("leaves in mid-batch");
            return;
        }
        let folder = self.folder(other);
        *place = Some(Process::start(self, other, folder));
        self.director().tally.saw("joins in mid-batch");
    }

    /// Lets the others go on for some turns while this one is at its point.
    pub fn meanwhile(self: &Arc<Self>, slot: usize, role: Role, turns: u64) {
        self.deeper(|| {
            for _ in 0..turns {
                let (other, any) = {
                    let mut director = self.director();
                    let any = if director.numbers.one_in(4) { ROLES[director.numbers.index(2)] } else { role };
                    (director.numbers.index(self.slots.len()), any)
                };
                if other != slot {
                    self.turn(other, any);
                }
            }
        });
    }

    pub fn deeper(&self, act: impl FnOnce()) {
        self.director().depth += 1;
        act();
        self.director().depth -= 1;
    }

    /// Gives up what processes that are gone left behind.
    pub fn bury(&self) {
        lock(&self.remains).clear();
    }
}

const fn name_of(harm: Harm) -> &'static str {
    match harm {
        Harm::Lost => "lost folders",
        Harm::Behind => "states behind",
        Harm::Ahead => "states ahead",
        Harm::Foreign => "foreign states",
        Harm::OtherLedger => "folders of another ledger",
    }
}
