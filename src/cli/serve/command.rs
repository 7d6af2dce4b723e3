//! The two commands that serve.

use super::process::Birth;
use super::{Process, birth};
use crate::cli::args::{RoleName, Run, Up};
use crate::cli::cluster::{kafka, own_topics, required_kafka, settings};
use crate::cli::exit::{Exit, Failure};
use crate::cli::out::Out;
use crate::cli::{demo, logging};
use crate::event::Topic;
use crate::kafka::{KafkaLog, topics};
use crate::log::{Log, LogError};
use crate::rocks::{LocalLog, MemoryBudget};
use crate::settings::Settings;
use crate::telemetry::Role;

const ALL: [Role; 2] = [Role::Admission, Role::Ledger];

/// `attestream up`.
pub fn up(up: Up) -> Result<Exit, Failure> {
    let mut settings = settings(&up.configured)?;
    if let Some(data) = up.data {
        settings.data = data;
    } else if up.demo {
        // The demo never mixes with what a person keeps.
        settings.data = settings.data.join("demo");
    }
    if let Some(listen) = up.listen {
        settings.listen = listen;
    }
    logging::start(up.demo);
    if up.demo {
        return play(settings, up.exit);
    }
    let budget = MemoryBudget::default();
    match kafka(&settings)? {
        Some(log) => {
            let born: Birth<KafkaLog> = Box::new(|log, settings| {
                topics::apply(log, &own_topics(log, settings)?, settings.ledger.replicas_max)?;
                birth::init(log, settings).map(drop)
            });
            until_stopped(Process::open(log, settings, &ALL, budget)?, &born)
        }
        None => {
            let log = open_local(&settings, &budget)?;
            let born: Birth<LocalLog> = Box::new(|log, settings| birth::init(log, settings).map(drop));
            until_stopped(Process::open(log, settings, &ALL, budget)?, &born)
        }
    }
}

/// `attestream up --demo`: the same process on the local log, and somebody who feeds it.
fn play(mut settings: Settings, exit: bool) -> Result<Exit, Failure> {
    let seed = demo::prepare(&mut settings)?;
    let budget = MemoryBudget::default();
    let log = open_local(&settings, &budget)?;
    let mut process = Process::open(log, settings, &ALL, budget)?;
    let out = Out::new();
    out.line(format!("attestream listens on http://{}", process.address));
    let born: Birth<LocalLog> = Box::new(|log, settings| birth::init(log, settings).map(drop));
    let outcome = process.start(&born).and_then(|()| demo::play(&process, seed));
    let outcome = match outcome {
        Ok(played) if !exit => {
            out.line("");
            out.line("Serving until Ctrl-C.");
            process.wait().map(|()| played)
        }
        // Told to stop in mid-play: the next start goes on from there.
        Err(_) if process.stop.is_stopped() => Ok(Exit::Done),
        outcome => outcome,
    };
    process.end();
    outcome
}

/// `attestream run`.
pub fn run(run: Run) -> Result<Exit, Failure> {
    let mut settings = settings(&run.configured)?;
    if let Some(data) = run.data {
        settings.data = data;
    }
    if let Some(listen) = run.listen {
        settings.listen = listen;
    }
    if let Some(instance) = run.instance {
        settings.kafka.instance = instance;
    }
    if settings.kafka.instance.is_empty() {
        let message =
            "no instance: give --instance, or kafka.instance in the configuration; it is this process's stable name";
        return Err(Failure::new(Exit::Usage, message));
    }
    let log = required_kafka(&settings)?;
    logging::start(false);
    let roles: &[Role] = match run.role {
        RoleName::Admission => &[Role::Admission],
        RoleName::Ledger => &[Role::Ledger],
        RoleName::All => &ALL,
    };
    // Topics and genesis are another's to make; the workers wait for them.
    let born: Birth<KafkaLog> = Box::new(|_, _| Ok(()));
    until_stopped(Process::open(log, settings, roles, MemoryBudget::default())?, &born)
}

/// The log of a single process, in its data folder.
fn open_local(settings: &Settings, budget: &MemoryBudget) -> Result<LocalLog, Failure> {
    let folder = settings.data.join("log");
    // The number of ledger partitions is fixed by the first start; what the log has counts from then on.
    let new = !folder.join("CURRENT").exists();
    let counts: &[(Topic, u32)] = if new { &[(Topic::Ledger, settings.ledger.partitions)] } else { &[] };
    LocalLog::open(&folder, counts, budget)
        .map_err(|error: LogError| Failure::io(format!("{}: {error}", folder.display())))
}

fn until_stopped<L: Log>(mut process: Process<L>, born: &Birth<L>) -> Result<Exit, Failure> {
    let out = Out::new();
    out.line(format!("attestream listens on http://{}", process.address));
    let outcome = process.start(born).and_then(|()| process.wait());
    process.end();
    outcome.map(|()| Exit::Done)
}
