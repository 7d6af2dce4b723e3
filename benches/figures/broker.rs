//! The whole path through a real Kafka broker on loopback. Without one the figure is skipped, and said to be.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use attestream::kafka::{KafkaLog, KafkaSettings, topics};
use attestream::rocks::MemoryBudget;

use crate::Outcome;
use crate::inputs::Inputs;
use crate::report::{self, Report, Unit};
use crate::spent::{Spent, cpu_of};
use crate::whole::Plant;

pub fn measure(report: &mut Report, inputs: &Inputs, repetitions: usize) -> Outcome<()> {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let broker = match Broker::start(&dir.path().join("broker")) {
        Ok(broker) => broker,
        Err(problem) => {
            report.skip("Kafka", &problem.to_string());
            return Ok(());
        }
    };
    let (count, name) = (inputs.pairs.len(), inputs.scheme.name());
    for round in 0..repetitions {
        report::progress(&format!("Kafka, round {} of {repetitions}", round + 1));
        let settings = KafkaSettings { topic_prefix: format!("f{round}."), ..KafkaSettings::new(&broker.bootstrap) };
        let log = KafkaLog::new(settings)?;
        topics::apply(&log, &[], Some(1))?;
        let plant = Plant::new(log, &dir.path().join(format!("data-{round}")), MemoryBudget::default(), inputs)?;
        for again in ["", ", again"] {
            let before = broker.cpu()?;
            let took = plant.drain(&inputs.pairs)?;
            report.add(&format!("Kafka: {name}{again}"), Unit::Event, count, took);
            // The broker's time includes taking the backlog in.
            let cpu = broker.cpu()?.saturating_sub(before);
            report.add(&format!("Kafka: {name}{again}, the broker's own"), Unit::Event, count, Spent { cpu, ..took });
        }
    }
    Ok(())
}

/// One broker; it ends with this process at the latest.
pub struct Broker {
    dir: PathBuf,
    pub bootstrap: String,
    pid: String,
}

impl Broker {
    pub fn start(dir: &Path) -> Outcome<Self> {
        script(&["start".as_ref(), dir])?;
        let read = |name: &str| std::fs::read_to_string(dir.join(name)).map(|text| text.trim().to_owned());
        Ok(Broker { dir: dir.to_owned(), bootstrap: read("bootstrap")?, pid: read("pids")? })
    }

    pub fn cpu(&self) -> Outcome<Duration> {
        cpu_of(&self.pid)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if let Err(problem) = script(&["stop".as_ref(), &self.dir]) {
            report::progress(&format!("the broker did not stop: {problem}"));
        }
    }
}

fn script(arguments: &[&Path]) -> Outcome<()> {
    let output = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/kafka/kafka"))
        .args(arguments)
        .env("ATTESTREAM_KAFKA_PARENT", std::process::id().to_string())
        .stdin(Stdio::null())
        .output()?;
    let said = || String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if output.status.success() { Ok(()) } else { Err(said().into()) }
}
