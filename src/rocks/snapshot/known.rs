//! Digests that the snapshot before has measured already.
//!
//! A table of RocksDB's, or a file of its large values, never changes once it is written, and a checkpoint on the same disk is a second name of the same
//! file. So only what is new since the snapshot before is read and synced: what one snapshot costs follows what was
//! written since, not everything that was ever remembered. A file that rots under both names keeps the digest that it
//! had, so that a restore sees it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::rocks::StateIdentity;
use crate::rocks::database::is_final;

use super::manifest::{DATABASE, SnapshotFile, SnapshotManifest};

/// The tables of one snapshot, by name. Empty where there is none yet.
#[derive(Default)]
pub(super) struct Known {
    database: PathBuf,
    tables: BTreeMap<String, SnapshotFile>,
}

impl Known {
    /// The tables of the newest snapshot of `identity` whose manifest can be read.
    pub fn of(newest_first: &[PathBuf], identity: &StateIdentity) -> Self {
        let read = |dir: &PathBuf| Some((dir.join(DATABASE), SnapshotManifest::read(dir, identity).ok()?.files));
        let Some((database, files)) = newest_first.iter().find_map(read) else { return Known::default() };
        let tables = files.into_iter().filter(|file| is_final(Path::new(&file.name)));
        Known { database, tables: tables.map(|file| (file.name.clone(), file)).collect() }
    }

    /// The entry of `path` where that is one file with the table of this name, and still of its size. As the snapshot
    /// holds it, no other file can have its number.
    pub fn entry(&self, name: &str, path: &Path) -> io::Result<Option<SnapshotFile>> {
        let Some(known) = self.tables.get(name) else { return Ok(None) };
        let here = fs::metadata(path)?;
        let Ok(there) = fs::metadata(self.database.join(name)) else { return Ok(None) };
        let same = (here.dev(), here.ino()) == (there.dev(), there.ino()) && here.len() == known.size;
        Ok(same.then(|| known.clone()))
    }
}
