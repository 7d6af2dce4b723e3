//! Which broker leads what, and whether every replica keeps up.

use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};

use super::Cluster;

/// Partitions of the brokers' own topics, as `deploy/kafka/kafka` sets them.
const INTERNAL: i32 = 4;
const ANSWER: Duration = Duration::from_secs(10);

impl Cluster {
    fn asked(&self) -> BaseConsumer {
        ClientConfig::new().set("bootstrap.servers", self.brokers()).create().unwrap()
    }

    /// The node that leads a partition, `None` while none does.
    pub fn leader(&self, topic: &str, partition: i32) -> Option<u32> {
        let metadata = self.asked().fetch_metadata(Some(topic), ANSWER).ok()?;
        let found = metadata.topics().first()?.partitions().iter().find(|found| found.id() == partition)?.leader();
        u32::try_from(found).ok()
    }

    /// The node that coordinates a group: it leads the partition that the group's name falls on.
    pub fn coordinator_of_group(&self, group: &str) -> Option<u32> {
        self.leader("__consumer_offsets", java_hash(group) % INTERNAL)
    }

    /// The node that coordinates the transactions of an id.
    pub fn coordinator_of_transactions(&self, id: &str) -> Option<u32> {
        self.leader("__transaction_state", java_hash(id) % INTERNAL)
    }

    /// Waits until every partition has a leader and every replica is in sync again.
    pub fn await_whole(&self, patience: Duration) {
        let (client, begun) = (self.asked(), Instant::now());
        let whole = || {
            let metadata = client.fetch_metadata(None, ANSWER).ok()?;
            let mut partitions = metadata.topics().iter().flat_map(rdkafka::metadata::MetadataTopic::partitions);
            let nodes = usize::try_from(self.nodes()).ok()?;
            let all = metadata.brokers().len() == nodes;
            (all && partitions.all(|one| one.leader() >= 0 && one.isr().len() == one.replicas().len())).then_some(())
        };
        while whole().is_none() {
            assert!(begun.elapsed() < patience, "the replicas are never in sync again");
            std::thread::park_timeout(Duration::from_millis(100));
        }
    }
}

/// `Utils.abs(String.hashCode())` of Java, by which the brokers choose.
fn java_hash(text: &str) -> i32 {
    let hash = text.encode_utf16().fold(0i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)));
    if hash == i32::MIN { 0 } else { hash.abs() }
}

#[test]
fn names_fall_where_java_puts_them() {
    assert_eq!(java_hash(""), 0);
    assert_eq!(java_hash("hello"), 99_162_322);
    assert_eq!(java_hash("polygenelubricants"), 0, "the smallest number has no absolute value");
}
