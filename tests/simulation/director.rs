//! What a seed has decided and not yet done, and what was seen so far.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use attestream::log::LogError;
use attestream::telemetry::{Point, Role};

use super::blows::{Armed, Blow, of_seed};
use super::holes::Tally;
use super::numbers::Numbers;
use super::watch::Stage;

/// Lines that a trace keeps.
const TRACE: usize = 60;

pub struct Director {
    pub numbers: Numbers,
    pub tally: Tally,
    pub names: Vec<&'static str>,
    /// Turns within turns: no blow is dealt in there.
    pub depth: u32,
    /// Grows with everything that workers do but waiting.
    pub moved: u64,
    pub stages: BTreeMap<(usize, Role), Stage>,
    /// Partitions that stopped and that nobody has looked after yet.
    pub stops: BTreeSet<(usize, &'static str)>,
    /// Stops that were asked for: by harm to a folder, or by two processes on one.
    pub excused: BTreeSet<(usize, &'static str)>,
    /// Whether processes that start now have the defective fold.
    pub defective: bool,
    pub was_defective: bool,
    pub trace: Option<VecDeque<String>>,
    blows: Vec<Blow>,
    armed: Option<Armed>,
}

impl Director {
    pub fn new(mut numbers: Numbers, tally: Tally, names: Vec<&'static str>, defective: bool, traced: bool) -> Self {
        let blows = of_seed(&mut numbers);
        Director {
            numbers,
            tally,
            names,
            depth: 0,
            moved: 0,
            stages: BTreeMap::new(),
            stops: BTreeSet::new(),
            excused: BTreeSet::new(),
            defective,
            was_defective: defective,
            trace: traced.then(VecDeque::new),
            blows,
            armed: None,
        }
    }

    pub fn tell(&mut self, line: String) {
        if let Some(trace) = &mut self.trace {
            if trace.len() >= TRACE {
                trace.pop_front();
            }
            trace.push_back(line);
        }
    }

    /// A seed's blows that are still to come.
    pub fn has_blows(&self) -> bool {
        self.armed.is_some() || !self.blows.is_empty()
    }

    /// Arms the next blow, and lets one that found no point in time take another.
    pub fn arm(&mut self) {
        match &mut self.armed {
            Some(armed) if armed.patience > 0 => armed.patience -= 1,
            Some(armed) => *armed = Armed { skip: 0, ..Armed::new(armed.blow, &mut self.numbers) },
            None => self.armed = self.blows.pop().map(|blow| Armed::new(blow, &mut self.numbers)),
        }
    }

    /// The blow that falls when a worker passes this point.
    pub fn due(&mut self, role: Role, point: Point) -> Option<Blow> {
        let armed = self.armed.as_mut().filter(|armed| armed.role == role && armed.point == point)?;
        if self.depth > 0 {
            return None;
        }
        if armed.skip > 0 {
            armed.skip -= 1;
            return None;
        }
        let blow = self.armed.take().map(|armed| armed.blow);
        self.tell(format!("  {blow:?} at {} of {}", point.as_str(), role.as_str()));
        blow
    }

    /// A membership is over.
    pub fn failed(&mut self, slot: usize, role: Role, error: &LogError) {
        self.moved += 1;
        self.stages.insert((slot, role), Stage::default());
        self.tally.saw("failed memberships");
        if self.trace.is_some() {
            self.tell(format!("{}/{}: {error}", self.names[slot], role.as_str()));
        }
    }
}
