//! The table: per stage, in = sum of fates, from what is durable; and every output against the second fold.

use std::collections::BTreeMap;

use super::feed::{number, read_all};
use super::shadow::{Bag, Shadow};
use super::story::{Ending, tenant};
use crate::cli::exit::Failure;
use crate::cli::out::{Colour, Out};
use crate::event::topic::TopicRole;
use crate::event::{Digest, Tenant, Topic};
use crate::ledger::output::{Published, Status};
use crate::log::{Log, Record};

/// A stage: its name, what came in, and the fates.
type Stage = (&'static str, u64, Vec<(&'static str, u64)>);

/// What was found. Empty `problems`: everything balances and ended as it had to.
#[derive(Default)]
pub struct Balance {
    stages: Vec<Stage>,
    outputs: Vec<(Topic, u64)>,
    pub problems: Vec<String>,
}

/// Counts. Everything must have been processed.
pub fn balance<L: Log>(log: &L, shadow: &Shadow<L>, endings: &[Ending]) -> Result<Balance, Failure> {
    let mut balance = Balance::default();
    balance.stages(log, shadow)?;
    balance.outputs(log, shadow)?;
    balance.endings(log, endings)?;
    Ok(balance)
}

impl Balance {
    fn stages<L: Log>(&mut self, log: &L, shadow: &Shadow<L>) -> Result<(), Failure> {
        let mut inputs = 0;
        let mut control = 0;
        for topic in Topic::admission_inputs() {
            let count = count(read_all(log, topic)?.len());
            inputs += count;
            control += if topic == Topic::Control { count } else { 0 };
        }
        let dead = count(read_all(log, Topic::DeadLetter)?.len());
        let fates = vec![
            ("admitted", shadow.admitted),
            ("dead-lettered", dead),
            ("answered", shadow.answered),
            ("copied", control),
        ];
        self.stages.push(("admission", inputs, fates));
        let fates = shadow.fates.iter().map(|(fate, records)| (fate.as_str(), *records)).collect();
        let ends = read_all(log, Topic::Ledger)?.len();
        self.stages.push(("ledger", count(ends), fates));
        for (stage, records, fates) in &self.stages {
            let sum: u64 = fates.iter().map(|(_, records)| records).sum();
            if sum != *records {
                self.problems.push(format!("{stage}: {records} in, {sum} with a fate"));
            }
        }
        Ok(())
    }

    /// Every output has exactly the records that the second fold publishes, byte for byte.
    fn outputs<L: Log>(&mut self, log: &L, shadow: &Shadow<L>) -> Result<(), Failure> {
        let outputs = Topic::ALL.iter().copied().filter(|topic| topic.role() == TopicRole::Output);
        for topic in outputs.chain([Topic::Work]) {
            let records = read_all(log, topic)?;
            self.outputs.push((topic, count(records.len())));
            if topic == Topic::DeadLetter {
                continue;
            }
            let mut found = Bag::new();
            for record in &records {
                *found.entry(Digest::of(record.value.as_deref().unwrap_or_default())).or_default() += 1;
            }
            if found != shadow.published.get(&topic).cloned().unwrap_or_default() {
                self.problems.push(format!("{topic}: not what a second fold of the ledger publishes"));
            }
        }
        Ok(())
    }

    fn endings<L: Log>(&mut self, log: &L, endings: &[Ending]) -> Result<(), Failure> {
        let mut events: BTreeMap<(Tenant, Digest), Published> = BTreeMap::new();
        for record in read_all(log, Topic::Enriched)? {
            let event: Published =
                serde_json::from_slice(record.value.as_deref().unwrap_or_default()).map_err(Failure::io)?;
            if let Some(document) = &event.document {
                events.insert((event.tenant.clone(), document.digest), event);
            }
        }
        let letters = read_all(log, Topic::DeadLetter)?;
        for ending in endings {
            let (tenant_name, document, status, code) = match ending {
                Ending::Verified { tenant, document } => (tenant, document, Some(Status::Verified), None),
                Ending::Missing { tenant, document } => (tenant, document, Some(Status::Missing), None),
                Ending::Refused { tenant, document, code } => (tenant, document, None, Some(*code)),
                Ending::DeadLetter { number, code } => {
                    self.letter(&letters, *number, code);
                    continue;
                }
            };
            let wanted = status.map(Status::as_str).or(code).unwrap_or_default();
            let found = events.get(&(tenant(tenant_name)?, *document)).map(|event| &event.trust);
            let right = found.is_some_and(|trust| match (status, code) {
                (Some(status), _) => trust.status == status,
                (None, Some(code)) => !trust.verified && trust.reasons.iter().any(|reason| reason == code),
                (None, None) => true,
            });
            if !right {
                let found = found.map(|trust| format!("{} {}", trust.status.as_str(), trust.reasons.join(", ")));
                let found = found.unwrap_or_else(|| "nothing".to_owned());
                self.problems.push(format!("{tenant_name}, document {document}: expected {wanted}, found {found}"));
            }
        }
        Ok(())
    }

    fn letter(&mut self, letters: &[Record], of: usize, code: &str) {
        let letter = letters.iter().find(|letter| number(letter) == Some(of));
        let found = letter.map_or_else(|| "nothing".to_owned(), letter_code);
        if found != code {
            self.problems.push(format!("input {of}: expected the dead letter {code}, found {found}"));
        }
    }

    pub fn show(&self, out: &Out) {
        for (stage, records, fates) in &self.stages {
            let fates: Vec<String> = fates.iter().map(|(fate, records)| format!("{records} {fate}")).collect();
            let line = format!("{stage:<10} {records:>4} in = {}", fates.join(" + "));
            out.line(out.paint(Colour::Bold, &line));
        }
        for (topic, records) in &self.outputs {
            out.line(format!("{:<20} {records:>4} records", topic.name()));
        }
        for problem in &self.problems {
            out.line(format!("{} {problem}", out.paint(Colour::Red, "wrong")));
        }
        if self.problems.is_empty() {
            let line = "the table balances, and a second fold of the ledger publishes the same bytes";
            out.line(out.paint(Colour::Green, line));
        }
    }
}

/// The code of a dead letter.
pub fn letter_code(letter: &Record) -> String {
    let code = letter.headers.iter().rfind(|(name, _)| name == "attestream-error-code");
    let code = code.and_then(|(_, value)| value.as_deref()).unwrap_or_default();
    String::from_utf8_lossy(code).into_owned()
}

fn count(records: usize) -> u64 {
    u64::try_from(records).unwrap_or(u64::MAX)
}
