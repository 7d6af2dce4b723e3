//! RocksDB: state, the local log, snapshots.
