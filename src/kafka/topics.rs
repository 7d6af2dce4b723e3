//! `topics plan` and `topics apply`: the manifests against a cluster.

use std::time::{Duration, Instant};

use crate::event::topic::TopicRole;
use crate::event::{Topic, TopicName};
use crate::log::{Log as _, LogError};

use super::KafkaLog;
use super::admin::Admin;
use super::manifest::Manifest;

pub use super::manifest::export;

/// How long a created topic may take until the cluster answers about it.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(30);

/// One way in which the cluster is unlike the manifests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// The topic does not exist.
    Missing { topic: TopicName, partitions: u32, replicas: u32 },
    /// The topic has fewer partitions, and may be given more.
    Partitions { topic: TopicName, wanted: u32, found: u32 },
    /// The topic has another number of partitions, and a change would break what rests on it: the ledger's is fixed at
    /// genesis, control has one order, an output's consumers count on a key staying where it is; and nothing can shrink.
    FixedPartitions { topic: TopicName, wanted: u32, found: u32 },
    /// A partition of the topic has fewer replicas. To move data between brokers is for a person.
    Replicas { topic: TopicName, wanted: u32, found: u32 },
    /// A setting has another value.
    Config { topic: TopicName, name: String, wanted: String, found: Option<String> },
}

impl Difference {
    pub fn topic(&self) -> TopicName {
        match self {
            Difference::Missing { topic, .. }
            | Difference::Partitions { topic, .. }
            | Difference::FixedPartitions { topic, .. }
            | Difference::Replicas { topic, .. }
            | Difference::Config { topic, .. } => *topic,
        }
    }

    /// Whether `apply` removes it. What it does not is for a person to decide.
    pub fn is_applicable(&self) -> bool {
        !matches!(self, Difference::FixedPartitions { .. } | Difference::Replicas { .. })
    }
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let topic = self.topic();
        match self {
            Difference::Missing { partitions, replicas, .. } => {
                write!(f, "{topic}: create with {partitions} partitions and {replicas} replicas")
            }
            Difference::Partitions { wanted, found, .. } => write!(f, "{topic}: {found} partitions, grow to {wanted}"),
            Difference::FixedPartitions { wanted, found, .. } => {
                write!(f, "{topic}: {found} partitions, the manifest says {wanted}; this is never changed")
            }
            Difference::Replicas { wanted, found, .. } => {
                write!(f, "{topic}: {found} replicas, the manifest says {wanted}; reassign its partitions")
            }
            Difference::Config { name, wanted, found, .. } => {
                let found = found.as_deref().unwrap_or("unset");
                write!(f, "{topic}: {name} is {found}, set {wanted}")
            }
        }
    }
}

/// What `apply` did and what it left.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Applied {
    pub done: Vec<Difference>,
    pub left: Vec<Difference>,
}

/// Compares; changes nothing. `own` are the topics that tenants have of their own; `replicas_max` caps the manifests' replicas on a smaller cluster.
pub fn plan(log: &KafkaLog, own: &[TopicName], replicas_max: Option<u32>) -> Result<Vec<Difference>, LogError> {
    let admin = Admin::new(log.settings())?;
    let mut differences = Vec::new();
    for topic in Topic::ALL.iter().map(|topic| TopicName::from(*topic)).chain(own.iter().copied()) {
        differences.extend(compare(log, &admin, &Manifest::of(topic, replicas_max)?)?);
    }
    Ok(differences)
}

/// Makes the cluster like the manifests, as far as that takes nothing away. Repeating it changes nothing.
pub fn apply(log: &KafkaLog, own: &[TopicName], replicas_max: Option<u32>) -> Result<Applied, LogError> {
    let admin = Admin::new(log.settings())?;
    let mut applied = Applied::default();
    for difference in plan(log, own, replicas_max)? {
        let topic = difference.topic();
        let (name, manifest) = (log.names().topic(topic), Manifest::of(topic, replicas_max)?);
        match &difference {
            Difference::Missing { .. } => admin.create(&name, &manifest)?,
            Difference::Partitions { wanted, .. } => admin.grow(&name, *wanted)?,
            Difference::Config { .. } => admin.alter(&name, &manifest)?,
            Difference::FixedPartitions { .. } | Difference::Replicas { .. } => {
                applied.left.push(difference);
                continue;
            }
        }
        applied.done.push(difference);
    }
    for difference in &applied.done {
        settle(log, difference)?;
    }
    Ok(applied)
}

fn compare(log: &KafkaLog, admin: &Admin, manifest: &Manifest) -> Result<Vec<Difference>, LogError> {
    let (topic, wanted) = (manifest.topic, manifest.partitions);
    let found = match log.partitions(topic) {
        Ok(found) => found,
        Err(LogError::Topic { .. }) => {
            return Ok(vec![Difference::Missing { topic, partitions: wanted, replicas: manifest.replicas }]);
        }
        Err(error) => return Err(error),
    };
    let mut differences = Vec::new();
    if found != wanted {
        differences.push(if may_grow(topic) && found < wanted {
            Difference::Partitions { topic, wanted, found }
        } else {
            Difference::FixedPartitions { topic, wanted, found }
        });
    }
    let replicas = log.replicas(topic)?;
    if replicas < manifest.replicas {
        differences.push(Difference::Replicas { topic, wanted: manifest.replicas, found: replicas });
    }
    let entries = admin.config(&log.names().topic(topic))?;
    for (name, wanted) in &manifest.config {
        let entry = entries.iter().find(|entry| entry.name == *name);
        let found = entry.and_then(|entry| entry.value.clone());
        if found.as_ref() != Some(wanted) {
            differences.push(Difference::Config { topic, name: name.clone(), wanted: wanted.clone(), found });
        }
    }
    Ok(differences)
}

/// Admission re-keys everything, so what it reads may be spread anew at any time, except the one control partition.
fn may_grow(name: TopicName) -> bool {
    name.topic.role() == TopicRole::Input || matches!(name.topic, Topic::AttestationBackfill | Topic::Work)
}

fn settle(log: &KafkaLog, difference: &Difference) -> Result<(), LogError> {
    let (topic, wanted) = match difference {
        Difference::Missing { topic, partitions, .. } => (*topic, *partitions),
        Difference::Partitions { topic, wanted, .. } => (*topic, *wanted),
        _ => return Ok(()),
    };
    let begun = Instant::now();
    loop {
        match log.partitions(topic) {
            Ok(found) if found == wanted => return Ok(()),
            Err(error) if !matches!(error, LogError::Topic { .. } | LogError::Unreachable(_)) => return Err(error),
            _ if begun.elapsed() >= SETTLE_TIMEOUT => {
                let problem = "it was created and is not known to the cluster yet".into();
                return Err(LogError::Topic { topic: log.names().topic(topic), problem });
            }
            _ => std::thread::park_timeout(Duration::from_millis(20)),
        }
    }
}
