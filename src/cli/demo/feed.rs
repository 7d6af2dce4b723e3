//! Feeding the story to the log, and waiting until everything that it set off is done.

use std::thread;
use std::time::{Duration, Instant};

use super::story::{Act, NUMBER, Step};
use crate::cli::exit::Failure;
use crate::event::Topic;
use crate::gateway::records;
use crate::ledger::control::ControlRecord;
use crate::log::{Log, LogError, Outgoing, Outlet as _, Partition, Reader as _, Record};
use crate::processor::{Stop, WorkerSettings};
use crate::telemetry::Role;

/// How long the processing of one step may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// All records of a topic that are there now.
pub fn read_all<L: Log>(log: &L, topic: Topic) -> Result<Vec<Record>, LogError> {
    let mut reader = records::open(log, topic, true)?;
    let mut all = Vec::new();
    loop {
        let records = reader.read(1_000, Duration::ZERO)?;
        if records.is_empty() && reader.at_end()? {
            return Ok(all);
        }
        all.extend(records);
    }
}

/// The number of the first step that was not fed yet: each record carries its own.
pub fn progress<L: Log>(log: &L, steps: usize) -> Result<usize, LogError> {
    let mut next = 0;
    for topic in Topic::admission_inputs() {
        for record in read_all(log, topic)? {
            next = next.max(number(&record).map_or(0, |number| number + 1));
        }
    }
    Ok(next.min(steps))
}

/// The number of the step that a record was.
pub fn number(record: &Record) -> Option<usize> {
    let (_, value) = record.headers.iter().find(|(name, _)| name == NUMBER)?;
    std::str::from_utf8(value.as_deref()?).ok()?.parse().ok()
}

/// Writes one step.
pub fn feed<L: Log>(outlet: &mut L::Outlet, step: &Step) -> Result<(), LogError> {
    let record = match &step.act {
        Act::Send(record) => record.clone(),
        Act::Activate(trust) => Outgoing {
            topic: Topic::Control,
            owner: None,
            partition: Some(0),
            key: Some(b"activate".to_vec()),
            value: Some(ControlRecord::Tenant(trust.clone()).to_bytes()),
            headers: Vec::new(),
        },
    };
    outlet.begin()?;
    outlet.append(record)?;
    outlet.commit()
}

/// Waits until both roles have committed everything there is.
pub fn settle<L: Log>(log: &L, settings: &WorkerSettings, stop: &Stop) -> Result<(), Failure> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE && !stop.is_stopped() {
        // Asks go back from the ledger to admission. So admission is looked at again: where nothing came to it between
        // the two looks, nothing came from it to the ledger either.
        let before = settled(log, settings, Role::Admission)?;
        let ledger = settled(log, settings, Role::Ledger)?;
        let after = settled(log, settings, Role::Admission)?;
        if before.is_some() && ledger.is_some() && before == after {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(2));
    }
    Err(Failure::io("the demo's records were not processed in time"))
}

/// The ends of what a role reads, where it has committed them all.
fn settled<L: Log>(log: &L, settings: &WorkerSettings, role: Role) -> Result<Option<Vec<u64>>, LogError> {
    let topics: Vec<Topic> = match role {
        Role::Admission => Topic::admission_inputs().collect(),
        Role::Ledger => vec![Topic::Ledger],
    };
    let mut ends = Vec::new();
    for topic in topics {
        for number in 0..log.partitions(topic)? {
            let partition = Partition::of(topic, number);
            let range = log.range(partition)?;
            if log.committed(&settings.group(role), partition)?.unwrap_or(range.first) < range.end {
                return Ok(None);
            }
            ends.push(range.end);
        }
    }
    Ok(Some(ends))
}
