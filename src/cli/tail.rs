//! `attestream tail`: the records of a topic.

use std::time::Duration;

use super::args::Tail;
use super::client::Client;
use super::cluster::reach;
use super::exit::{Exit, Failure};
use super::out::{Colour, Format, Out, tame};
use crate::event::{Topic, TopicName};
use crate::gateway::line::Text;
use crate::gateway::{Line, records};
use crate::ledger::output::{Published, Status};
use crate::log::Reader as _;

/// Characters of a value that a line shows of what it does not know.
const SHOWN: usize = 160;

pub fn tail(asked: &Tail) -> Result<Exit, Failure> {
    let names: Vec<&str> = Topic::ALL.iter().map(|topic| topic.name()).collect();
    let unknown = || {
        Failure::new(
            Exit::Usage,
            format!("expected a topic ({}), or a tenant's own of one, got {:?}", names.join(", "), asked.topic),
        )
    };
    let (owner, of) = TopicName::split(&asked.topic).ok_or_else(unknown)?;
    let topic = owner.as_ref().map_or_else(|| of.into(), |owner| TopicName::own(owner, of));
    let (_, kafka) = reach(&asked.reached)?;
    let out = Out::new();
    let mut seen = 0_u64;
    let mut show = |line: &Line| {
        seen += 1;
        match asked.format {
            Format::Json => out.line(String::from_utf8_lossy(&line.to_bytes()).trim_end()),
            Format::Text => out.line(summary(&out, line)),
        }
    };
    match kafka {
        None => {
            Client::new(&asked.reached.server)?.tail(&asked.topic, asked.from_beginning, asked.until_end, |line| {
                show(&line);
                true
            })?
        }
        Some(log) => {
            let mut reader = records::open(&log, topic, asked.from_beginning)?;
            loop {
                let records = reader.read(500, Duration::from_millis(200))?;
                records.iter().for_each(|record| show(&Line::of(record)));
                if records.is_empty() && asked.until_end && reader.at_end()? {
                    break;
                }
            }
        }
    }
    Ok(if seen == 0 { Exit::Indeterminate } else { Exit::Done })
}

/// A record in one line: what a person looks for.
fn summary(out: &Out, line: &Line) -> String {
    let text = |bytes: Option<&[u8]>| tame(&String::from_utf8_lossy(bytes.unwrap_or_default()));
    let place = format!("{} {}-{}@{}", line.timestamp.rfc3339(), line.topic, line.partition, line.offset);
    let key = text(line.key.as_ref().map(Text::bytes));
    let value = line.value.as_ref().map(Text::bytes).unwrap_or_default();
    let what = if let Ok(event) = serde_json::from_slice::<Published>(value) {
        let status = out.paint(status_colour(event.trust.status), event.trust.status.as_str());
        format!("{status} {} {}", event.kind, event.trust.reasons.join(", "))
    } else if let Some(code) = line.header("attestream-error-code") {
        out.paint(Colour::Red, &text(Some(code.bytes())))
    } else {
        let value = text(Some(value));
        let cut: String = value.chars().take(SHOWN).collect();
        if cut.len() < value.len() { format!("{cut}…") } else { cut }
    };
    format!("{}  {key}  {what}", out.paint(Colour::Dim, &place)).trim_end().to_owned()
}

/// How a status is painted.
pub const fn status_colour(status: Status) -> Colour {
    match status {
        Status::Verified => Colour::Green,
        Status::Failed => Colour::Red,
        Status::KeyPolicyMismatch => Colour::Yellow,
        Status::Asserted | Status::Missing => Colour::Dim,
    }
}
