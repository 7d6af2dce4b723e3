//! A plain producer, as others have it: idempotent, without transactions.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::ClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer};

use crate::Outcome;

const PAUSE: Duration = Duration::from_micros(200);
const FLUSH: Duration = Duration::from_secs(60);

#[derive(Default)]
struct Deliveries(AtomicUsize);

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if result.is_err() {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

pub struct Plain(ThreadedProducer<Deliveries>);

/// One record to send; without a partition the key's murmur2 decides.
pub struct Sending<'a> {
    pub topic: &'a str,
    pub partition: Option<u32>,
    pub key: &'a [u8],
    pub value: &'a [u8],
    /// Milliseconds; absent: now.
    pub timestamp: Option<i64>,
}

impl Plain {
    pub fn open(brokers: &str, linger_ms: u32) -> Outcome<Self> {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", brokers)
            .set("enable.idempotence", "true")
            .set("compression.type", "lz4")
            .set("batch.size", "1000000")
            .set("partitioner", "murmur2_random")
            .set("message.max.bytes", "4194304")
            .set("linger.ms", linger_ms.to_string());
        Ok(Plain(config.create_with_context(Deliveries::default())?))
    }

    /// Waits where the queue is full.
    pub fn send(&self, sending: &Sending<'_>) -> Outcome<()> {
        let mut next = BaseRecord::to(sending.topic).key(sending.key).payload(sending.value);
        next.partition = sending.partition.map(i32::try_from).transpose()?;
        next.timestamp = sending.timestamp;
        loop {
            match self.0.send(next) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    next = back;
                    std::thread::park_timeout(PAUSE);
                }
                Err((error, _)) => return Err(error.into()),
            }
        }
    }

    /// Everything that was sent is in the log.
    pub fn flush(&self) -> Outcome<()> {
        self.0.flush(FLUSH)?;
        match self.0.context().0.load(Ordering::Relaxed) {
            0 => Ok(()),
            failed => Err(format!("{failed} records were not delivered").into()),
        }
    }
}
