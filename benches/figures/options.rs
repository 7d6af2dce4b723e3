//! What to measure: `cargo bench … -- [--events N] [--repetitions N] [--only floor,admission,fold,local,kafka]`.

use crate::Outcome;

pub struct Options {
    /// Events per figure; each is a document and an attestation.
    pub events: usize,
    pub repetitions: usize,
    only: Option<Vec<String>>,
}

impl Options {
    pub fn read(mut arguments: impl Iterator<Item = String>) -> Outcome<Self> {
        let mut options = Options { events: 2_000, repetitions: 3, only: None };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
            match argument.as_str() {
                "--events" => options.events = value()?.parse()?,
                "--repetitions" => options.repetitions = value()?.parse()?,
                "--only" => options.only = Some(value()?.split(',').map(str::to_owned).collect()),
                // cargo adds it.
                "--bench" => {}
                _ => return Err(format!("unknown argument {argument}").into()),
            }
        }
        Ok(options)
    }

    pub fn wants(&self, section: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only.iter().any(|one| one == section))
    }
}
