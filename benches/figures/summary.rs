//! The aims, one row each: what was reached in this run, and why not where nothing could be measured.

use std::path::Path;

use serde_json::{Value, json};

use crate::Outcome;

/// What a ratio should be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Aim {
    AtLeast(f64),
    AtMost(f64),
}

use Aim::{AtLeast, AtMost};

impl Aim {
    /// Nothing that is no number meets an aim.
    pub fn is_met_by(self, ratio: f64) -> bool {
        match self {
            AtLeast(aim) => ratio >= aim,
            AtMost(aim) => ratio <= aim,
        }
    }

    fn text(self) -> String {
        match self {
            AtLeast(aim) => format!(">= {aim}"),
            AtMost(aim) => format!("<= {aim}"),
        }
    }
}

/// Every aim: name, what is to be reached, and in which unit. A row of another name stands behind them.
pub const AIMS: [(&str, Aim, &str); 18] = [
    ("admission_vs_signatures", AtMost(1.25), "times the cost of its signatures"),
    ("embedded_vs_admission", AtLeast(0.7), "of admission's rate"),
    ("kafka_vs_copy", AtLeast(0.6), "of a transactional copy's rate"),
    ("keyless_v1_vs_sigstore_go", AtLeast(5.0), "times its rate per core"),
    ("keyless_v2_vs_sigstore_go", AtLeast(5.0), "times its rate per core"),
    ("keyed_rekor_vs_sigstore_go", AtLeast(2.5), "times its rate per core"),
    ("keyless_vs_sigstore_verify", AtLeast(1.3), "times its rate per core"),
    ("redelivery_vs_first", AtLeast(10.0), "times the rate of what is first seen"),
    ("ledger_vs_streams", AtLeast(3.0), "times its records per CPU-second"),
    ("path_vs_streams", AtLeast(1.3), "times its records per CPU-second"),
    ("latency_p99_2000", AtMost(75.0), "ms"),
    ("latency_p99_half", AtMost(150.0), "ms"),
    ("restart_first_output", AtMost(2.0), "s"),
    ("restore_rate", AtLeast(2.0), "times the live ledger stage per core"),
    ("restore_rate_per_core", AtLeast(60_000.0), "records per CPU-second"),
    ("flat_10m_path", AtLeast(0.85), "of the rate with an empty state"),
    ("flat_10m_ledger", AtLeast(0.5), "of the rate with an empty state"),
    ("memory_10m", AtMost(1.0), "GiB resident"),
];

/// One aim and what was reached. A ratio that is no number was not measured, or may not count; the note says why.
#[derive(Debug, Clone)]
pub struct Row {
    pub name: &'static str,
    pub ratio: f64,
    pub aim: Aim,
    pub runs: usize,
    pub unit: &'static str,
    pub note: String,
}

impl Row {
    /// A row of `AIMS`, with what was reached in the median of so many runs.
    pub fn reached(name: &'static str, ratio: f64, runs: usize, note: String) -> Self {
        let (aim, unit) = AIMS.iter().find(|aim| aim.0 == name).map_or((AtLeast(f64::NAN), ""), |aim| (aim.1, aim.2));
        Row { name, ratio, aim, runs, unit, note }
    }

    /// A row of `AIMS` that could not be measured: not met.
    pub fn missing(name: &'static str, why: impl Into<String>) -> Self {
        Self::reached(name, f64::NAN, 0, format!("not measured: {}", why.into()))
    }

    /// What was measured may not count: not met, whatever it was.
    pub fn void(self, why: &str) -> Self {
        let note = format!("void: {why}; the ratio would be {:.2}; {}", self.ratio, self.note);
        Row { ratio: f64::NAN, note, ..self }
    }

    pub fn is_met(&self) -> bool {
        self.aim.is_met_by(self.ratio)
    }

    fn json(&self) -> Value {
        json!({
            "name": self.name,
            // JSON has no form for what is no number: null.
            "ratio": self.ratio,
            "aim": self.aim.text(),
            "met": self.is_met(),
            "runs": self.runs,
            "unit": self.unit,
            "note": self.note,
        })
    }
}

/// All rows in the order of the aims; an aim of which nothing was said is there as missing.
pub fn complete(said: &[Row]) -> Vec<Row> {
    let mut rows = Vec::new();
    for (name, ..) in AIMS {
        let before = rows.len();
        rows.extend(said.iter().filter(|row| row.name == name).cloned());
        if rows.len() == before {
            rows.push(Row::missing(name, "it was not part of this run"));
        }
    }
    rows.extend(said.iter().filter(|row| AIMS.iter().all(|aim| aim.0 != row.name)).cloned());
    rows
}

#[expect(clippy::print_stdout, reason = "a benchmark's output is what it prints")]
pub fn print(rows: &[Row]) {
    println!("\n{:<28} {:>10} {:>10} {:>4} {:>5}  unit", "aim", "reached", "to reach", "met", "runs");
    for row in rows {
        let ratio = if row.ratio.is_finite() { format!("{:.2}", row.ratio) } else { "-".to_owned() };
        let met = if row.is_met() { "yes" } else { "no" };
        println!("{:<28} {ratio:>10} {:>10} {met:>4} {:>5}  {}", row.name, row.aim.text(), row.runs, row.unit);
        if !row.note.is_empty() {
            println!("{:<28} {}", "", row.note);
        }
    }
}

pub fn write(rows: &[Row], path: &Path) -> Outcome<()> {
    let rows: Vec<Value> = rows.iter().map(Row::json).collect();
    Ok(std::fs::write(path, serde_json::to_vec_pretty(&rows)?)?)
}
