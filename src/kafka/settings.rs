//! What an operator may set, and what exactness depends on and nobody may.

use std::collections::BTreeMap;

use rdkafka::ClientConfig;
use serde::Deserialize;

use crate::event::limits;
use crate::log::LogError;

/// How to reach a cluster.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KafkaSettings {
    /// `host:port`, comma separated.
    pub brokers: String,
    /// Put before every topic, group and transactional id: several systems on one cluster.
    pub topic_prefix: String,
    /// This process's stable name: part of the client id and of its members' names (static membership).
    pub instance: String,
    /// Any other librdkafka property (TLS, SASL, time-outs, tuning), except those that exactness depends on.
    pub properties: BTreeMap<String, String>,
}

/// Values of properties are secrets until proven otherwise: only names are shown.
impl std::fmt::Debug for KafkaSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KafkaSettings")
            .field("brokers", &self.brokers)
            .field("topic_prefix", &self.topic_prefix)
            .field("instance", &self.instance)
            .field("properties", &self.properties.keys().collect::<Vec<_>>())
            .finish()
    }
}

/// The transaction time-out: an open transaction of a dead producer holds readers back no longer than this.
const TRANSACTION_TIMEOUT_MS: u32 = 15_000;

/// Properties that are refused, and what the reader of the message should know instead. Exactness rests on each.
const FORBIDDEN: &[(&str, &str)] = &[
    ("bootstrap.servers", "brokers are given by `brokers`"),
    ("metadata.broker.list", "brokers are given by `brokers`"),
    ("group.id", "groups are named by the roles"),
    ("group.instance.id", "members are named by `instance` and the worker: the broker always checks a static member"),
    ("group.protocol", "always classic: the fence rests on a generation that is constant for one assignment"),
    ("group.remote.assignor", "always the classic range assignor"),
    ("partition.assignment.strategy", "always range, eager: a revocation is a barrier between transactions"),
    ("isolation.level", "always read_committed: aborted records must never be seen"),
    ("enable.auto.commit", "always false: offsets are committed by transactions only"),
    ("auto.commit.interval.ms", "offsets are committed by transactions only"),
    ("auto.commit.enable", "offsets are committed by transactions only"),
    ("enable.auto.offset.store", "always false: offsets are committed by transactions only"),
    ("offset.store.method", "offsets are committed by transactions only"),
    ("auto.offset.reset", "always error: every partition is started at an explicit offset"),
    ("enable.partition.eof", "set per reader: completion is decided by it"),
    ("check.crcs", "always true"),
    ("transactional.id", "named by the worker"),
    ("transaction.timeout.ms", "always 15000"),
    ("enable.idempotence", "always true"),
    ("enable.gapless.guarantee", "implied by transactions"),
    ("acks", "always all"),
    ("request.required.acks", "always all"),
    ("max.in.flight", "set by the idempotent producer"),
    ("max.in.flight.requests.per.connection", "set by the idempotent producer"),
    ("retries", "set by the idempotent producer"),
    ("message.send.max.retries", "set by the idempotent producer"),
    ("message.timeout.ms", "derived from transaction.timeout.ms"),
    ("delivery.timeout.ms", "derived from transaction.timeout.ms"),
    ("socket.timeout.ms", "derived from transaction.timeout.ms"),
    ("request.timeout.ms", "derived from transaction.timeout.ms"),
    ("partitioner", "always murmur2_random, as the Java client does it"),
    ("queuing.strategy", "always fifo: order per partition"),
    ("message.max.bytes", "equal to the topics' max.message.bytes by the product's limits"),
    ("message.copy.max.bytes", "records are always copied"),
    ("allow.auto.create.topics", "always false: topics are created by `topics apply`"),
    ("test.mock.num.brokers", "the mock shows aborted records and loses transactional offsets"),
];

impl KafkaSettings {
    pub fn new(brokers: &str) -> Self {
        KafkaSettings { brokers: brokers.into(), ..KafkaSettings::default() }
    }

    /// Refuses, by name, what exactness depends on, what librdkafka does not know, and what it cannot combine.
    pub fn check(&self) -> Result<(), LogError> {
        if self.brokers.trim().is_empty() {
            return Err(LogError::Configuration("brokers: expected host:port, got nothing".into()));
        }
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
        for (name, value) in [("topic_prefix", &self.topic_prefix), ("instance", &self.instance)] {
            if !value.bytes().all(plain) || value.len() > 100 {
                let expected = "expected at most 100 of a-z, A-Z, 0-9, '.', '_' and '-'";
                return Err(LogError::Configuration(format!("{name}: {expected}, got {value:?}")));
            }
        }
        for name in self.properties.keys() {
            if let Some((_, expected)) = FORBIDDEN.iter().find(|(forbidden, _)| forbidden == name) {
                return Err(LogError::Configuration(format!("property {name} cannot be set: {expected}")));
            }
        }
        let native = self.base("check").create_native_config();
        native.map(|_| ()).map_err(|error| super::error::of("the properties", &error))
    }

    /// A client of no group: metadata and ranges. Read committed, so that an end is the last stable offset.
    pub(super) fn metadata(&self) -> ClientConfig {
        let mut config = self.base("metadata");
        config.set("isolation.level", "read_committed").set("auto.offset.reset", "error");
        config
    }

    /// The same, but an end is the end of what is replicated, committed or not. Nothing is ever read with it.
    pub(super) fn watermarks(&self) -> ClientConfig {
        let mut config = self.base("watermarks");
        config.set("isolation.level", "read_uncommitted").set("auto.offset.reset", "error");
        config
    }

    /// A consumer that is given offsets and never commits any itself.
    pub(super) fn consumer(&self, group: &str, member: &str) -> ClientConfig {
        let mut config = ClientConfig::new();
        // Tuning first, so that properties may override it.
        config
            .set("fetch.wait.max.ms", "50")
            .set("fetch.queue.backoff.ms", "50")
            .set("fetch.error.backoff.ms", "100")
            // Leaders that moved are known again soon, also where nobody says so.
            .set("topic.metadata.refresh.interval.ms", "5000")
            .set("max.partition.fetch.bytes", limits::MESSAGE_MAX.to_string())
            .set("queued.max.messages.kbytes", "32768");
        self.apply(&mut config, member);
        config
            .set("group.id", group)
            .set("group.protocol", "classic")
            .set("partition.assignment.strategy", "range")
            .set("isolation.level", "read_committed")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "error")
            .set("allow.auto.create.topics", "false")
            .set("check.crcs", "true");
        config
    }

    /// A member of a group. Its static name brings it back to its partitions at once after a crash, and makes the broker
    /// check every commit: without it, one with a reset generation and member id would be accepted.
    pub(super) fn member(&self, group: &str, member: &str) -> ClientConfig {
        let mut config = self.consumer(group, member);
        config.set("group.instance.id", self.client_id(member));
        config
    }

    /// A transactional producer. `socket.timeout.ms` and `message.timeout.ms` stay unset: librdkafka derives both from
    /// the transaction's.
    pub(super) fn producer(&self, transactional_id: &str) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("linger.ms", "2")
            .set("batch.size", "1000000")
            .set("compression.type", "lz4")
            .set("queue.buffering.max.messages", "100000")
            .set("queue.buffering.max.kbytes", "131072")
            // A broker that comes back is known again soon; what waits for it goes on.
            .set("topic.metadata.refresh.interval.ms", "5000");
        self.apply(&mut config, transactional_id);
        config
            .set("transactional.id", transactional_id)
            .set("transaction.timeout.ms", TRANSACTION_TIMEOUT_MS.to_string())
            .set("enable.idempotence", "true")
            .set("partitioner", "murmur2_random")
            .set("message.max.bytes", limits::MESSAGE_MAX.to_string());
        config
    }

    /// An admin client.
    pub(super) fn admin(&self) -> ClientConfig {
        self.base("admin")
    }

    fn base(&self, name: &str) -> ClientConfig {
        let mut config = ClientConfig::new();
        self.apply(&mut config, name);
        config
    }

    fn apply(&self, config: &mut ClientConfig, name: &str) {
        config.set("bootstrap.servers", &self.brokers).set("client.id", self.client_id(name));
        // A property of the other kind of client is ignored; librdkafka need not say so each time.
        config.set("log.connection.close", "false");
        for (name, value) in &self.properties {
            config.set(name, value);
        }
    }

    fn client_id(&self, name: &str) -> String {
        let instance = if self.instance.is_empty() { "attestream" } else { &self.instance };
        format!("{}{instance}-{name}", self.topic_prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &str, value: &str) -> KafkaSettings {
        let properties = [(name.to_owned(), value.to_owned())].into();
        KafkaSettings { properties, ..KafkaSettings::new("127.0.0.1:9") }
    }

    #[test]
    fn every_property_that_exactness_rests_on_is_refused_by_name() {
        for (name, expected) in FORBIDDEN {
            let message = with(name, "1").check().unwrap_err().to_string();
            assert!(message.contains(name) && message.contains(expected), "{message}");
        }
    }

    #[test]
    fn unknown_properties_and_bad_values_are_refused_without_showing_the_value() {
        for (name, value) in [("no.such.property", "s3cret"), ("security.protocol", "s3cret")] {
            let message = with(name, value).check().unwrap_err().to_string();
            assert!(message.contains(name) && !message.contains("s3cret"), "{message}");
        }
        assert!(!format!("{:?}", with("sasl.password", "s3cret")).contains("s3cret"));
    }

    #[test]
    fn no_brokers_and_odd_prefixes_are_refused() {
        assert!(KafkaSettings::new(" ").check().is_err());
        let odd = KafkaSettings { topic_prefix: "a/b".into(), ..KafkaSettings::new("127.0.0.1:9") };
        assert!(odd.check().unwrap_err().to_string().contains("topic_prefix"));
    }

    #[test]
    fn tls_with_scram_configures_on_every_kind_of_client() {
        let properties = [
            ("security.protocol", "SASL_SSL"),
            ("sasl.mechanisms", "SCRAM-SHA-256"),
            ("sasl.username", "attestream-ledger"),
            ("sasl.password", "s3cret"),
            ("session.timeout.ms", "30000"),
            ("linger.ms", "5"),
        ];
        let properties = properties.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let settings = KafkaSettings { properties, ..KafkaSettings::new("127.0.0.1:9") };
        settings.check().unwrap();
        // The mechanism is looked up when the client is made, not when its name is read.
        settings.metadata().create::<rdkafka::consumer::BaseConsumer>().unwrap();
        settings.producer("t").create::<rdkafka::producer::BaseProducer>().unwrap();
        assert_eq!(settings.producer("t").get("linger.ms"), Some("5"), "tuning may be overridden");
        assert_eq!(settings.consumer("g", "m").get("isolation.level"), Some("read_committed"));
    }
}
