//! The log port on real brokers.

mod faults;
mod own;
mod poison;
mod topics;

use attestream::event::TopicName;

use crate::broker;
use crate::port;

/// The topics that every log of these tests has, the own one among them.
fn counts() -> Vec<(TopicName, u32)> {
    let shared = port::COUNTS.iter().map(|(topic, count)| (TopicName::from(*topic), *count));
    shared.chain([(port::own(), 2)]).collect()
}

crate::conformance!(|| broker::shared().map(|cluster| cluster.log_of(counts())));
