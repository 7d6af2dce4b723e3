//! The local log: the port on one RocksDB, for one process, durable.
//!
//! A commit is one write batch - records, offsets, ends of partitions - that is synced before it returns. So after any
//! crash a transaction is there whole or not at all, and what was acknowledged is there.

mod format;
mod keys;
mod log;
mod store;
mod tail;

pub use log::LocalLog;
pub use store::RocksStore;
