//! What a snapshot says of itself.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::event::Digest;
use crate::ledger::state::StatePosition;
use crate::rocks::{STATE_FORMAT, StateIdentity, StoreCode, StoreError};

/// The format of the manifest.
pub const SNAPSHOT_FORMAT: u32 = 1;

pub(super) const MANIFEST: &str = "manifest.json";
/// The folder of the database within a snapshot.
pub(super) const DATABASE: &str = "db";
/// Largest manifest that is read, in bytes: 100,000 files.
const MANIFEST_MAX: u64 = 16 * 1024 * 1024;

/// One file of the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SnapshotFile {
    pub name: String,
    pub size: u64,
    pub digest: Digest,
}

/// `manifest.json` of a snapshot. It is written last, so a snapshot without one never was one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SnapshotManifest {
    pub format: u32,
    pub state_format: u32,
    pub position: StatePosition,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_hash: Option<Digest>,
    pub files: Vec<SnapshotFile>,
}

/// The members by which a newer manifest is told from a broken one.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Formats {
    format: u32,
    state_format: u32,
}

impl SnapshotManifest {
    /// Reads the manifest of the snapshot in `dir`, which must be of `identity`.
    pub(super) fn read(dir: &Path, identity: &StateIdentity) -> Result<Self, StoreError> {
        let path = dir.join(MANIFEST);
        let broken = |what: String| StoreError::new(StoreCode::SnapshotBroken, format!("{}: {what}", path.display()));
        let size = fs::metadata(&path).map_err(|error| broken(error.to_string()))?.len();
        if size > MANIFEST_MAX {
            return Err(broken(format!("{size} bytes")));
        }
        let json = fs::read(&path).map_err(|error| broken(error.to_string()))?;
        let formats: Formats = serde_json::from_slice(&json).map_err(|error| broken(error.to_string()))?;
        if formats.format > SNAPSHOT_FORMAT || formats.state_format > STATE_FORMAT {
            let detail = format!("{}: format {}/{}", path.display(), formats.format, formats.state_format);
            return Err(StoreError::new(StoreCode::SnapshotFuture, detail));
        }
        let manifest: SnapshotManifest = serde_json::from_slice(&json).map_err(|error| broken(error.to_string()))?;
        if let Some(file) = manifest.files.iter().find(|file| !is_plain(&file.name)) {
            return Err(broken(format!("a file named {:?}", file.name)));
        }
        let StatePosition { ledger, partition, .. } = &manifest.position;
        if *ledger != identity.ledger || *partition != identity.partition {
            let detail = format!("{}: of ledger {ledger}, partition {partition}", path.display());
            return Err(StoreError::new(StoreCode::SnapshotForeign, detail));
        }
        Ok(manifest)
    }
}

/// A name that stays in its folder. RocksDB's file names are upper case words, digits, a dash and a dot.
fn is_plain(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    !name.is_empty() && !name.starts_with('.') && name.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leads_out_of_the_folder() {
        for name in ["", ".", "..", "../x", "/x", "a/b", "a\\b", ".x", "a\0"] {
            assert!(!is_plain(name), "{name:?}");
        }
        for name in ["CURRENT", "MANIFEST-000004", "000012.sst", "OPTIONS-000007"] {
            assert!(is_plain(name), "{name:?}");
        }
    }
}
