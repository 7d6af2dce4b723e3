//! `attestream topics` and `attestream ledger init`: what must be there before the first record.

use serde_json::json;

use super::args::{Configured, Topics};
use super::cluster::{configured_topics, own_topics, required_kafka, settings};
use super::exit::{Exit, Failure};
use super::out::{Colour, Format, Out};
use super::serve::birth;
use crate::kafka::topics;
use crate::processor::genesis::Born;

pub fn run(command: Topics) -> Result<Exit, Failure> {
    let out = Out::new();
    match command {
        Topics::Export { configured } => {
            out.line(topics::export(&configured_topics(&settings(&configured)?)).trim_end());
            Ok(Exit::Done)
        }
        Topics::Plan { configured, format } => plan(&out, &configured, format),
        Topics::Apply { configured, format } => apply(&out, &configured, format),
    }
}

fn plan(out: &Out, configured: &Configured, format: Format) -> Result<Exit, Failure> {
    let settings = settings(configured)?;
    let log = required_kafka(&settings)?;
    let differences = topics::plan(&log, &own_topics(&log, &settings)?, settings.ledger.replicas_max)?;
    for difference in &differences {
        let applicable = difference.is_applicable();
        match format {
            Format::Json => out.line(
                json!({ "topic": difference.topic(), "difference": difference.to_string(), "applicable": applicable }),
            ),
            Format::Text => out.line(difference),
        }
    }
    if differences.is_empty() {
        if format == Format::Text {
            out.line(out.paint(Colour::Green, "the cluster is as the manifests say"));
        }
        return Ok(Exit::Done);
    }
    Ok(Exit::Failed)
}

fn apply(out: &Out, configured: &Configured, format: Format) -> Result<Exit, Failure> {
    let settings = settings(configured)?;
    let log = required_kafka(&settings)?;
    let applied = topics::apply(&log, &own_topics(&log, &settings)?, settings.ledger.replicas_max)?;
    let shown = applied.done.iter().map(|one| (one, true)).chain(applied.left.iter().map(|one| (one, false)));
    for (difference, done) in shown {
        match format {
            Format::Json => {
                out.line(json!({ "topic": difference.topic(), "difference": difference.to_string(), "done": done }))
            }
            Format::Text if done => out.line(format!("{} {difference}", out.paint(Colour::Green, "done"))),
            Format::Text => out.line(format!("{} {difference}", out.paint(Colour::Yellow, "left"))),
        }
    }
    show_born(out, &birth::init(&log, &settings)?, format);
    Ok(if applied.left.is_empty() { Exit::Done } else { Exit::Failed })
}

/// `attestream ledger init`.
pub fn init(configured: &Configured) -> Result<Exit, Failure> {
    let settings = settings(configured)?;
    let log = required_kafka(&settings)?;
    show_born(&Out::new(), &birth::init(&log, &settings)?, Format::Text);
    Ok(Exit::Done)
}

fn show_born(out: &Out, born: &Born, format: Format) {
    let genesis = born.genesis();
    let now = matches!(born, Born::Now(_));
    match format {
        Format::Json => out.line(json!({ "ledger": genesis.ledger, "partitions": genesis.partitions, "born": now })),
        Format::Text => {
            let word = if now { "genesis written:" } else { "there is a genesis already:" };
            out.line(format!("{word} ledger {} with {} partitions", genesis.ledger, genesis.partitions));
        }
    }
}
