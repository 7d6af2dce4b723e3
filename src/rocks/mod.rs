//! RocksDB: state, the local log, snapshots.

mod budget;
mod database;
mod error;
pub mod local;
mod open_files;
pub mod snapshot;
mod state;
mod states;

pub use budget::MemoryBudget;
pub use database::set_aside;
pub use error::{StoreCode, StoreError};
pub use local::LocalLog;
pub use open_files::raise_open_files;
pub use snapshot::{Care, Restored, SnapshotManifest, Snapshots};
pub use state::{Opened, RocksState, RocksView, STATE_FORMAT, StateIdentity};
pub use states::RocksStates;
