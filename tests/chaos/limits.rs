//! Records at the limits through a real broker: one that fits only because it is compressed, headers of a megabyte.

use attestream::event::Topic;
use attestream::log::Outgoing;
use rdkafka::ClientConfig;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};

use crate::broker;
use crate::spine::hard::inputs_at_the_limits;

#[test]
fn inputs_at_and_over_the_limits_on_a_real_broker() {
    let Some(cluster) = broker::shared() else { return };
    let settings = cluster.settings();
    let prefix = settings.topic_prefix.clone();
    let counts: Vec<(Topic, u32)> = Topic::ALL.iter().map(|topic| (*topic, 1)).collect();
    let log = cluster.log_with(settings, &counts);
    // A producer of somebody else's: it may send what compresses below the topic's limit.
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", cluster.brokers())
        .set("message.max.bytes", "100000000")
        .set("compression.type", "zstd")
        .create()
        .unwrap();
    inputs_at_the_limits(&log, |input: Outgoing| {
        let topic = format!("{prefix}{}", input.topic);
        let mut headers = OwnedHeaders::new();
        for (name, value) in &input.headers {
            headers = headers.insert(Header { key: name, value: value.as_ref() });
        }
        let (key, value) = (input.key.unwrap(), input.value.unwrap());
        producer.send(BaseRecord::to(&topic).partition(0).key(&key).payload(&value).headers(headers)).unwrap();
        producer.flush(std::time::Duration::from_secs(60)).unwrap();
    });
}
