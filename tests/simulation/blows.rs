//! What befalls a worker at a named point of its loop: the closed set, and how it is dealt.

use std::sync::Arc;

use attestream::log::Log as _;
use attestream::telemetry::{Point, Role};

use super::holes::Hole;
use super::numbers::Numbers;
use super::process::Process;
use super::world::World;

/// Transactions that stay open longer are aborted by the broker; sessions that are silent longer are over.
const TRANSACTION_MS: u64 = 15_000;
const SESSION_MS: u64 = 10_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blow {
    /// The process dies. `hard`: the group does not know, and its transaction stays open until somebody ends it.
    Crash { hard: bool },
    /// Every process dies, and what their folders had not synced is gone.
    Power,
    /// The broker is slow, or the process sleeps: for so long that its transaction expires, or its session too.
    Stall { millis: u64 },
    /// Its session ends while it works, and others take over; then it goes on.
    Evicted { turns: u64 },
    /// Another process of the same name starts, on the same folder or on an empty one; then it goes on.
    Replaced { turns: u64, same_folder: bool },
    /// Another instance leaves, or comes, while it works.
    Neighbour { turns: u64 },
}

/// A process ends here: what its thread unwinds with.
pub struct Death {
    pub hard: bool,
    pub power: bool,
}

/// A blow that waits for its point.
pub struct Armed {
    pub role: Role,
    pub point: Point,
    /// Passings of the point before it.
    pub skip: u64,
    /// Turns until it takes another point.
    pub patience: u64,
    pub blow: Blow,
}

const OF_LEDGER: [Point; 8] = Point::ALL;
const OF_ADMISSION: [Point; 6] =
    [Point::Gathered, Point::Begun, Point::Appended, Point::OffsetsAdded, Point::Committing, Point::Committed];

impl Armed {
    pub fn new(blow: Blow, numbers: &mut Numbers) -> Self {
        let role = numbers.pick(&[Role::Admission, Role::Ledger]);
        let point = match (role, blow) {
            // The question is what an acknowledged commit is worth.
            (Role::Ledger, Blow::Power) => numbers.pick(&OF_LEDGER[4..]),
            (Role::Admission, Blow::Power) => numbers.pick(&OF_ADMISSION[4..]),
            (Role::Ledger, _) => numbers.pick(&OF_LEDGER),
            (Role::Admission, _) => numbers.pick(&OF_ADMISSION),
        };
        Armed { role, point, skip: numbers.below(4), patience: 60, blow }
    }
}

/// The blows of a seed, in their order: at least three crashes.
pub fn of_seed(numbers: &mut Numbers) -> Vec<Blow> {
    let mut blows = Vec::new();
    for _ in 0..numbers.between(3, 4) {
        blows.push(Blow::Crash { hard: numbers.one_in(2) });
    }
    if numbers.one_in(3) {
        blows.push(Blow::Power);
    }
    for _ in 0..numbers.between(1, 3) {
        let turns = numbers.between(3, 16);
        blows.push(match numbers.below(6) {
            0 | 1 => Blow::Evicted { turns },
            2 => Blow::Replaced { turns, same_folder: true },
            3 => Blow::Replaced { turns, same_folder: false },
            4 => Blow::Stall { millis: numbers.between(1_000, 40_000) },
            _ => Blow::Neighbour { turns },
        });
    }
    for at in (1..blows.len()).rev() {
        let other = numbers.index(at + 1);
        blows.swap(at, other);
    }
    blows
}

/// Deals a blow to the worker that is at its point. A death unwinds.
pub fn deal(world: &Arc<World>, slot: usize, role: Role, blow: Blow) {
    match blow {
        Blow::Crash { hard } => std::panic::resume_unwind(Box::new(Death { hard, power: false })),
        Blow::Power => std::panic::resume_unwind(Box::new(Death { hard: false, power: true })),
        Blow::Stall { millis } => stall(world, slot, role, millis),
        Blow::Evicted { turns } => {
            world.evict(slot, role);
            world.director().tally.hole(Hole::RebalanceInBatch);
            world.meanwhile(slot, role, turns);
        }
        Blow::Replaced { turns, same_folder } => replace(world, slot, role, turns, same_folder),
        Blow::Neighbour { turns } => {
            world.director().tally.hole(Hole::RebalanceInBatch);
            world.stir(slot);
            world.meanwhile(slot, role, turns);
        }
    }
}

fn stall(world: &Arc<World>, slot: usize, role: Role, millis: u64) {
    world.clock.advance(millis);
    if millis > TRANSACTION_MS {
        // The coordinator aborts what is open and takes the next epoch.
        drop(world.log.outlet(&world.transactional_id(slot, role)));
        world.director().tally.saw("expired transactions");
    }
    if millis > SESSION_MS && world.director().numbers.one_in(2) {
        world.evict(slot, role);
        world.director().tally.hole(Hole::RebalanceInBatch);
    }
    world.director().tally.saw("slow brokers");
    world.meanwhile(slot, role, 4);
}

fn replace(world: &Arc<World>, slot: usize, role: Role, turns: u64, same_folder: bool) {
    let folder = if same_folder { world.folder(slot) } else { world.fresh_folder() };
    let mut process = Process::start(world, slot, folder);
    if same_folder {
        world.director().excused.insert((slot, "state-failed"));
    }
    world.director().tally.hole(Hole::RebalanceInBatch);
    world.director().tally.saw("replaced members");
    world.deeper(|| {
        for _ in 0..turns {
            process.turn(world, role);
        }
    });
    world.meanwhile(slot, role, 3);
    world.succeed(slot, process);
}
