//! Medians over the repetitions, as a table and as JSON.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::Outcome;
use crate::options::Options;
use crate::spent::Spent;

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
    count: usize,
    samples: Vec<Spent>,
}

#[derive(Default)]
pub struct Report {
    figures: Vec<Figure>,
    skipped: Vec<(String, String)>,
}

impl Report {
    /// Adds one repetition of a figure.
    pub fn add(&mut self, name: &str, unit: Unit, count: usize, sample: Spent) {
        match self.figures.iter_mut().find(|figure| figure.name == name) {
            Some(figure) => figure.samples.push(sample),
            None => self.figures.push(Figure { name: name.to_owned(), unit, count, samples: vec![sample] }),
        }
    }

    pub fn skip(&mut self, name: &str, why: &str) {
        self.skipped.push((name.to_owned(), why.to_owned()));
    }

    fn floor(&self) -> Option<f64> {
        self.figures.iter().find(|figure| figure.name == FLOOR).map(Figure::cpu_each)
    }

    #[expect(clippy::print_stdout, reason = "a benchmark's output is what it prints")]
    pub fn print(&self, options: &Options) {
        println!(
            "\n{} events, medians of {} repetitions; µs are of processor time\n",
            options.events, options.repetitions
        );
        println!("{:<58} {:>6} {:>9} {:>10} {:>10} {:>7}", "figure", "per", "µs", "per core s", "per second", "ratio");
        for figure in &self.figures {
            let ratio = self.floor().map_or_else(String::new, |floor| format!("{:.2}", figure.cpu_each() / floor));
            let (cpu, wall) = (figure.cpu_each(), figure.wall_each());
            let (name, unit) = (&figure.name, figure.unit.as_str());
            println!("{name:<58} {unit:>6} {:>9.1} {:>10.0} {:>10.0} {ratio:>7}", cpu * 1e6, 1.0 / cpu, 1.0 / wall);
        }
        for (name, why) in &self.skipped {
            println!("{name}: skipped: {why}");
        }
    }

    pub fn write(&self, options: &Options) -> Outcome<()> {
        let figures: Vec<Value> = self.figures.iter().map(|figure| figure.json(self.floor())).collect();
        let skipped: Vec<Value> = self.skipped.iter().map(|(name, why)| json!({ "name": name, "why": why })).collect();
        let report = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "cores": std::thread::available_parallelism()?.get(),
            "events": options.events,
            "repetitions": options.repetitions,
            "floor": FLOOR,
            "figures": figures,
            "skipped": skipped,
        });
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().ok_or("the target folder has a parent")?;
        let folder = target.join("bench");
        std::fs::create_dir_all(&folder)?;
        let path = folder.join("first-figures.json");
        std::fs::write(&path, serde_json::to_vec_pretty(&report)?)?;
        progress(&format!("written to {}", path.display()));
        Ok(())
    }
}

impl Figure {
    /// Seconds of processor time for each, in the median.
    fn cpu_each(&self) -> f64 {
        self.each(|sample| sample.cpu)
    }

    fn wall_each(&self) -> f64 {
        self.each(|sample| sample.wall)
    }

    fn each(&self, of: fn(&Spent) -> Duration) -> f64 {
        let mut seconds: Vec<f64> = self.samples.iter().map(|sample| of(sample).as_secs_f64()).collect();
        seconds.sort_by(f64::total_cmp);
        let middle = seconds.len() / 2;
        let upper = seconds.get(middle).copied().unwrap_or_default();
        let lower = if seconds.len().is_multiple_of(2) { seconds.get(middle.wrapping_sub(1)).copied() } else { None };
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
        let count = self.count as f64;
        f64::midpoint(upper, lower.unwrap_or(upper)) / count
    }

    fn json(&self, floor: Option<f64>) -> Value {
        let samples = self.samples.iter();
        let samples: Vec<Value> = samples
            .map(|s| json!({ "cpuSeconds": s.cpu.as_secs_f64(), "wallSeconds": s.wall.as_secs_f64() }))
            .collect();
        json!({
            "name": self.name,
            "per": self.unit.as_str(),
            "count": self.count,
            "cpuMicroseconds": self.cpu_each() * 1e6,
            "perCoreSecond": 1.0 / self.cpu_each(),
            "perSecond": 1.0 / self.wall_each(),
            "ratioToFloor": floor.map(|floor| self.cpu_each() / floor),
            "samples": samples,
        })
    }
}

#[expect(clippy::print_stderr, reason = "a benchmark says how far it is")]
pub fn progress(text: &str) {
    eprintln!("figures: {text}");
}
