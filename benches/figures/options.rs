//! What to measure: `cargo bench … -- [--tenants N] [--only SECTION,…] [--quick] [--events N] [--repetitions N]
//! [--remembered N,N] [--keep]`.

use crate::Outcome;
use crate::kafka::KafkaOptions;

/// Every name that `--only` takes: in this process, then on a broker.
pub const SECTIONS: [&str; 14] = [
    "floor",
    "verifier",
    "admission",
    "fold",
    "local",
    "cores",
    "sigstore-go",
    "restore",
    "flat",
    "kafka",
    "copy",
    "latency",
    "streams",
    "restart",
];

#[derive(Debug, Clone)]
pub struct Options {
    /// Events per figure; each is a document and an attestation.
    pub events: usize,
    pub repetitions: usize,
    /// Tenants that the events come from in turn.
    pub tenants: usize,
    /// Remembered events of the two states beside the empty one: documents of 4 to 16 KiB, and of 1 KiB.
    pub remembered: [u64; 2],
    /// Whether the two states stay for the next run.
    pub keep: bool,
    /// What this process was started for by another of its kind.
    pub child: Option<String>,
    /// What is measured on a broker.
    pub kafka: KafkaOptions,
    only: Option<Vec<String>>,
}

impl Options {
    pub fn read(mut arguments: impl Iterator<Item = String>) -> Outcome<Self> {
        let mut options = Options {
            events: 2_000,
            repetitions: 3,
            tenants: 8,
            remembered: [1_000_000, 10_000_000],
            keep: false,
            child: None,
            kafka: KafkaOptions::default(),
            only: None,
        };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
            match argument.as_str() {
                "--events" => options.events = value()?.parse()?,
                "--repetitions" => options.repetitions = value()?.parse()?,
                "--tenants" => options.tenants = value()?.parse()?,
                "--remembered" => options.remembered = pair(&value()?)?,
                "--keep" => options.keep = true,
                "--only" => options.only = Some(sections(&value()?)?),
                "--quick" => {
                    (options.events, options.repetitions, options.remembered) = (300, 1, [10_000, 30_000]);
                    options.kafka = KafkaOptions::quick();
                }
                "--child" => options.child = Some(value()?),
                // cargo adds it.
                "--bench" => {}
                own if options.kafka.take(own, &mut value)? => {}
                _ => return Err(format!("unknown argument {argument}").into()),
            }
        }
        if options.tenants == 0 || options.events == 0 || options.repetitions == 0 {
            return Err("tenants, events and repetitions are at least 1".into());
        }
        Ok(options)
    }

    /// The arguments by which another process measures with the same numbers.
    pub fn arguments(&self) -> Vec<String> {
        let [medium, large] = self.remembered;
        let counts = [("--events", self.events), ("--repetitions", self.repetitions), ("--tenants", self.tenants)];
        let counts = counts.into_iter().map(|(name, count)| (name, count.to_string()));
        let remembered = ("--remembered", format!("{medium},{large}"));
        counts.chain([remembered]).flat_map(|(name, value)| [name.to_owned(), value]).collect()
    }

    pub fn wants(&self, section: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only.iter().any(|one| one == section))
    }

    /// The name of a file of this run: the run for one tenant does not overwrite that for eight.
    pub fn file(&self, name: &str) -> String {
        if self.tenants == 8 { format!("{name}.json") } else { format!("{name}-tenants-{}.json", self.tenants) }
    }
}

fn sections(text: &str) -> Outcome<Vec<String>> {
    let wanted: Vec<String> = text.split(',').map(str::to_owned).collect();
    match wanted.iter().find(|one| !SECTIONS.contains(&one.as_str())) {
        Some(unknown) => Err(format!("no section {unknown}; there are {}", SECTIONS.join(", ")).into()),
        None => Ok(wanted),
    }
}

fn pair(text: &str) -> Outcome<[u64; 2]> {
    let (medium, large) = text.split_once(',').ok_or("--remembered takes two numbers, as 1000000,10000000")?;
    Ok([medium.parse()?, large.parse()?])
}
