//! Sees what workers do, counts it, and deals the blows at the points that they pass.

use std::sync::Weak;

use attestream::telemetry::{Happening, Observer, Point, Role};

use super::blows::{Blow, deal};
use super::director::Director;
use super::holes::Hole;
use super::world::World;

/// The observer of one worker of one process.
pub struct Watch {
    world: Weak<World>,
    slot: usize,
    role: Role,
}

impl Watch {
    pub fn new(world: &World, slot: usize, role: Role) -> Self {
        Watch { world: world.weak(), slot, role }
    }
}

impl Observer for Watch {
    fn happened(&self, happening: &Happening<'_>) {
        let Some(world) = self.world.upgrade() else { return };
        let blow = world.director().note(self.slot, self.role, happening);
        if let Some(blow) = blow {
            deal(&world, self.slot, self.role, blow);
        }
    }
}

/// Where a worker stands within its turn.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stage {
    pub point: Option<Point>,
    /// The open transaction took no input: it is a tick's.
    pub tick: bool,
    gathered: bool,
}

impl Stage {
    /// Records were appended and nothing was acknowledged.
    pub fn is_open(&self) -> bool {
        matches!(self.point, Some(Point::Appended | Point::OffsetsAdded | Point::Committing))
    }

    fn pass(&mut self, point: Point) {
        match point {
            Point::Gathered => (self.gathered, self.tick) = (true, false),
            Point::Begun => self.tick = !self.gathered,
            Point::Committed => self.gathered = false,
            _ => {}
        }
        self.point = Some(point);
    }
}

impl Director {
    /// Counts a happening; tells the blow that is due.
    fn note(&mut self, slot: usize, role: Role, happening: &Happening<'_>) -> Option<Blow> {
        if self.trace.is_some() && !matches!(happening, Happening::TrustRootAge { .. }) {
            let line = format!("{}/{}: {happening:?}", self.names[slot], role.as_str());
            self.tell(line);
        }
        match happening {
            Happening::Passed { role, point } => {
                self.moved += 1;
                self.stages.entry((slot, *role)).or_default().pass(*point);
                return self.due(*role, *point);
            }
            Happening::Recovering { why, .. } => self.recovering(slot, role, why),
            Happening::Rebalanced { lost, .. } => {
                self.moved += 1;
                self.stages.insert((slot, role), Stage::default());
                self.tally.saw(if *lost { "lost assignments" } else { "rebalances" });
            }
            Happening::Stopped { code, .. } => self.stopped(slot, code),
            Happening::CaughtUp { records, .. } if *records > 0 => self.tally.saw("silent folds"),
            Happening::Snapshot { .. } => self.tally.saw("snapshots"),
            Happening::DeadLettered { code: "record-too-large" | "headers-too-large", .. } => {
                self.tally.hole(Hole::Unfit);
            }
            Happening::DeadLettered { .. } => self.tally.hole(Hole::Poison),
            Happening::Fates { role: Role::Ledger, fate: "repeated", .. } => self.tally.hole(Hole::Duplicate),
            Happening::ControlDropped { .. } => self.tally.saw("dropped control records"),
            Happening::Unreachable { .. } => self.tally.saw("waits in mid-batch"),
            _ => {}
        }
        None
    }

    fn recovering(&mut self, slot: usize, role: Role, why: &str) {
        self.moved += 1;
        let stage = self.stages.insert((slot, role), Stage::default()).unwrap_or_default();
        let happened = why.contains("simulated, after") && stage.point == Some(Point::Committing);
        let zombie = why.contains("was opened again");
        let fenced = why.contains("no longer owns") && !zombie;
        if happened {
            self.tally.hole(Hole::UnknownOutcome);
        } else if stage.is_open() {
            self.tally.hole(Hole::Aborted);
        }
        if zombie {
            self.tally.hole(Hole::Zombie);
        }
        if fenced {
            self.tally.hole(Hole::FencedCommit);
        }
        if (zombie || fenced) && stage.tick {
            self.tally.hole(Hole::FencedTick);
        }
    }

    fn stopped(&mut self, slot: usize, code: &str) {
        self.moved += 1;
        let known = ["fold-panicked", "state-ahead", "state-foreign", "state-failed"];
        let code = known.into_iter().find(|known| *known == code);
        let code = code.unwrap_or_else(|| panic!("{}: a partition stopped with an unexpected code", self.names[slot]));
        let why = self.excused.contains(&(slot, code)) || (code == "fold-panicked" && self.was_defective);
        assert!(why, "{}: a partition stopped with {code}, and nothing was done that explains it", self.names[slot]);
        if code == "fold-panicked" {
            self.tally.hole(Hole::FoldPanic);
        }
        self.tally.saw(code);
        self.stops.insert((slot, code));
    }
}
