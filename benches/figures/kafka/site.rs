//! Topics under a prefix of their own on the broker, and what is asked about them.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::time::{Duration, Instant};

use attestream::event::Topic;
use attestream::kafka::manifest::Manifest;
use attestream::kafka::{KafkaLog, KafkaSettings};
use attestream::ledger::control::{FOLD_VERSION, Genesis, LEDGER_FORMAT};
use attestream::log::Log as _;
use attestream::processor::genesis::{Seed, init};
use attestream::verdict::VERIFIER_EPOCH;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use super::feed::Feed;
use crate::Outcome;

pub const LEDGER: &str = "01FIGURES";
const ANSWER: Duration = Duration::from_secs(30);

/// A deployment of ours.
pub struct Site {
    pub brokers: String,
    pub prefix: String,
    pub partitions: u32,
    pub log: KafkaLog,
}

impl Site {
    /// All topics of the product with their manifests' settings, one replica, and this many partitions; and genesis.
    pub fn open(brokers: &str, prefix: &str, partitions: u32, feed: &Feed) -> Outcome<Site> {
        let settings = KafkaSettings { topic_prefix: prefix.to_owned(), ..KafkaSettings::new(brokers) };
        let mut topics = Vec::new();
        for topic in Topic::ALL {
            let config = Manifest::of(*topic, Some(1))?.config;
            let count = if *topic == Topic::Control { 1 } else { partitions };
            topics.push((format!("{prefix}{}", topic.name()), count, config));
        }
        create(brokers, &topics)?;
        let log = KafkaLog::new(settings)?;
        let begun = Instant::now();
        while !Topic::ALL.iter().all(|topic| log.partitions(*topic).is_ok()) {
            if begun.elapsed() > ANSWER {
                return Err("the topics never appear".into());
            }
            std::thread::park_timeout(Duration::from_millis(10));
        }
        let genesis = genesis(feed, partitions);
        let (ledger, verifier, epoch, at) = (genesis.ledger, genesis.verifier, genesis.epoch, genesis.at);
        init(&log, "figures", Seed { ledger, verifier, epoch, at, root: None, tenants: genesis.tenants })?;
        Ok(Site { brokers: brokers.to_owned(), prefix: prefix.to_owned(), partitions, log })
    }

    pub fn name(&self, topic: Topic) -> String {
        format!("{}{}", self.prefix, topic.name())
    }

    /// Frees the disk.
    pub fn close(self) -> Outcome<()> {
        let names: Vec<String> = Topic::ALL.iter().map(|topic| self.name(*topic)).collect();
        delete(&self.brokers, &names)
    }
}

/// The genesis of a ledger under the feed's trust.
pub fn genesis(feed: &Feed, partitions: u32) -> Genesis {
    Genesis {
        ledger: LEDGER.to_owned(),
        partitions,
        format: LEDGER_FORMAT,
        fold_version: FOLD_VERSION,
        epoch: VERIFIER_EPOCH,
        verifier: "attestream".to_owned(),
        at: feed.at,
        root: None,
        tenants: feed.trust.clone(),
    }
}

fn admin(brokers: &str) -> Outcome<AdminClient<DefaultClientContext>> {
    Ok(ClientConfig::new().set("bootstrap.servers", brokers).create()?)
}

fn wait_for<T>(answer: impl Future<Output = T>) -> Outcome<T> {
    Ok(tokio::runtime::Builder::new_current_thread().build()?.block_on(answer))
}

/// Creates topics: name, partitions, settings.
pub fn create(brokers: &str, topics: &[(String, u32, BTreeMap<String, String>)]) -> Outcome<()> {
    let mut new = Vec::new();
    for (name, partitions, config) in topics {
        let topic = NewTopic::new(name, i32::try_from(*partitions)?, TopicReplication::Fixed(1));
        new.push(config.iter().fold(topic, |topic, (key, value)| topic.set(key, value)));
    }
    let options = AdminOptions::new().operation_timeout(Some(ANSWER));
    for created in wait_for(admin(brokers)?.create_topics(&new, &options))?? {
        created.map_err(|(name, code)| format!("{name}: {code}"))?;
    }
    Ok(())
}

pub fn delete(brokers: &str, names: &[String]) -> Outcome<()> {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let options = AdminOptions::new().operation_timeout(Some(ANSWER));
    wait_for(admin(brokers)?.delete_topics(&names, &options))??;
    Ok(())
}

/// What a group has committed of some topics, and sets it.
pub struct Group {
    client: BaseConsumer,
    partitions: Vec<(String, i32)>,
}

impl Group {
    pub fn open(brokers: &str, group: &str, topics: &[String], partitions: u32) -> Outcome<Self> {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", brokers).set("group.id", group).set("enable.auto.commit", "false");
        let client: BaseConsumer = config.create()?;
        let count = i32::try_from(partitions)?;
        let of = |name: &String| (0..count).map(|number| (name.clone(), number)).collect::<Vec<_>>();
        Ok(Group { client, partitions: topics.iter().flat_map(of).collect() })
    }

    fn list(&self, offset: impl Fn(usize) -> Offset) -> Outcome<TopicPartitionList> {
        let mut list = TopicPartitionList::new();
        for (at, (name, number)) in self.partitions.iter().enumerate() {
            list.add_partition_offset(name, *number, offset(at))?;
        }
        Ok(list)
    }

    /// One past the last record of each partition.
    pub fn ends(&self) -> Outcome<Vec<i64>> {
        let end = |(name, number): &(String, i32)| Ok(self.client.fetch_watermarks(name, *number, ANSWER)?.1);
        self.partitions.iter().map(end).collect()
    }

    /// Sets where a group begins that has no members yet.
    pub fn begin_at(&self, offsets: &[i64]) -> Outcome<()> {
        let list = self.list(|at| Offset::Offset(offsets.get(at).copied().unwrap_or_default()))?;
        Ok(self.client.commit(&list, CommitMode::Sync)?)
    }

    pub fn begin_at_first(&self) -> Outcome<()> {
        self.begin_at(&vec![0; self.partitions.len()])
    }

    /// Records that the group has committed, over all partitions.
    pub fn committed(&self) -> Outcome<i64> {
        let list = self.client.committed_offsets(self.list(|_| Offset::Invalid)?, ANSWER)?;
        let offset = |offset: Offset| match offset {
            Offset::Offset(offset) => offset,
            _ => 0,
        };
        Ok(list.elements().iter().map(|element| offset(element.offset())).sum())
    }
}

/// A reader of what is committed, outside any group.
fn reader(brokers: &str) -> Outcome<BaseConsumer> {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", brokers)
        .set("group.id", "figures-reader")
        .set("isolation.level", "read_committed")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("fetch.wait.max.ms", "100")
        .set("fetch.queue.backoff.ms", "10");
    Ok(config.create()?)
}

/// One from the present end of topics.
pub fn reader_at_end(brokers: &str, topics: &[String], partitions: u32) -> Outcome<BaseConsumer> {
    let consumer = reader(brokers)?;
    let mut list = TopicPartitionList::new();
    for name in topics {
        for number in 0..i32::try_from(partitions)? {
            let (_, end) = consumer.fetch_watermarks(name, number, ANSWER)?;
            list.add_partition_offset(name, number, Offset::Offset(end))?;
        }
    }
    consumer.assign(&list)?;
    Ok(consumer)
}

/// How many committed records a topic has.
pub fn count(brokers: &str, topic: &str, partitions: u32) -> Outcome<usize> {
    let consumer = reader(brokers)?;
    let mut list = TopicPartitionList::new();
    for number in 0..i32::try_from(partitions)? {
        list.add_partition_offset(topic, number, Offset::Beginning)?;
    }
    consumer.assign(&list)?;
    let (mut records, mut ended, mut last) = (0, BTreeSet::new(), Instant::now());
    while ended.len() < list.count() {
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(_)) => (records, last) = (records + 1, Instant::now()),
            Some(Err(KafkaError::PartitionEOF(number))) => drop(ended.insert(number)),
            _ if last.elapsed() > ANSWER => return Err(format!("the end of {topic} is not reached").into()),
            _ => {}
        }
    }
    Ok(records)
}
