//! Restoring the newest snapshot that holds what it promises.
//!
//! The files are copied beside the target, each digest is verified on the bytes that were written, the database is
//! opened and its own position compared with the manifest's; only then the folder gets its name. A crash leaves
//! `{target}.restoring`, which the next try removes.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::ledger::state::State;
use crate::rocks::database::sync_parent;
use crate::rocks::{MemoryBudget, RocksState, StateIdentity, StoreCode, StoreError};

use super::files::{clear, copy, names, sync};
use super::manifest::{DATABASE, SnapshotManifest};
use super::take::Snapshots;

/// What was restored, and the newer ones that were refused before it.
#[derive(Debug)]
pub struct Restored {
    pub from: PathBuf,
    pub manifest: SnapshotManifest,
    pub refused: Vec<(PathBuf, StoreError)>,
}

/// How far a snapshot is looked at before it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Care {
    /// Its files have the digests of its manifest.
    Files,
    /// Every row can be read too: the files may have been damaged before the snapshot was taken of them.
    Rows,
}

impl Snapshots {
    /// Restores the newest usable snapshot of `identity` into `target`, which must be absent or empty. Opening it is the
    /// caller's next step.
    pub fn restore(
        &self,
        identity: &StateIdentity,
        target: &Path,
        budget: &MemoryBudget,
        care: Care,
    ) -> Result<Restored, StoreError> {
        if target.exists() && !names(target)?.is_empty() {
            return Err(StoreError::new(StoreCode::RestoreOccupied, target.display().to_string()));
        }
        let mut refused = Vec::new();
        for from in self.list()? {
            match restore_one(&from, identity, target, budget, care) {
                Ok(manifest) => return Ok(Restored { from, manifest, refused }),
                Err(error) if is_refusal(error.code) => refused.push((from, error)),
                Err(error) => return Err(error),
            }
        }
        let seen: Vec<String> = refused.iter().map(|(_, error)| error.to_string()).collect();
        Err(StoreError::new(StoreCode::SnapshotAbsent, seen.join("; ")))
    }
}

/// Faults of the snapshot; others are of this machine and would be the same with the next one.
fn is_refusal(code: StoreCode) -> bool {
    matches!(code, StoreCode::SnapshotBroken | StoreCode::SnapshotForeign | StoreCode::SnapshotFuture)
}

fn broken(detail: impl Into<String>) -> StoreError {
    StoreError::new(StoreCode::SnapshotBroken, detail)
}

/// What is wrong with a database whose files are those of the manifest: the snapshot, unless this machine could not write or
/// read them. A full disk must not use up one snapshot after the other, and leave a state that begins with nothing.
fn of_opened(error: StoreError) -> StoreError {
    let machine = error.code == StoreCode::Failed && error.detail.starts_with("IO error");
    if machine { error } else { broken(error.to_string()) }
}

fn restore_one(
    from: &Path,
    identity: &StateIdentity,
    target: &Path,
    budget: &MemoryBudget,
    care: Care,
) -> Result<SnapshotManifest, StoreError> {
    let manifest = SnapshotManifest::read(from, identity)?;
    let mut temporary = target.as_os_str().to_owned();
    temporary.push(".restoring");
    let temporary = PathBuf::from(temporary);
    clear(&temporary)?;
    fs::create_dir_all(&temporary)?;
    let restored = copy_verified(&from.join(DATABASE), &manifest, &temporary)
        .and_then(|()| verify_opened(&temporary, identity, &manifest, budget, care));
    if let Err(error) = restored {
        clear(&temporary)?;
        return Err(error);
    }
    sync(&temporary)?;
    if target.exists() {
        fs::remove_dir(target)?;
    }
    fs::rename(&temporary, target)?;
    sync_parent(target)?;
    Ok(manifest)
}

fn copy_verified(from: &Path, manifest: &SnapshotManifest, to: &Path) -> Result<(), StoreError> {
    let mut expected: Vec<&str> = manifest.files.iter().map(|file| file.name.as_str()).collect();
    expected.sort_unstable();
    let found = names(from).map_err(|error| broken(error.to_string()))?;
    if found != expected {
        return Err(broken(format!("{}: other files than in its manifest", from.display())));
    }
    for file in &manifest.files {
        let source = from.join(&file.name);
        let measured = copy(&source, &to.join(&file.name)).map_err(|error| match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::ReadOnlyFilesystem => {
                error.into()
            }
            _ => broken(format!("{}: {error}", source.display())),
        })?;
        if measured != (file.digest, file.size) {
            return Err(broken(format!("{}: not the bytes of its manifest", source.display())));
        }
    }
    Ok(())
}

/// The database itself must agree with the manifest, which nothing else protects.
fn verify_opened(
    dir: &Path,
    identity: &StateIdentity,
    manifest: &SnapshotManifest,
    budget: &MemoryBudget,
    care: Care,
) -> Result<(), StoreError> {
    let state = RocksState::open_own(dir, identity, budget).map_err(of_opened)?;
    let position = state.position().map_err(|error| broken(error.to_string()))?;
    if position.as_ref() != Some(&manifest.position) {
        return Err(broken("the position in the database is not that of the manifest"));
    }
    if care == Care::Rows {
        state.read_through().map_err(of_opened)?;
    }
    if let Some(expected) = manifest.state_hash {
        let hash = state.state_hash().map_err(|error| broken(error.to_string()))?;
        if hash != expected {
            return Err(broken(format!("state hash {hash}, not {expected}")));
        }
    }
    Ok(())
}
