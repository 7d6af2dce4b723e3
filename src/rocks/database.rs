//! Opening a database of ours without harming one that is not.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rocksdb::{ColumnFamily, DB, Options};

use super::{MemoryBudget, StoreCode, StoreError};

/// Opens or creates the database in `dir` with at least `families`. Families that only a newer version knows are opened
/// too: whether they are too new is decided by what the database says of itself.
pub(super) fn open(
    dir: &Path,
    families: &[&str],
    budget: &MemoryBudget,
    adjust: impl Fn(&mut Options),
) -> Result<DB, StoreError> {
    fs::create_dir_all(dir)?;
    let mut options = budget.options();
    adjust(&mut options);
    let mut names: Vec<String> = families.iter().map(|name| (*name).to_owned()).collect();
    if dir.join("CURRENT").is_file() {
        let known = DB::list_cf(&options, dir)?;
        names.extend(known.into_iter().filter(|name| !families.contains(&name.as_str()) && name != "default"));
    } else if holds_data(dir)? {
        // RocksDB would begin a new database here and remove the files of the old one as obsolete.
        return Err(StoreError::new(StoreCode::Corrupt, format!("{} has data but no CURRENT", dir.display())));
    }
    Ok(DB::open_cf(&options, dir, names)?)
}

fn holds_data(dir: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "sst" || extension == "log") {
            return Ok(true);
        }
    }
    Ok(false)
}

pub(super) fn family<'a>(db: &'a DB, name: &str) -> Result<&'a ColumnFamily, StoreError> {
    db.cf_handle(name).ok_or_else(|| StoreError::new(StoreCode::Foreign, format!("no column family {name}")))
}

/// Whether no family holds a row.
pub(super) fn is_empty(db: &DB, families: &[&str]) -> Result<bool, StoreError> {
    for name in families {
        if let Some(row) = db.iterator_cf(family(db, name)?, rocksdb::IteratorMode::Start).next() {
            row?;
            return Ok(false);
        }
    }
    Ok(true)
}

/// Renames a store's folder to `{dir}.aside-{n}`, the first `n` that is free, and returns the new name. Nothing is ever
/// deleted: a person decides what becomes of it.
pub fn set_aside(dir: &Path) -> Result<PathBuf, StoreError> {
    let name = dir.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| StoreError::new(StoreCode::Failed, format!("{} has no name", dir.display())))?;
    let free = (1u32..).map(|n| dir.with_file_name(format!("{name}.aside-{n}"))).find(|path| !path.exists());
    let aside = free.ok_or_else(|| StoreError::new(StoreCode::Failed, "no free name"))?;
    fs::rename(dir, &aside)?;
    sync_parent(&aside)?;
    Ok(aside)
}

/// Makes a name durable.
pub(super) fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent)?.sync_all()
}

/// The bound below which all keys with `prefix` lie; `None` when there is none.
pub(super) fn after_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut bound = prefix.to_vec();
    while let Some(last) = bound.pop() {
        if last < u8::MAX {
            bound.push(last + 1);
            return Some(bound);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_after_a_prefix() {
        assert_eq!(after_prefix(b"ab"), Some(b"ac".to_vec()));
        assert_eq!(after_prefix(&[1, 255, 255]), Some(vec![2]));
        assert_eq!(after_prefix(&[255, 255]), None);
        assert_eq!(after_prefix(b""), None);
    }

    #[test]
    fn nothing_that_was_set_aside_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("store");
        for n in 1..=3 {
            fs::create_dir(&dir).unwrap();
            fs::write(dir.join("n"), n.to_string()).unwrap();
            assert_eq!(set_aside(&dir).unwrap(), folder.path().join(format!("store.aside-{n}")));
        }
        assert_eq!(fs::read(folder.path().join("store.aside-1/n")).unwrap(), b"1");
        assert!(!dir.exists());
    }
}
