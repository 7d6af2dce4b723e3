//! Snapshots of a partition's state, so that a new owner replays a tail and not a ledger.

mod files;
mod known;
mod manifest;
mod restore;
mod take;

pub use manifest::{SnapshotFile, SnapshotManifest};
pub use restore::{Care, Restored};
pub use take::Snapshots;
