//! What can go wrong with a folder of ours.

use crate::codes;

codes! {
    /// Why a store or a snapshot cannot be used.
    pub enum StoreCode {
        /// Another process has it open, or this one has it open already.
        Locked = "store-locked",
        /// It belongs to another ledger or partition, or is no store of ours.
        Foreign = "store-foreign",
        /// A newer version wrote it.
        Future = "store-future-format",
        /// Its files contradict each other. Nothing is repaired or removed: a state is set aside and built again.
        Corrupt = "store-corrupt",
        /// The disk or the operating system refused.
        Failed = "store-failed",
        /// A snapshot is incomplete, or a file in it is not what its manifest says.
        SnapshotBroken = "snapshot-broken",
        /// A snapshot of another ledger or partition.
        SnapshotForeign = "snapshot-foreign",
        /// A newer version took the snapshot.
        SnapshotFuture = "snapshot-future-format",
        /// There is no snapshot that can be used.
        SnapshotAbsent = "snapshot-absent",
        /// A state without a position has nothing to take a snapshot of.
        SnapshotEmpty = "snapshot-empty",
        /// A snapshot is restored into an empty folder only.
        RestoreOccupied = "restore-occupied",
    }
}

/// A code, and what was seen for the person who reads it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct StoreError {
    pub code: StoreCode,
    pub detail: String,
}

impl StoreError {
    pub fn new(code: StoreCode, detail: impl Into<String>) -> Self {
        StoreError { code, detail: detail.into() }
    }
}

impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> Self {
        StoreError::new(StoreCode::Failed, error.to_string())
    }
}

impl From<rocksdb::Error> for StoreError {
    /// RocksDB's statuses reach us as text: the lock has no kind of its own, only the name of its file, and a file that
    /// another one names and that is gone is an I/O error like a disk's.
    fn from(error: rocksdb::Error) -> Self {
        let detail = error.to_string();
        let code = match error.kind() {
            rocksdb::ErrorKind::Corruption => StoreCode::Corrupt,
            rocksdb::ErrorKind::IOError if detail.contains("/LOCK: ") => StoreCode::Locked,
            rocksdb::ErrorKind::IOError if detail.contains("No such file or directory") => StoreCode::Corrupt,
            _ => StoreCode::Failed,
        };
        StoreError { code, detail }
    }
}

impl From<StoreError> for crate::ledger::state::StateError {
    fn from(error: StoreError) -> Self {
        crate::ledger::state::StateError(error.to_string())
    }
}

impl From<StoreError> for crate::log::LogError {
    fn from(error: StoreError) -> Self {
        crate::log::LogError::Storage(error.to_string())
    }
}
