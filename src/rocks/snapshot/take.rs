//! Taking snapshots.
//!
//! A snapshot is made as `tmp`, synced whole, and renamed to `snapshot-{seq}-{n}`; then the parent is synced. A crash
//! leaves `tmp`, which the next one removes, or a whole snapshot.

use std::fs;
use std::path::{Path, PathBuf};

use crate::ledger::state::{State, StateError};
use crate::rocks::{RocksState, STATE_FORMAT, StateIdentity, StoreCode, StoreError};

use super::files::{clear, measure, names, sync, write};
use super::known::Known;
use super::manifest::{DATABASE, MANIFEST, SNAPSHOT_FORMAT, SnapshotFile, SnapshotManifest};

/// The snapshots of one partition in one folder, which one process writes at a time.
#[derive(Debug, Clone)]
pub struct Snapshots {
    dir: PathBuf,
    keep: usize,
}

impl Snapshots {
    /// Snapshots in `dir`, of which the last `keep` (at least one) of the same ledger partition are kept.
    pub fn new(dir: &Path, keep: usize) -> Self {
        Snapshots { dir: dir.to_owned(), keep: keep.max(1) }
    }

    /// Takes a snapshot, with the state hash (which reads every row) if wanted; returns its folder and manifest.
    pub fn take(&self, state: &RocksState, hashed: bool) -> Result<(PathBuf, SnapshotManifest), StoreError> {
        let position = state.position().map_err(failed)?;
        let position = position.ok_or_else(|| StoreError::new(StoreCode::SnapshotEmpty, "nothing was folded yet"))?;
        fs::create_dir_all(&self.dir)?;
        let temporary = self.dir.join("tmp");
        clear(&temporary)?;
        fs::create_dir(&temporary)?;
        let database = temporary.join(DATABASE);
        state.checkpoint(&database)?;
        let state_hash = if hashed { Some(state.state_hash().map_err(failed)?) } else { None };
        let files = measure_all(&database, &Known::of(&self.list()?, state.identity()))?;
        let manifest =
            SnapshotManifest { format: SNAPSHOT_FORMAT, state_format: STATE_FORMAT, position, state_hash, files };
        let json = serde_json::to_vec_pretty(&manifest);
        let json = json.map_err(|error| StoreError::new(StoreCode::Failed, error.to_string()))?;
        write(&temporary.join(MANIFEST), &json)?;
        sync(&database)?;
        sync(&temporary)?;
        let dir = self.free_name(manifest.position.seq)?;
        fs::rename(&temporary, &dir)?;
        sync(&self.dir)?;
        self.prune(state.identity())?;
        Ok((dir, manifest))
    }

    /// Folders that are snapshots by their names, newest first.
    pub fn list(&self) -> Result<Vec<PathBuf>, StoreError> {
        if !self.dir.is_dir() {
            return Ok(Vec::new());
        }
        let mut found: Vec<((u64, u32), PathBuf)> = Vec::new();
        for name in names(&self.dir)? {
            found.extend(order_of(&name).map(|order| (order, self.dir.join(&name))));
        }
        found.sort_unstable_by(|a, b| b.cmp(a));
        Ok(found.into_iter().map(|(_, path)| path).collect())
    }

    /// The same position may be taken again: the later one stands beside the earlier.
    fn free_name(&self, seq: u64) -> Result<PathBuf, StoreError> {
        let free = (0u32..).map(|n| self.dir.join(format!("snapshot-{seq:020}-{n:04}"))).find(|path| !path.exists());
        free.ok_or_else(|| StoreError::new(StoreCode::Failed, "no free name"))
    }

    /// Removes what is older than the last `keep` of this identity. What cannot be read or is another's stays.
    fn prune(&self, identity: &StateIdentity) -> Result<(), StoreError> {
        let own = self.list()?.into_iter().filter(|dir| SnapshotManifest::read(dir, identity).is_ok());
        for dir in own.skip(self.keep) {
            // Without its manifest it is no snapshot any more, wherever the removal ends.
            fs::remove_file(dir.join(MANIFEST))?;
            fs::remove_dir_all(&dir)?;
        }
        Ok(())
    }
}

fn order_of(name: &str) -> Option<(u64, u32)> {
    let (seq, n) = name.strip_prefix("snapshot-")?.split_once('-')?;
    Some((seq.parse().ok()?, n.parse().ok()?))
}

/// Every file with its digest; those that the snapshot before has measured and synced are not read again.
fn measure_all(database: &Path, known: &Known) -> Result<Vec<SnapshotFile>, StoreError> {
    let mut files = Vec::new();
    for name in names(database)? {
        let path = database.join(&name);
        if let Some(file) = known.entry(&name, &path)? {
            files.push(file);
            continue;
        }
        let (digest, size) = measure(&path)?;
        files.push(SnapshotFile { name, size, digest });
    }
    Ok(files)
}

fn failed(error: StateError) -> StoreError {
    StoreError::new(StoreCode::Failed, error.to_string())
}
