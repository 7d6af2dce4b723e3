//! Two instances under live traffic, to which things happen.
//!
//! Instance `one` reaches the brokers through the proxies, `two` from its namespace, where there is one. Both are up
//! between two faults, and whatever the log held when a fault was over has to be done before the next.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use attestream::event::{Millis, Topic};
use attestream::ledger::control::ControlRecord;
use attestream::log::{Log as _, Partition, Reader as _};
use attestream::telemetry::Role;
use attestream::verdict::VERIFIER_EPOCH;

use super::child::Orders;
use super::ground::{Ground, SmallDisk};
use super::site::{Instance, Site};
use super::traffic::{Traffic, send_surely};
use crate::spine::feed::{Made, Producer};
use crate::spine::oracle::Judgement;
use crate::spine::plant;

pub const NAMES: [&str; 2] = ["one", "two"];
/// How long anything may take that has to happen.
pub const PATIENCE: Duration = Duration::from_secs(300);
/// Session time-out of the instances' group members.
pub const SESSION: Duration = Duration::from_millis(3_000);
const TENANTS: u64 = 6;

/// Numbers that a seed gives, always the same.
pub struct Random(pub u64);

impl Random {
    /// The seed that a number gives.
    pub fn seed(mut self) -> u64 {
        self.next()
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    pub fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        let at = self.below(u64::try_from(of.len()).unwrap());
        of[usize::try_from(at).unwrap()].clone()
    }

    pub fn millis(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.below(to - from))
    }
}

/// The time that a fault lasts.
pub fn last(time: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < time {
        std::thread::park_timeout(time.saturating_sub(begun.elapsed()));
    }
}

pub struct Scene<'a> {
    pub ground: &'a Ground,
    pub site: Site,
    pub random: Random,
    pub disk: Result<SmallDisk, String>,
    traffic: Option<Traffic>,
    running: BTreeMap<&'static str, Instance>,
    /// Up to where the notes of an instance hold nothing that should not be there.
    excused: BTreeMap<&'static str, usize>,
    /// Documents beside the traffic's, by tenant.
    pub extra: Vec<(usize, Made)>,
    /// Each tenant's entry without its key and with it.
    entries: Vec<[ControlRecord; 2]>,
}

impl<'a> Scene<'a> {
    pub fn open(ground: &'a Ground, seed: u64, pace: Duration) -> Scene<'a> {
        let start = Millis(1_750_000_000_000);
        let producers: Vec<Producer> = (0..TENANTS).map(|number| producer(number, start)).collect();
        let entry = |trust| ControlRecord::Tenant(Box::new(trust));
        let entries = producers.iter().map(|one| [entry(one.no_trust()), entry(one.trust())]).collect();
        let mut site = Site::of(&ground.cluster, producers, VERIFIER_EPOCH);
        site.snapshot_every = 25;
        let disk = SmallDisk::mount(&site.folder().join("two"));
        let traffic = Some(Traffic::start(&mut site, pace));
        let (running, excused, extra) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        let random = Random(seed);
        let mut scene = Scene { ground, site, random, disk, traffic, running, excused, extra, entries };
        for name in NAMES {
            scene.start(name);
        }
        scene.caught_up();
        scene
    }

    /// A producer beside the traffic's, of the same tenant and key.
    pub fn twin(&self, tenant: u64) -> Producer {
        producer(tenant, Millis(1_750_000_000_000))
    }

    pub fn any(&mut self) -> &'static str {
        self.random.pick(&NAMES)
    }

    /// One that owns a partition, if any does.
    pub fn owner(&mut self) -> &'static str {
        let one = self.any();
        let other = NAMES.into_iter().find(|name| !self.owned(name).is_empty());
        if self.owned(one).is_empty() { other.unwrap_or(one) } else { one }
    }

    pub fn orders(&self, name: &str) -> Orders {
        let mut orders = self.site.orders(name, None);
        let space = self.ground.space.as_ref().ok().filter(|_| name == "two");
        let which = if space.is_some() { "bootstrap-also" } else { "bootstrap-proxied" };
        orders.brokers = self.ground.cluster.bootstrap(which);
        orders.under = space.map(super::net::Space::under).unwrap_or_default();
        orders.session_ms = u32::try_from(SESSION.as_millis()).unwrap();
        orders.notes = Some(self.notes_of(name));
        orders
    }

    pub fn start(&mut self, name: &'static str) {
        self.start_with(name, |_| {});
    }

    pub fn start_with(&mut self, name: &'static str, change: impl FnOnce(&mut Orders)) {
        let mut orders = self.orders(name);
        change(&mut orders);
        self.running.insert(name, Instance(orders.spawn()));
    }

    /// SIGKILL, whatever it is doing.
    pub fn kill(&mut self, name: &str) {
        self.running.remove(name);
    }

    pub fn instance(&mut self, name: &str) -> &mut Instance {
        self.running.get_mut(name).unwrap()
    }

    pub fn notes_of(&self, name: &str) -> PathBuf {
        self.site.folder().join(format!("{name}.notes"))
    }

    /// What an instance wrote down, from a place on.
    pub fn notes(&self, name: &str, from: usize) -> String {
        let all = std::fs::read(self.notes_of(name)).unwrap_or_default();
        String::from_utf8_lossy(all.get(from..).unwrap_or_default()).into_owned()
    }

    pub fn mark(&self, name: &str) -> usize {
        self.notes(name, 0).len()
    }

    pub fn await_note(&self, name: &str, from: usize, note: &str) {
        let begun = Instant::now();
        while !self.notes(name, from).contains(note) {
            // What the instance removes makes no room on a disk that is meant to be full.
            if let Some(disk) = self.disk.as_ref().ok().filter(|disk| disk.is_full()) {
                disk.fill();
            }
            assert!(begun.elapsed() < PATIENCE, "{name} never notes {note:?}, but:\n{}", self.notes(name, from));
            std::thread::park_timeout(Duration::from_millis(50));
        }
    }

    /// Stops up to here had to be.
    pub fn excuse(&mut self, name: &'static str) {
        self.excused.insert(name, self.mark(name));
    }

    /// Partitions that an instance has folded since it was last given any.
    pub fn owned(&self, name: &str) -> Vec<u32> {
        let notes = self.notes(name, 0);
        let given = notes.rfind("Rebalanced { role: Ledger").unwrap_or(0);
        let of = |line: &str| line.strip_prefix("Folded { partition: ")?.split(',').next()?.parse().ok();
        let found: std::collections::BTreeSet<u32> = notes[given..].lines().filter_map(of).collect();
        found.into_iter().collect()
    }

    /// Records of the traffic so far.
    pub fn sent(&self) -> u64 {
        self.traffic.as_ref().map_or(0, Traffic::sent)
    }

    /// A tenant's key goes or comes.
    pub fn trust(&self, tenant: usize, trusted: bool) {
        let record = plant::control_input(&self.entries[tenant][usize::from(trusted)]);
        send_surely(&self.site.log, "operator", &[record]);
    }

    /// Waits until everything that is readable now has been done, by instances that are well.
    pub fn caught_up(&mut self) {
        let begun = Instant::now();
        let mut goals = self.goals();
        loop {
            goals.retain(|goal| !self.reached(goal));
            self.all_are_well();
            if goals.is_empty() {
                return;
            }
            if begun.elapsed() > PATIENCE {
                let notes: Vec<String> = NAMES.iter().map(|name| last_lines(&self.notes(name, 0), 40)).collect();
                panic!("not done: {goals:?}\nnotes of one:\n{}\nnotes of two:\n{}", notes[0], notes[1]);
            }
            std::thread::park_timeout(Duration::from_millis(50));
        }
    }

    fn goals(&self) -> Vec<(Role, Partition, u64)> {
        let log = &self.site.log;
        let inputs = Topic::admission_inputs().map(|topic| (Role::Admission, topic));
        let mut goals = Vec::new();
        for (role, topic) in inputs.chain([(Role::Ledger, Topic::Ledger)]) {
            for number in 0..log.partitions(topic).unwrap() {
                let partition = Partition::of(topic, number);
                goals.push((role, partition, log.range(partition).unwrap().end));
            }
        }
        goals
    }

    /// Ends are ends of transactions too, which no offset ever names: what counts is that no record is left before.
    fn reached(&self, (role, partition, end): &(Role, Partition, u64)) -> bool {
        let group = self.orders("one").settings().group(*role);
        let log = &self.site.log;
        let Ok(committed) = log.committed(&group, *partition) else { return false };
        let from = committed.unwrap_or(0);
        if from >= *end {
            return true;
        }
        let Ok(mut reader) = log.reader(&[(*partition, from)]) else { return false };
        match reader.read(1, Duration::from_millis(100)) {
            Ok(records) => match records.first() {
                Some(record) => record.offset >= *end,
                None => reader.at_end().unwrap_or(false),
            },
            Err(_) => false,
        }
    }

    /// No instance ended by itself, and none has stopped a partition.
    fn all_are_well(&mut self) {
        for name in NAMES {
            let notes = self.notes(name, self.excused.get(name).copied().unwrap_or(0));
            let stopped = notes.lines().find(|line| line.starts_with("Stopped {"));
            assert!(stopped.is_none(), "{name}: {}\n{}", stopped.unwrap_or_default(), last_lines(&notes, 30));
            let Some(instance) = self.running.get_mut(name) else { continue };
            let ended = instance.0.try_wait().unwrap();
            assert!(ended.is_none(), "{name} ended by itself: {ended:?}\n{}", last_lines(&notes, 30));
        }
    }

    /// The traffic ends, the instances finish.
    pub fn settle(&mut self) {
        if let Some(traffic) = self.traffic.take() {
            traffic.end(&mut self.site);
        }
        self.caught_up();
        plant::settle_but_control(&self.site.log, &self.site.orders("judge", None).settings());
        self.running.clear();
    }

    /// The whole oracle, and every verdict.
    pub fn judge(&self) -> Judgement {
        let judgement = self.site.judge_ended(&NAMES);
        for (producer, made) in self.site.producers.iter().zip(&self.site.made) {
            judgement.ends_as_expected(&producer.tenant, made);
        }
        for (at, made) in &self.extra {
            judgement.ends_as_expected(&self.site.producers[*at].tenant, std::slice::from_ref(made));
        }
        judgement
    }

    /// Topics, disks and folders go.
    pub fn close(self) {
        let Scene { ground, site, disk, .. } = self;
        drop(disk);
        site.close(&ground.cluster);
    }
}

fn producer(number: u64, start: Millis) -> Producer {
    Producer::new(&format!("tenant-{number}"), number + 1, start)
}

fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("Folded {")).collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}
