//! Real brokers on loopback, started by the tests that need them and gone with the process that started them.

mod cluster;
mod leaders;

pub use cluster::{Cluster, Own, shared, wait_for};
