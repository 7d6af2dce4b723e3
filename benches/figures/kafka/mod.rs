//! What runs on a real broker on loopback, each figure with its peer in the same run.

pub mod child;
mod copy;
mod feed;
mod floor;
mod interval;
mod latency;
mod ledger;
pub mod options;
mod path;
mod peer;
mod producer;
mod remembered;
mod restart;
mod section;
mod site;
mod streams;
mod watch;
mod workers;

pub use options::KafkaOptions;
pub use section::measure;
