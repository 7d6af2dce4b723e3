//! The log port on real brokers.

use crate::broker;
use crate::port;

crate::conformance!(|| broker::shared().map(|cluster| cluster.log(port::COUNTS)));
