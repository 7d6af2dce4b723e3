//! The sections on a broker, in turn. Without a broker they are skipped, and said to be.

use std::path::Path;

use super::{copy, latency, options::KafkaOptions, restart, streams};
use crate::Outcome;
use crate::broker::Broker;
use crate::report::{self, Report};

/// Measures what is wanted of `copy`, `latency`, `streams` and `restart`.
pub fn measure(report: &mut Report, options: &KafkaOptions, wants: &dyn Fn(&str) -> bool) -> Outcome<()> {
    if !["copy", "latency", "streams", "restart"].iter().any(|section| wants(section)) {
        return Ok(());
    }
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let broker = match Broker::start(&dir.path().join("broker")) {
        Ok(broker) => broker,
        Err(problem) => {
            report.skip("all that runs beside a peer on Kafka", &problem.to_string());
            return Ok(());
        }
    };
    if wants("copy") {
        in_folder(dir.path(), "copy", |data| copy::measure(report, &broker, data, options))?;
    }
    if wants("latency") {
        in_folder(dir.path(), "latency", |data| latency::measure(report, &broker, data, options))?;
    }
    let mut peer = None;
    if wants("streams") {
        peer = in_folder(dir.path(), "streams", |data| streams::measure(report, &broker, data, options))?;
    }
    if wants("restart") {
        in_folder(dir.path(), "restart", |data| restart::measure(report, &broker, data, options, peer))?;
    }
    Ok(())
}

/// Runs a section in a folder of its own, which goes with it.
fn in_folder<T>(dir: &Path, name: &str, measure: impl FnOnce(&Path) -> Outcome<T>) -> Outcome<T> {
    report::progress(&format!("section {name}"));
    let data = dir.join(name);
    std::fs::create_dir_all(&data)?;
    let measured = measure(&data)?;
    std::fs::remove_dir_all(data)?;
    Ok(measured)
}
