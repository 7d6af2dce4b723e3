//! A line per fault, and one summary of them all.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use super::faults::Kind;
use super::tally::Tally;

/// A fault that was survived, as far as is known yet.
pub struct Line {
    pub number: u64,
    pub kind: Kind,
    pub seed: u64,
    /// Records that producers sent since the fault before.
    pub records: u64,
    pub took: Duration,
    pub what: String,
    /// Whether there was anything to strike.
    pub struck: bool,
}

#[derive(Default)]
pub struct Report {
    /// Not judged yet.
    pending: Vec<Line>,
    counts: BTreeMap<Kind, u64>,
    first: Option<u64>,
    end: u64,
    judgements: u64,
    tally: Tally,
    took: Duration,
}

impl Report {
    pub fn survived(&mut self, line: Line) {
        eprintln!("chaos: {} {} went by after {:.1} s", line.number, line.kind.as_str(), line.took.as_secs_f64());
        self.took += line.took;
        self.pending.push(line);
    }

    /// The oracle has spoken about everything since it last did: each fault's line.
    pub fn judged(&mut self, tally: Tally) {
        for line in self.pending.drain(..) {
            println!("{}", told(&line, &tally.to_string()));
            self.end = line.number + 1;
            if !line.struck {
                continue;
            }
            *self.counts.entry(line.kind).or_default() += 1;
            self.first.get_or_insert(line.number);
        }
        self.judgements += 1;
        self.tally.add(tally);
    }

    /// What the slice ends with: `tally` is what was wrong when it did, and the faults since the judgement before are those
    /// that it may have come of.
    pub fn failed(&mut self, why: &str, tally: Tally) {
        for line in self.pending.drain(..) {
            println!("{}", told(&line, why));
            self.first.get_or_insert(line.number);
            self.end = line.number + 1;
        }
        self.tally.add(tally);
    }

    pub fn faults(&self) -> u64 {
        self.counts.values().sum()
    }

    pub fn summary(&self) -> String {
        let per_kind: Vec<String> = self.counts.iter().map(|(kind, n)| format!("{} {n}", kind.as_str())).collect();
        format!(
            "{} faults ({}), {} judgements, {} inputs, {} outputs: {}",
            self.faults(),
            per_kind.join(", "),
            self.judgements,
            self.tally.inputs,
            self.tally.outputs,
            self.tally
        )
    }

    /// Appends a row to the record of all slices, which says of which commit it is.
    pub fn append(&self, to: &Path, commit: &str, outcome: &str) {
        let head = !to.exists() || fs::metadata(to).unwrap().len() == 0;
        let mut file = File::options().create(true).append(true).open(to).unwrap();
        if head {
            file.write_all(HEAD.as_bytes()).unwrap();
        }
        let counts: Vec<String> =
            Kind::ALL.iter().map(|kind| self.counts.get(kind).copied().unwrap_or(0).to_string()).collect();
        let Tally { inputs, outputs, lost, doubled, out_of_order } = self.tally;
        let first = self.first.unwrap_or(self.end);
        let row = format!(
            "| {first}..{} | {commit} | {} | {} | {inputs} | {outputs} | {lost} | {doubled} | {out_of_order} | {outcome} |\n",
            self.end,
            self.faults(),
            counts.join(" "),
        );
        file.write_all(row.as_bytes()).unwrap();
    }
}

const HEAD: &str = "# Faults on a real Kafka

Each row is one `make chaos`: the numbers of its faults (`FROM=` goes on where a row ends), the commit, how many, how many
of each kind, what producers sent and readers got, and what the oracle found. A number whose fault met nothing that it
could strike (an instance without a partition, a write-ahead log without a record) is not counted among them. A change of
`src/processor` or `src/ledger` makes the rows before it void. The kinds, in their order: instance-killed, files-damaged,
network-cut, broker-killed-in-commit, poison-storm, disk-full, instance-asleep, cable-pulled, folder-foreign, large-records,
clock-skewed, broker-frozen, transaction-expired.

| numbers | commit | faults | per kind | inputs | outputs | lost | doubled | out of order | oracle |
|---|---|---|---|---|---|---|---|---|---|
";

fn told(line: &Line, oracle: &str) -> String {
    format!(
        "fault {} {} seed={:#x} records={} {:.1}s ({}): {oracle}",
        line.number,
        line.kind.as_str(),
        line.seed,
        line.records,
        line.took.as_secs_f64(),
        line.what,
    )
}

#[test]
fn the_record_names_the_kinds_in_their_order() {
    let names: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
    assert!(HEAD.replace('\n', " ").contains(&names.join(", ")));
}
