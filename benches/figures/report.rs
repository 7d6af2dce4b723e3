//! Medians over the repetitions, as tables and as JSON.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::Outcome;
use crate::options::Options;
use crate::spent::Spent;
use crate::summary::{self, Row};

/// The figure that all others are set against.
pub const FLOOR: &str = "bare: two P-256 verifications";

/// What a figure counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A document and its attestation.
    Event,
    /// One input or ledger record.
    Record,
}

impl Unit {
    const fn as_str(self) -> &'static str {
        match self {
            Unit::Event => "event",
            Unit::Record => "record",
        }
    }
}

struct Figure {
    name: String,
    unit: Unit,
    samples: Vec<Sample>,
}

#[derive(Clone, Copy)]
struct Sample {
    count: usize,
    spent: Spent,
}

/// Two figures of the same rounds, set against each other.
#[derive(Debug, Clone, Copy)]
pub struct Ratio {
    pub ratio: f64,
    pub runs: usize,
}

#[derive(Default)]
pub struct Report {
    figures: Vec<Figure>,
    /// What is no time: sizes, mostly.
    facts: BTreeMap<String, Vec<f64>>,
    skipped: Vec<(String, String)>,
    rows: Vec<Row>,
}

/// Removes what an earlier run of this kind wrote.
pub fn forget(options: &Options) -> Outcome<()> {
    for name in ["figures", "summary"] {
        let path = folder()?.join(options.file(name));
        if path.exists() {
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
}

impl Report {
    /// Adds one repetition of a figure.
    pub fn add(&mut self, name: &str, unit: Unit, count: usize, spent: Spent) {
        let sample = Sample { count, spent };
        match self.figures.iter_mut().find(|figure| figure.name == name) {
            Some(figure) => figure.samples.push(sample),
            None => self.figures.push(Figure { name: name.to_owned(), unit, samples: vec![sample] }),
        }
    }

    /// Adds one repetition of what is no time.
    pub fn fact(&mut self, name: &str, value: f64) {
        self.facts.entry(name.to_owned()).or_default().push(value);
    }

    pub fn skip(&mut self, name: &str, why: &str) {
        self.skipped.push((name.to_owned(), why.to_owned()));
    }

    /// Says what was reached of an aim.
    pub fn row(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// Why a section was skipped, if it was.
    pub fn skipped(&self, name: &str) -> Option<&str> {
        self.skipped.iter().find(|(skipped, _)| skipped == name).map(|(_, why)| why.as_str())
    }

    /// Processor time of one of `above` against one of `below`: the median of the ratios of the rounds, as both were
    /// measured in each of them.
    pub fn ratio(&self, above: &str, below: &str) -> Option<Ratio> {
        self.ratio_of(above, below, Sample::cpu)
    }

    /// The same of wall time.
    pub fn wall_ratio(&self, above: &str, below: &str) -> Option<Ratio> {
        self.ratio_of(above, below, Sample::wall)
    }

    fn ratio_of(&self, above: &str, below: &str, each: fn(&Sample) -> f64) -> Option<Ratio> {
        let (above, below) = (self.figure(above)?, self.figure(below)?);
        let ratios: Vec<f64> = above.samples.iter().zip(&below.samples).map(|(a, b)| each(a) / each(b)).collect();
        Some(Ratio { ratio: median(ratios.clone())?, runs: ratios.len() })
    }

    /// Microseconds of processor time of one, in the median.
    pub fn micros(&self, name: &str) -> Option<f64> {
        Some(1e6 * self.figure(name)?.each(Sample::cpu))
    }

    /// How many a second by the wall's clock, in the median.
    pub fn per_second(&self, name: &str) -> Option<f64> {
        Some(1.0 / self.figure(name)?.each(Sample::wall))
    }

    pub fn fact_of(&self, name: &str) -> Option<f64> {
        median(self.facts.get(name)?.clone())
    }

    fn figure(&self, name: &str) -> Option<&Figure> {
        self.figures.iter().find(|figure| figure.name == name)
    }

    fn floor(&self) -> Option<f64> {
        self.figure(FLOOR).map(|figure| figure.each(Sample::cpu))
    }

    #[expect(clippy::print_stdout, reason = "a benchmark's output is what it prints")]
    pub fn print(&self, options: &Options) {
        let Options { events, repetitions, tenants, .. } = options;
        println!("\n{events} events of {tenants} tenants, medians of {repetitions} rounds; µs are of processor time\n");
        println!("{:<66} {:>6} {:>9} {:>10} {:>10} {:>7}", "figure", "per", "µs", "per core s", "per second", "ratio");
        for figure in &self.figures {
            let ratio =
                self.floor().map_or_else(String::new, |floor| format!("{:.2}", figure.each(Sample::cpu) / floor));
            let (cpu, wall) = (figure.each(Sample::cpu), figure.each(Sample::wall));
            let (name, unit) = (&figure.name, figure.unit.as_str());
            println!("{name:<66} {unit:>6} {:>9.1} {:>10.0} {:>10.0} {ratio:>7}", cpu * 1e6, 1.0 / cpu, 1.0 / wall);
        }
        for (name, values) in &self.facts {
            println!("{name:<66} {:>16.1}", median(values.clone()).unwrap_or_default());
        }
        for (name, why) in &self.skipped {
            println!("{name}: skipped: {why}");
        }
        summary::print(&summary::complete(&self.rows));
    }

    pub fn write(&self, options: &Options) -> Outcome<()> {
        let skipped: Vec<Value> = self.skipped.iter().map(|(name, why)| json!({ "name": name, "why": why })).collect();
        let report = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "asked": std::env::args().skip(1).collect::<Vec<_>>(),
            "seconds": SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs(),
            "cores": crate::spent::cores()?,
            "events": options.events,
            "repetitions": options.repetitions,
            "tenants": options.tenants,
            "floor": FLOOR,
            "figures": self.figures.iter().map(|figure| figure.json(self.floor())).collect::<Vec<_>>(),
            "facts": self.facts,
            "skipped": skipped,
        });
        let folder = folder()?;
        let path = folder.join(options.file("figures"));
        std::fs::write(&path, serde_json::to_vec_pretty(&report)?)?;
        let aims = folder.join(options.file("summary"));
        summary::write(&summary::complete(&self.rows), &aims)?;
        progress(&format!("written to {} and {}", path.display(), aims.display()));
        Ok(())
    }

    /// Everything that was measured, for the process that asked for it.
    pub fn told(&self) -> Value {
        json!({ "figures": self.figures.iter().map(|figure| figure.json(None)).collect::<Vec<_>>(), "facts": self.facts })
    }

    /// Takes what another process measured.
    pub fn take(&mut self, told: &[u8]) -> Outcome<()> {
        let Told { figures, facts } = serde_json::from_slice(told)?;
        for figure in figures {
            let unit = if figure.per == Unit::Event.as_str() { Unit::Event } else { Unit::Record };
            for ToldSample { count, cpu_seconds, wall_seconds } in figure.samples {
                let (cpu, wall) = (Duration::from_secs_f64(cpu_seconds), Duration::from_secs_f64(wall_seconds));
                self.add(&figure.name, unit, count, Spent { wall, cpu });
            }
        }
        for (name, values) in facts {
            self.facts.entry(name).or_default().extend(values);
        }
        Ok(())
    }
}

/// What another process tells.
#[derive(Deserialize)]
struct Told {
    figures: Vec<ToldFigure>,
    facts: BTreeMap<String, Vec<f64>>,
}

#[derive(Deserialize)]
struct ToldFigure {
    name: String,
    per: String,
    samples: Vec<ToldSample>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToldSample {
    count: usize,
    cpu_seconds: f64,
    wall_seconds: f64,
}

impl Sample {
    /// Seconds of processor time of one.
    fn cpu(&self) -> f64 {
        self.spent.cpu.as_secs_f64() / float(self.count)
    }

    fn wall(&self) -> f64 {
        self.spent.wall.as_secs_f64() / float(self.count)
    }
}

impl Figure {
    fn each(&self, of: fn(&Sample) -> f64) -> f64 {
        median(self.samples.iter().map(of).collect()).unwrap_or(f64::NAN)
    }

    fn json(&self, floor: Option<f64>) -> Value {
        let sample = |sample: &Sample| {
            let Spent { cpu, wall } = sample.spent;
            json!({ "count": sample.count, "cpuSeconds": cpu.as_secs_f64(), "wallSeconds": wall.as_secs_f64() })
        };
        let (cpu, wall) = (self.each(Sample::cpu), self.each(Sample::wall));
        json!({
            "name": self.name,
            "per": self.unit.as_str(),
            "cpuMicroseconds": cpu * 1e6,
            "perCoreSecond": 1.0 / cpu,
            "perSecond": 1.0 / wall,
            "ratioToFloor": floor.map(|floor| cpu / floor),
            "samples": self.samples.iter().map(sample).collect::<Vec<_>>(),
        })
    }
}

/// The middle, or the mean of the two in the middle; `None` of nothing.
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    let lower = if values.len().is_multiple_of(2) { values.get(middle.wrapping_sub(1)).copied() } else { None };
    Some(f64::midpoint(upper, lower.unwrap_or(upper)))
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub const fn float(count: usize) -> f64 {
    count as f64
}

/// Where reports lie, and the states that are kept for the next run.
pub fn folder() -> Outcome<PathBuf> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().ok_or("the target folder has a parent")?;
    let folder = target.join("bench");
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

#[expect(clippy::print_stderr, reason = "a benchmark says how far it is")]
pub fn progress(text: &str) {
    eprintln!("figures: {text}");
}
