//! The sections on a broker, in turn. Without a broker they are skipped, and said to be.

use super::{copy, floor, latency, options::KafkaOptions, restart, streams};
use crate::Outcome;
use crate::broker::Broker;
use crate::options::Options;
use crate::report::{self, Report};
use crate::summary::Row;

/// Sections in their order, and the rows of each. The restart of the peer is measured with the join.
const SECTIONS: [(&str, &[&str]); 4] = [
    ("copy", &["kafka_vs_copy"]),
    ("latency", &["latency_p99_2000", "latency_p99_half"]),
    ("streams", &["ledger_vs_streams", "path_vs_streams"]),
    ("restart", &["restart_first_output"]),
];

/// What every section works with.
pub struct Bench<'a> {
    pub broker: &'a Broker,
    pub options: &'a KafkaOptions,
    pub tenants: usize,
    /// `floor::stated` of this run.
    pub stated: f64,
}

/// Measures what is wanted of `copy`, `latency`, `streams` and `restart`.
pub fn measure(report: &mut Report, options: &Options) -> Outcome<()> {
    if !SECTIONS.iter().any(|(section, _)| options.wants(section)) {
        return Ok(());
    }
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let broker = match Broker::start(&dir.path().join("broker")) {
        Ok(broker) => broker,
        Err(problem) => {
            for (section, rows) in SECTIONS {
                if options.wants(section) {
                    rows.iter().for_each(|row| report.row(Row::missing(row, format!("skipped: {problem}"))));
                }
            }
            return Ok(());
        }
    };
    let (tenants, stated) = (options.tenants, floor::stated(report));
    let (bench, mut peer) = (Bench { broker: &broker, options: &options.kafka, tenants, stated }, None);
    for (section, names) in SECTIONS.iter().filter(|(section, _)| options.wants(section)) {
        report::progress(&format!("section {section}"));
        // A folder of its own, which goes with it.
        let data = dir.path().join(section);
        std::fs::create_dir_all(&data)?;
        let mut rows = Vec::new();
        let measured = match *section {
            "copy" => copy::measure(&mut rows, &bench, &data),
            "latency" => latency::measure(&mut rows, &bench, &data),
            "streams" => streams::measure(&mut rows, &bench, &data).map(|restart| peer = restart),
            _ => restart::measure(&mut rows, &bench, &data, peer),
        };
        // What the others found in a long run is not lost with one.
        if let Err(problem) = measured {
            report::progress(&format!("section {section} failed: {problem}"));
            for name in names.iter().filter(|name| rows.iter().all(|row| row.name != **name)) {
                report.row(Row::missing(name, problem.to_string()));
            }
        }
        rows.into_iter().for_each(|row| report.row(row));
        std::fs::remove_dir_all(data)?;
    }
    Ok(())
}
