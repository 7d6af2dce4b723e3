//! The log port on real brokers.

mod faults;
mod poison;
mod topics;

use crate::broker;
use crate::port;

crate::conformance!(|| broker::shared().map(|cluster| cluster.log(port::COUNTS)));
