//! The play itself: feed a step, wait, say what became of it; at the end the table.

use std::time::Duration;

use super::Seed;
use super::balance::{balance, letter_code};
use super::feed::{feed, progress, settle};
use super::shadow::{Seen, Shadow};
use super::story::{Act, Story, tell};
use crate::cli::cluster::in_force;
use crate::cli::exit::{Exit, Failure};
use crate::cli::out::{Colour, Out, tame};
use crate::cli::serve::Process;
use crate::event::Topic;
use crate::gateway::records;
use crate::ledger::control::ControlRecord;
use crate::ledger::record::{Admitted, Body};
use crate::log::{Log, Reader as _};
use crate::telemetry::Role;

/// Tries for a table while ticks go on.
const TRIES: usize = 3;

/// Plays the demo on a process at work. Returns whether everything ended as it had to.
pub fn play<L: Log>(process: &Process<L>, seed: Seed) -> Result<Exit, Failure> {
    let out = Out::new();
    let story = tell(seed.authority().map_err(Failure::io)?, seed.start)?;
    let (log, settings) = (&process.log, process.worker_settings());
    settle(log, &settings, &process.stop)?;
    let mut shadow = Shadow::open(log)?;
    shadow.follow()?;
    let from = progress(log, story.steps.len())?;
    let total = story.steps.len();
    match from {
        0 => out.line(format!("Feeding {total} inputs to {}.", settings.group(Role::Admission))),
        from if from < total => out.line(format!("{from} of {total} inputs were fed before; going on with the rest.")),
        _ => out.line(format!("All {total} inputs were fed before; nothing is repeated.")),
    }
    feed_all(process, &out, &story, from, &mut shadow)?;

    let mut balance_found = balance(log, &shadow, &story.endings)?;
    for _ in 1..TRIES {
        if balance_found.problems.is_empty() {
            break;
        }
        // A tick may have come between two counts.
        settle(log, &settings, &process.stop)?;
        shadow.follow()?;
        balance_found = balance(log, &shadow, &story.endings)?;
    }
    out.line("");
    balance_found.show(&out);
    out.line("");
    next(&out, process);
    Ok(if balance_found.problems.is_empty() { Exit::Done } else { Exit::Failed })
}

fn feed_all<L: Log>(
    process: &Process<L>,
    out: &Out,
    story: &Story,
    from: usize,
    shadow: &mut Shadow<L>,
) -> Result<(), Failure> {
    let (log, settings) = (&process.log, process.worker_settings());
    let mut outlet = log.outlet("attestream-demo")?;
    let mut letters = records::open(log, Topic::DeadLetter, false)?;
    let mut part = "";
    let total = story.steps.len();
    for (number, step) in story.steps.iter().enumerate().skip(from) {
        if step.part != part {
            part = step.part;
            out.line("");
            out.line(out.paint(Colour::Bold, part));
        }
        out.line(format!("{} {}", out.paint(Colour::Dim, &format!("[{:>2}/{total}]", number + 1)), step.what));
        if let Act::Activate(trust) = &step.act
            && in_force(log)?.document(&trust.tenant) == Some(&**trust)
        {
            out.line("        in force already");
            continue;
        }
        feed::<L>(&mut outlet, step)?;
        settle(log, &settings, &process.stop)?;
        for letter in letters.read(100, Duration::ZERO)? {
            let code = tame(&letter_code(&letter));
            out.line(format!("        {} {code}", out.paint(Colour::Red, "dead-lettered")));
        }
        for seen in shadow.follow()? {
            if let Some(line) = fate(out, &seen) {
                out.line(line);
            }
        }
    }
    Ok(())
}

/// One record's fate and what it changed; `None` for what repeats in every partition and changes nothing here.
fn fate(out: &Out, seen: &Seen) -> Option<String> {
    let what = match &seen.record.body {
        Body::Admitted(admitted) => kind(admitted),
        Body::Answer(_) => "answer",
        Body::Part(_) => "part",
        Body::Checkpoint(_) if seen.step.alarms.is_empty() => return None,
        Body::Checkpoint(_) => "split view of a log",
        Body::Continue(_) if seen.step.verdicts.is_empty() => return None,
        Body::Continue(_) => "sweep",
        Body::Control(copy) => match copy.record {
            ControlRecord::Tick { .. } | ControlRecord::Genesis(_) => return None,
            _ if seen.step.verdicts.is_empty() && seen.partition > 0 => return None,
            _ => "control",
        },
    };
    let verdicts: Vec<String> = seen
        .step
        .verdicts
        .iter()
        .map(|(status, reason)| {
            let colour = match *status {
                "verified" => Colour::Green,
                "missing" | "asserted" => Colour::Dim,
                "failed" => Colour::Red,
                _ => Colour::Yellow,
            };
            let reason = reason.as_deref().map(|reason| format!(" ({reason})")).unwrap_or_default();
            format!("{}{reason}", out.paint(colour, status))
        })
        .collect();
    let arrow = if verdicts.is_empty() { "" } else { "  → " };
    Some(format!("        {:<11} {what}{arrow}{}", seen.step.fate.as_str(), verdicts.join(", ")))
}

fn kind(admitted: &Admitted) -> &'static str {
    match (&admitted.event, &admitted.attestation) {
        (Some(_), Some(_)) => "event with evidence",
        (Some(_), None) => "event",
        (None, _) => "evidence",
    }
}

fn next<L: Log>(out: &Out, process: &Process<L>) {
    let server = format!("--server http://{}", process.address);
    out.line("Next, in another terminal:");
    out.line(format!("  attestream tail events.verified --from-beginning --until-end {server}"));
    out.line(format!("  attestream publish --tenant acme {server} config/samples"));
    out.line(format!("  curl -s http://{}/metrics | grep attestream_fates", process.address));
}
