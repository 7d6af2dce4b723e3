//! The log port on Apache Kafka (librdkafka), and the topics' manifests.
//!
//! One consumer and one transactional producer per worker thread. What librdkafka's defaults would break is set in
//! [`settings`] and cannot be set otherwise; each known hole is named where it is closed.

mod admin;
mod error;
mod group;
mod inlet;
mod log;
pub mod manifest;
mod outlet;
mod own;
mod reader;
mod record;
mod settings;
pub mod topics;

pub use group::KafkaFence;
pub use inlet::KafkaInlet;
pub use log::KafkaLog;
pub use outlet::KafkaOutlet;
pub use reader::KafkaReader;
pub use settings::KafkaSettings;
