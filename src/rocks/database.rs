//! Opening a database of ours without harming one that is not.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rocksdb::{ColumnFamily, ColumnFamilyDescriptor, DB, Options};

use super::budget::Holds;
use super::{MemoryBudget, StoreCode, StoreError};

/// Opens or creates the database in `dir` with at least `families`. Families that only a newer version knows are opened
/// too: whether they are too new is decided by what the database says of itself.
pub(super) fn open(
    dir: &Path,
    families: &[(&str, Holds)],
    budget: &MemoryBudget,
    adjust: impl Fn(&mut Options),
) -> Result<DB, StoreError> {
    create_durably(dir)?;
    let mut options = budget.database();
    adjust(&mut options);
    let mut all: Vec<(String, Holds)> = families.iter().map(|(name, holds)| ((*name).to_owned(), *holds)).collect();
    if dir.join("CURRENT").is_file() {
        let known = DB::list_cf(&options, dir)?;
        let others = known.into_iter().filter(|name| families.iter().all(|(own, _)| own != name));
        all.extend(others.map(|name| (name, Holds::Rows)));
    } else if holds_data(dir)? {
        // RocksDB would begin a new database here and remove the files of the old one as obsolete.
        return Err(StoreError::new(StoreCode::Corrupt, format!("{} has data but no CURRENT", dir.display())));
    }
    let all = all.into_iter().map(|(name, holds)| ColumnFamilyDescriptor::new(name, budget.family(holds)));
    let db = DB::open_cf_descriptors(&options, dir, all)?;
    check_values(&db, families, dir)?;
    Ok(db)
}

/// Whether a file of this name never changes once it is written.
pub(super) fn is_final(name: &Path) -> bool {
    name.extension().is_some_and(|extension| extension == "sst" || extension == "blob")
}

/// RocksDB looks for the files of large values when one of them is read, and not before. Files that nothing needs any
/// more may be there beside them.
fn check_values(db: &DB, families: &[(&str, Holds)], dir: &Path) -> Result<(), StoreError> {
    let mut named = 0;
    for (name, _) in families {
        named += db.property_int_value_cf(family(db, name)?, "rocksdb.live-blob-file-size")?.unwrap_or(0);
    }
    let mut found = 0;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if Path::new(&entry.file_name()).extension().is_some_and(|extension| extension == "blob") {
            found += entry.metadata()?.len();
        }
    }
    if found >= named {
        return Ok(());
    }
    Err(StoreError::new(StoreCode::Corrupt, format!("large values: {found} of {named} bytes are in {}", dir.display())))
}

fn holds_data(dir: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if is_final(&path) || path.extension().is_some_and(|extension| extension == "log") {
            return Ok(true);
        }
    }
    Ok(false)
}

pub(super) fn family<'a>(db: &'a DB, name: &str) -> Result<&'a ColumnFamily, StoreError> {
    db.cf_handle(name).ok_or_else(|| StoreError::new(StoreCode::Foreign, format!("no column family {name}")))
}

/// Whether no family holds a row.
pub(super) fn is_empty(db: &DB, families: &[(&str, Holds)]) -> Result<bool, StoreError> {
    for name in families.iter().map(|(name, _)| *name).chain(["default"]) {
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

/// Creates a folder with all above it, and makes their names durable: what is acknowledged lies in them.
fn create_durably(dir: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = dir.ancestors().skip(1).take_while(|above| !above.exists()).collect();
    fs::create_dir_all(dir)?;
    // That of `dir` also where it was there: a process that ended before this one may not have come so far.
    std::iter::once(dir).chain(missing).filter(|folder| folder.file_name().is_some()).try_for_each(sync_parent)
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
