//! Real brokers on loopback, started by the tests that need them and gone with the process that started them.

mod cluster;

pub use cluster::{Cluster, shared, wait_for};
