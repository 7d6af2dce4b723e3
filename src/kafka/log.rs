//! The log on a cluster: opens workers' clients, answers about topics.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{IsError as _, RDKafkaErrorCode};

use crate::event::TopicName;
use crate::log::{Log, LogError, Partition, Range, StartAt};

use super::group::{self, Quiet};
use super::inlet::KafkaInlet;
use super::outlet::KafkaOutlet;
use super::reader::KafkaReader;
use super::record::{Names, raw_number};
use super::{KafkaSettings, error};

/// How long a question to the cluster waits for an answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// The pause before a question is asked again.
const PAUSE: Duration = Duration::from_millis(50);

/// A cluster. Cheap to clone.
#[derive(Clone)]
pub struct KafkaLog(Arc<Cluster>);

struct Cluster {
    settings: KafkaSettings,
    names: Names,
    metadata: BaseConsumer<Quiet>,
    watermarks: BaseConsumer<Quiet>,
    /// Clients that read the committed offsets of a group without joining it.
    groups: Mutex<BTreeMap<String, Arc<BaseConsumer<Quiet>>>>,
}

impl KafkaLog {
    /// Checks the settings; no broker is asked yet.
    pub fn new(settings: KafkaSettings) -> Result<Self, LogError> {
        settings.check()?;
        let metadata = settings.metadata().create_with_context(Quiet).map_err(|error| error::of("client", &error))?;
        let watermarks =
            settings.watermarks().create_with_context(Quiet).map_err(|error| error::of("client", &error))?;
        let names = Names::new(&settings.topic_prefix);
        Ok(KafkaLog(Arc::new(Cluster { settings, names, metadata, watermarks, groups: Mutex::default() })))
    }

    pub fn settings(&self) -> &KafkaSettings {
        &self.0.settings
    }

    pub(super) fn names(&self) -> &Names {
        &self.0.names
    }

    /// Fails with one clear message where no broker answers.
    pub(super) fn ping(&self, timeout: Duration) -> Result<(), LogError> {
        group::listen(&self.0.metadata);
        match self.0.metadata.fetch_metadata(None, timeout) {
            Ok(_) => Ok(()),
            Err(error) => Err(self.unanswered(&error)),
        }
    }

    /// First kept offset and the end of what is replicated: committed, open or still to be marked.
    pub(super) fn watermarks(&self, partition: Partition) -> Result<Range, LogError> {
        self.ask_range(&self.0.watermarks, partition)
    }

    /// librdkafka asks once; while a partition changes its leader, the answer is to ask again.
    fn ask_range(&self, client: &BaseConsumer<Quiet>, partition: Partition) -> Result<Range, LogError> {
        let (name, number) = (self.0.names.topic(partition.name()), raw_number(partition.number)?);
        group::listen(client);
        let begun = Instant::now();
        let (first, end) = loop {
            match client.fetch_watermarks(&name, number, ANSWER_TIMEOUT) {
                Ok(range) => break range,
                Err(error) => match error::of(&name, &error) {
                    LogError::Unreachable(_) if begun.elapsed() < ANSWER_TIMEOUT => std::thread::park_timeout(PAUSE),
                    LogError::Unreachable(_) => return Err(self.unanswered(&error)),
                    other => return Err(other),
                },
            }
        };
        Ok(Range { first: u64::try_from(first).unwrap_or(0), end: u64::try_from(end).unwrap_or(0) })
    }

    fn unanswered(&self, error: &rdkafka::error::KafkaError) -> LogError {
        match error::of("metadata", error) {
            LogError::Unreachable(text) => {
                LogError::Unreachable(format!("no broker of {} answers ({text})", self.0.settings.brokers))
            }
            other => other,
        }
    }

    /// The replicas of the partition that has the fewest.
    pub(super) fn replicas(&self, topic: TopicName) -> Result<u32, LogError> {
        let fewest = self.replicas_each(topic)?.into_iter().min().unwrap_or(0);
        Ok(u32::try_from(fewest).unwrap_or(u32::MAX))
    }

    /// How many replicas each partition of a topic has.
    fn replicas_each(&self, topic: TopicName) -> Result<Vec<usize>, LogError> {
        let name = self.0.names.topic(topic);
        group::listen(&self.0.metadata);
        let metadata =
            self.0.metadata.fetch_metadata(Some(&name), ANSWER_TIMEOUT).map_err(|error| self.unanswered(&error))?;
        let found = metadata.topics().iter().find(|found| found.name() == name);
        let problem = |problem: &str| LogError::Topic { topic: name.clone(), problem: problem.into() };
        let found = found.ok_or_else(|| problem("it does not exist on the cluster"))?;
        if let Some(code) = found.error().filter(|code| code.is_error()) {
            return Err(match RDKafkaErrorCode::from(code) {
                RDKafkaErrorCode::UnknownTopicOrPartition => problem("it does not exist on the cluster"),
                code => error::of_code(&name, code),
            });
        }
        let each: Vec<usize> = found.partitions().iter().map(|partition| partition.replicas().len()).collect();
        if each.is_empty() { Err(problem("it has no partitions")) } else { Ok(each) }
    }

    fn group_client(&self, group: &str) -> Result<Arc<BaseConsumer<Quiet>>, LogError> {
        let mut groups = self.0.groups.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = groups.get(group) {
            return Ok(Arc::clone(client));
        }
        let config = self.0.settings.consumer(&self.0.names.of(group), "offsets");
        let client = config.create_with_context(Quiet).map_err(|error| error::of("client", &error))?;
        let client = Arc::new(client);
        groups.insert(group.to_owned(), Arc::clone(&client));
        Ok(client)
    }
}

impl Log for KafkaLog {
    type Inlet = KafkaInlet;
    type Outlet = KafkaOutlet;
    type Reader = KafkaReader;

    fn partitions(&self, topic: impl Into<TopicName>) -> Result<u32, LogError> {
        let replicas = self.replicas_each(topic.into())?;
        Ok(u32::try_from(replicas.len()).unwrap_or(u32::MAX))
    }

    fn inlet<N: Into<TopicName> + Copy>(
        &self,
        group: &str,
        member: &str,
        topics: &[N],
        start: StartAt,
    ) -> Result<KafkaInlet, LogError> {
        let topics: Vec<TopicName> = topics.iter().map(|topic| (*topic).into()).collect();
        // Asked first, so that a missing topic or an absent broker is an error here and not a silence in `gather`.
        for topic in &topics {
            self.partitions(*topic)?;
        }
        KafkaInlet::join(self.clone(), &self.0.names.of(group), member, &topics, start)
    }

    fn outlet(&self, transactional_id: &str) -> Result<KafkaOutlet, LogError> {
        self.ping(ANSWER_TIMEOUT)?;
        KafkaOutlet::open(self.clone(), &self.0.names.of(transactional_id))
    }

    fn reader(&self, start: &[(Partition, u64)]) -> Result<KafkaReader, LogError> {
        KafkaReader::open(self.clone(), start)
    }

    fn range(&self, partition: Partition) -> Result<Range, LogError> {
        // This client is read_committed, so the high mark is the last stable offset.
        self.ask_range(&self.0.metadata, partition)
    }

    fn committed(&self, group: &str, partition: Partition) -> Result<Option<u64>, LogError> {
        let client = self.group_client(group)?;
        group::listen(&client);
        let offsets = group::committed(&client, &self.0.names, &[partition])?;
        Ok(offsets.first().copied().flatten())
    }
}
