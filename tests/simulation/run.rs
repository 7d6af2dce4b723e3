//! One seed, from its genesis to its end.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use attestream::event::topic::TopicRole;
use attestream::event::{Digest, Topic, TopicName};
use attestream::log::embedded::{Effect, Store as _, Verb};
use attestream::log::memory::{Fault, FaultPlan, MemoryLog};
use attestream::log::{Log, Partition};
use attestream::processor::catch_up::positions;

use super::clock::SimClock;
use super::director::Director;
use super::holes::{Hole, Tally};
use super::judge::{fingerprint, judge};
use super::numbers::Numbers;
use super::process::APPLICATION;
use super::workload::{COUNTS, Sent, Workload};
use super::world::{ROLES, Setup, World};
use crate::spine::oracle;
use crate::spine::plant::{genesis_at, own_topics};

/// Rounds in which nothing moves before the end is believed, and rounds after which a plant is said to stand still.
const QUIET: u32 = 3;
const ROUNDS: u32 = 3_000;

/// What is asked of a run beside the invariants.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asked {
    /// The whole oracle judges too: admission again, every schema.
    pub whole: bool,
    /// States that lie behind are held to the fold as well.
    pub deep: bool,
    pub fingerprint: bool,
    pub traced: bool,
}

/// What a seed came to.
pub struct Outcome {
    pub tally: Tally,
    pub fingerprint: Option<Digest>,
}

/// A seed that did not hold, with its last steps where it was traced.
pub struct Failure {
    pub why: String,
    pub trace: VecDeque<String>,
}

/// Runs one seed.
pub fn run(seed: u64, asked: Asked) -> Result<Outcome, Failure> {
    let mut numbers = Numbers::of(seed);
    let mut tally = Tally { seeds: 1, ..Tally::default() };
    let mut workload = Workload::of(&mut numbers, &mut tally);
    let sent = std::mem::take(&mut workload.sent);
    let clock = SimClock::new();
    let setups = setups(&mut numbers);
    let faults = faults(&mut numbers);
    let names = setups.iter().map(|setup| setup.name).collect();
    let director = Director::new(numbers, tally, names, workload.defective, asked.traced);
    let log = MemoryLog::new(COUNTS).without_waiting().with_clock({
        let clock = clock.clone();
        Arc::new(move || clock.wall())
    });
    let (tenants, root) = (workload.tenants.clone(), workload.root.clone());
    genesis_at(&log, APPLICATION, workload.epoch, clock.wall(), tenants, root);
    log.fail(Some(faults));
    let world = World::new(log, clock, setups, director);
    let judged = catch_unwind(AssertUnwindSafe(|| {
        stream(&world, sent);
        settle(&world);
        judge(&world, &workload, asked.deep);
        if asked.whole {
            oracle::judge(&world.log, &*world.objects.port());
        }
        asked.fingerprint.then(|| fingerprint(&world.log))
    }));
    world.bury();
    let mut director = world.director();
    match judged {
        Ok(fingerprint) => {
            let mut tally = std::mem::take(&mut director.tally);
            tally.whole += u64::from(asked.whole);
            Ok(Outcome { tally, fingerprint })
        }
        Err(payload) => {
            let text = payload.downcast_ref::<String>().cloned();
            let text = text.or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            let trace = director.trace.take().unwrap_or_default();
            let text = text.unwrap_or_else(|| "a panic without a text".to_owned());
            Err(Failure { why: format!("{text}\n{}", workload.about), trace })
        }
    }
}

fn setups(numbers: &mut Numbers) -> Vec<Setup> {
    let names = ["one", "two", "three"];
    let count = if numbers.one_in(3) { 3 } else { 2 };
    let (tick_ms, snapshot_every) = (numbers.between(200, 3_000), numbers.pick(&[0, 60, 150, 150, 400]));
    let setup = |name: &&'static str| Setup {
        name,
        batch: usize::try_from(numbers.pick(&[4, 12, 30, 60, 200])).unwrap(),
        tick_ms,
        snapshot_every,
        skew_ms: numbers.pick(&[0, 0, -90_000, 120_000, 400_000]),
    };
    names.iter().take(count).map(setup).collect()
}

/// Verbs that fail before or after they were done, and memberships that are lost at them.
fn faults(numbers: &mut Numbers) -> FaultPlan {
    let verbs = [
        (Verb::Gather, 500),
        (Verb::Begin, 60),
        (Verb::Append, 900),
        (Verb::Offsets, 60),
        (Verb::Commit, 60),
        (Verb::Commit, 60),
        (Verb::Commit, 60),
    ];
    let effects = [Effect::Before, Effect::After, Effect::Lose];
    let count = numbers.between(4, 10);
    let fault = |_| {
        let (verb, most) = numbers.pick(&verbs);
        Fault { verb, nth: numbers.between(1, most), effect: numbers.pick(&effects) }
    };
    FaultPlan::new((0..count).map(fault).collect::<Vec<_>>())
}

/// Inputs come, workers take turns, and things happen, until all is sent and has happened.
fn stream(world: &Arc<World>, sent: Vec<Sent>) {
    let mut sent = sent.into_iter();
    let mut next = sent.next();
    let mut outage = 0u64;
    let mut spent = 0u64;
    while next.is_some() || (world.director().has_blows() && spent < 600) {
        world.director().arm();
        world.wake(false);
        world.look_after();
        spent += u64::from(next.is_none());
        outage = outage.saturating_sub(1);
        if outage == 0 {
            world.log.take_down(None);
            world.objects.go_away(false);
        }
        let (choice, passes) = {
            let mut director = world.director();
            (director.numbers.below(32), director.numbers.below(60))
        };
        world.clock.advance(passes);
        match choice {
            0..=3 if outage == 0 => {
                let count = world.director().numbers.between(1, 28);
                for _ in 0..count {
                    if let Some(one) = next.take() {
                        produce(world, one);
                        next = sent.next();
                    }
                }
            }
            4 => outage = outage.max(befall(world)),
            _ => turn(world),
        }
    }
    world.log.take_down(None);
    world.objects.go_away(false);
}

fn turn(world: &Arc<World>) {
    let (slot, role) = {
        let mut director = world.director();
        let slot = director.numbers.index(world.slots.len());
        (slot, ROLES[director.numbers.index(2)])
    };
    world.turn(slot, role);
}

fn produce(world: &World, sent: Sent) {
    world.director().tally.inputs += u64::from(matches!(sent, Sent::Input(_)));
    let (Sent::Input(record) | Sent::Control(record)) = sent;
    world.log.produce(record, world.clock.wall()).unwrap();
}

/// Something that happens between turns. Returns how long an outage lasts, if it is one.
fn befall(world: &World) -> u64 {
    let mut director = world.director();
    match director.numbers.below(10) {
        0 | 1 => {
            let millis = director.numbers.pick(&[-1_800_000, -1_000, 400_000, 3_600_000]);
            director.tally.saw("clock jumps");
            drop(director);
            // Never before the evidence: verdicts would depend on when it was admitted.
            if world.clock.wall().0 + millis > super::pool::SIGNED_AT.0 + 600_000 {
                world.clock.jump(millis);
            }
            0
        }
        2 => {
            let slot = director.numbers.index(world.slots.len());
            drop(director);
            if world.runs(slot) {
                world.stop(slot, false);
                world.director().tally.saw("leaves");
            }
            0
        }
        3 => {
            // One of three brokers is gone, and the object store with it.
            let (broker, lasts) = (director.numbers.below(3), director.numbers.between(2, 12));
            director.tally.saw("outages");
            drop(director);
            world.log.take_down(Some(Box::new(move |partition: Partition| {
                (u64::from(partition.number) + partition.topic as u64) % 3 == broker
            })));
            world.objects.go_away(true);
            lasts
        }
        _ => 0,
    }
}

/// No more failures: everybody comes back, and takes turns until nothing moves any more.
fn settle(world: &Arc<World>) {
    world.log.fail(None);
    let mut quiet = 0;
    for _ in 0..ROUNDS {
        let before = world.director().moved;
        world.wake(true);
        world.look_after();
        for slot in 0..world.slots.len() {
            for role in ROLES {
                world.turn(slot, role);
            }
        }
        if world.director().tally.crashes < 3 {
            let mut director = world.director();
            director.tally.crashes += 1;
            *director.tally.died_at.entry(("either", "between turns")).or_default() += 1;
            let slot = director.numbers.index(world.slots.len());
            drop(director);
            world.stop(slot, true);
            continue;
        }
        quiet = if world.director().moved == before { quiet + 1 } else { 0 };
        if quiet > QUIET {
            let behind = what_lies_behind(world);
            assert!(behind.is_empty(), "the plant stands still before its end: {behind:?}");
            count_folders(world);
            return;
        }
    }
    panic!("the plant never comes to its end");
}

fn count_folders(world: &World) {
    for slot in 0..world.slots.len() {
        let (refused, restored) = world.folder(slot).take_counts();
        let mut director = world.director();
        *director.tally.holes.entry(Hole::HeldFolder).or_default() += refused;
        *director.tally.seen.entry("restored snapshots").or_default() += restored;
    }
}

/// Partitions of which a group has not committed everything, and from where on.
fn what_lies_behind(world: &World) -> Vec<String> {
    let own = own_topics(&world.log).into_iter().filter(|name| name.topic.role() == TopicRole::Input);
    let admission = Topic::admission_inputs().map(TopicName::from).chain(own).map(|name| (ROLES[0], name));
    let positions = positions(&world.log).unwrap();
    let mut behind = Vec::new();
    for (role, name) in admission.chain([(ROLES[1], Topic::Ledger.into())]) {
        for number in 0..world.log.partitions(name).unwrap() {
            let partition = Partition::of(name, number);
            let committed = world.log.committed(&World::group(role), partition).unwrap();
            let position = positions.iter().find(|position| role == ROLES[1] && position.partition == number);
            let from = committed.or(position.map(|position| position.next_offset)).unwrap_or(0);
            if !world.log.store().read(partition, from, 1, 1).unwrap().records.is_empty() {
                behind.push(format!("{partition} from {from}"));
            }
        }
    }
    behind
}
