//! The whole path and the ledger stage alone over states of three sizes, each in a process of its own, so that what is
//! resident is that state's and no other's.

use super::remembered::{Remembered, Shape};
use super::state::{self, Kept, settle};
use crate::Outcome;
use crate::child;
use crate::forget;
use crate::inputs::{Inputs, Make, Scheme};
use crate::options::Options;
use crate::report::{self, Report, Unit, float};
use crate::spent::memory;
use crate::whole::Plant;

/// How much is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    Empty,
    /// Documents of 4 to 16 KiB.
    Medium,
    /// More of them, of 1 KiB.
    Large,
}

impl Size {
    pub const ALL: [Size; 3] = [Size::Empty, Size::Medium, Size::Large];

    pub const fn name(self) -> &'static str {
        match self {
            Size::Empty => "empty",
            Size::Medium => "medium",
            Size::Large => "large",
        }
    }

    pub const fn events(self, options: &Options) -> u64 {
        let [medium, large] = options.remembered;
        match self {
            Size::Empty => 0,
            Size::Medium => medium,
            Size::Large => large,
        }
    }

    const fn shape(self, tenants: usize) -> Shape {
        let components = match self {
            Size::Medium => [20, 85],
            Size::Empty | Size::Large => [4, 4],
        };
        Shape { tenants, components, attested_every: 10 }
    }

    /// The figures over this state.
    pub fn path(self) -> String {
        format!("{} state: embedded log, first seen", self.name())
    }

    pub fn ledger(self) -> String {
        format!("{} state: ledger stage, first seen", self.name())
    }

    pub fn again(self) -> String {
        format!("{} state: ledger stage, remembered ones again", self.name())
    }

    pub fn resident(self) -> String {
        format!("{} state: MiB resident, at most", self.name())
    }

    pub fn disk(self) -> String {
        format!("{} state: MiB on disk", self.name())
    }

    pub fn remembered(self) -> String {
        format!("{} state: events remembered", self.name())
    }
}

/// What is measured is many times the number of events of other figures: a flush comes every 4,096 records, and tables are
/// merged when some of them lie there. What that costs is where a cost could grow with what is remembered.
const PATH_TIMES: usize = 3;
const LEDGER_TIMES: usize = 12;

/// Makes what is not kept already, then measures all three in turn.
pub fn measure(report: &mut Report, options: &Options) -> Outcome<()> {
    for size in Size::ALL {
        child::ask(&format!("remember-{}", size.name()), options, report)?;
    }
    for round in 0..options.repetitions {
        report::progress(&format!("flatness, round {} of {}", round + 1, options.repetitions));
        for size in Size::ALL {
            child::ask(&format!("flat-{}", size.name()), options, report)?;
        }
    }
    // The large one takes some 20 GB, and sections that come after remember as much.
    if options.keep { Ok(()) } else { state::forget() }
}

/// What a process of its own does, asked as `remember-…` or `flat-…`.
pub fn in_child(what: &str, options: &Options, report: &mut Report) -> Outcome<()> {
    let (task, name) = what.split_once('-').ok_or("a task and a size")?;
    let size = Size::ALL.into_iter().find(|size| size.name() == name).ok_or("a size")?;
    let kept = Kept::of(size.shape(options.tenants), size.events(options))?;
    match task {
        "remember" => Ok(()),
        "flat" => one(report, size, &kept, options),
        _ => Err(format!("no task {task}").into()),
    }
}

fn one(report: &mut Report, size: Size, kept: &Kept, options: &Options) -> Outcome<()> {
    let (tenants, events) = (options.tenants, PATH_TIMES * options.events);
    // Nothing that is sent is among what is remembered.
    let first = kept.events + 1_000_000_000;
    let inputs = Inputs::make(Make { scheme: Scheme::P256Logged, tenants, events, first, at: kept.at })?;
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    path(report, size, kept, &inputs, &dir.path().join("path"))?;
    ledger(report, kept, &inputs, options, size, &dir.path().join("ledger"))?;
    let mib = |bytes: u64| Ok::<_, std::num::TryFromIntError>(float(usize::try_from(bytes >> 20)?));
    report.fact(&size.resident(), mib(memory("VmHWM")?.max(kept.resident))?);
    report.fact(&size.disk(), mib(kept.bytes()?)?);
    report.fact(&size.remembered(), float(usize::try_from(kept.events)?));
    Ok(())
}

/// Both stages, evidence that nobody has seen.
fn path(report: &mut Report, size: Size, kept: &Kept, inputs: &Inputs, dir: &std::path::Path) -> Outcome<()> {
    let plant = Plant::local(dir, inputs)?;
    kept.give(&plant)?;
    settle()?;
    forget::everything();
    let took = plant.drain(&inputs.pairs)?;
    report.add(&size.path(), Unit::Event, inputs.pairs.len(), took);
    Ok(())
}

/// The fold, its transactions and its state: records like those that are remembered, each event with its attestation.
fn ledger(
    report: &mut Report,
    kept: &Kept,
    inputs: &Inputs,
    options: &Options,
    size: Size,
    dir: &std::path::Path,
) -> Outcome<()> {
    let plant = Plant::local(dir, inputs)?;
    kept.give(&plant)?;
    settle()?;
    let new = Remembered::new(Shape { components: [4, 4], attested_every: 1, ..kept.shape }, kept.at)?;
    let (mut records, first, each) = (0, kept.events + 2_000_000_000, u64::try_from(options.events)?);
    for at in 0..u64::try_from(LEDGER_TIMES)? {
        let made = new.records(first + at * each..first + (at + 1) * each)?;
        plant.write_ledger(&made)?;
        records += made.len();
    }
    let took = plant.drain_written(records)?;
    report.add(&size.ledger(), Unit::Record, records, took);
    let wanted = each.min(kept.events);
    // From everywhere in the state, none near another.
    if let Some(apart) = kept.events.checked_div(wanted) {
        let remembered = Remembered::new(kept.shape, kept.at)?;
        let numbers = (0..wanted).map(|at| at * apart);
        let again: Vec<_> = numbers.map(|at| remembered.records(at..at + 1)).collect::<Outcome<_>>()?;
        let again: Vec<_> = again.into_iter().flatten().collect();
        let took = plant.drain_ledger(&again)?;
        report.add(&size.again(), Unit::Record, again.len(), took);
    }
    Ok(())
}
