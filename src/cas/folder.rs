//! Objects in a local folder: `objects/{tenant}/sha256/{hex}`.
//!
//! An object is written to `tmp/`, synced, and renamed to its name; then the folder that holds the name is synced. A
//! crash leaves a file in `tmp/` that nothing names, or the whole object.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use crate::event::{Digest, Tenant};

use crate::admission::ports::{ObjectError, Objects};

/// A folder of objects. Several processes may share one.
#[derive(Debug)]
pub struct FolderObjects {
    root: PathBuf,
    written: AtomicU64,
}

impl FolderObjects {
    pub fn open(root: &Path) -> Result<Self, ObjectError> {
        fs::create_dir_all(root.join("objects"))?;
        fs::create_dir_all(root.join("tmp"))?;
        sync(root)?;
        if let Some(parent) = root.canonicalize()?.parent() {
            sync(parent)?;
        }
        Ok(FolderObjects { root: root.to_owned(), written: AtomicU64::new(0) })
    }

    /// Where an object lies. A tenant's name has no separator and does not begin with a dot.
    fn path(&self, tenant: &Tenant, digest: Digest) -> PathBuf {
        self.shelf(tenant).join(digest.hex())
    }

    fn shelf(&self, tenant: &Tenant) -> PathBuf {
        self.root.join("objects").join(tenant.as_str()).join("sha256")
    }

    /// The tenant's folder, durable with its parents. They are synced also where they were there: a process that ended
    /// between making and syncing them leaves names that a loss of power takes.
    fn create_shelf(&self, tenant: &Tenant) -> io::Result<PathBuf> {
        let shelf = self.shelf(tenant);
        fs::create_dir_all(&shelf)?;
        for folder in shelf.ancestors().skip(1).take(2) {
            sync(folder)?;
        }
        Ok(shelf)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let number = self.written.fetch_add(1, Ordering::Relaxed);
        let nanos = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_nanos());
        let temporary = self.root.join("tmp").join(format!("{}-{nanos}-{number}", std::process::id()));
        let mut file = File::options().write(true).create_new(true).open(&temporary)?;
        let written = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&temporary, path));
        if written.is_err() {
            // The error that counts is the first one; what stays in the folder is named by nothing.
            drop(fs::remove_file(&temporary));
        }
        written
    }
}

impl Objects for FolderObjects {
    fn put(&self, tenant: &Tenant, bytes: &[u8]) -> Result<Digest, ObjectError> {
        let digest = Digest::of(bytes);
        let shelf = self.create_shelf(tenant)?;
        let path = self.path(tenant, digest);
        match fs::read(&path) {
            Ok(present) if present == bytes => {
                // It may be another writer's that is not synced yet, so the promise is made good here too.
                let file = File::options().write(true).open(&path)?;
                file.set_modified(SystemTime::now())?;
                file.sync_all()?;
            }
            Ok(_) => self.write(&path, bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.write(&path, bytes)?,
            Err(error) => return Err(error.into()),
        }
        sync(&shelf)?;
        Ok(digest)
    }

    fn get(&self, tenant: &Tenant, digest: Digest) -> Result<Option<Vec<u8>>, ObjectError> {
        match fs::read(self.path(tenant, digest)) {
            Ok(bytes) if Digest::of(&bytes) == digest => Ok(Some(bytes)),
            Ok(_) => Err(ObjectError::Damaged { tenant: tenant.clone(), digest }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Makes the names in a folder durable.
fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::super::MemoryObjects;
    use super::*;

    fn tenant(name: &str) -> Tenant {
        Tenant::new(name).unwrap()
    }

    fn contract(bytes: &dyn Objects) {
        let (acme, other) = (tenant("acme"), tenant("other"));
        let digest = Digest::of(b"hello");
        assert_eq!(bytes.get(&acme, digest).unwrap(), None);
        assert_eq!(bytes.put(&acme, b"hello").unwrap(), digest);
        assert_eq!(bytes.put(&acme, b"hello").unwrap(), digest);
        assert_eq!(bytes.get(&acme, digest).unwrap().as_deref(), Some(&b"hello"[..]));
        assert_eq!(bytes.get(&other, digest).unwrap(), None, "another tenant's bytes do not exist");
        assert_eq!(bytes.put(&acme, b"").unwrap(), Digest::of(b""));
        assert_eq!(bytes.get(&acme, Digest::of(b"")).unwrap().as_deref(), Some(&b""[..]));
    }

    #[test]
    fn both_keep_the_contract() {
        let folder = tempfile::tempdir().unwrap();
        contract(&FolderObjects::open(folder.path()).unwrap());
        contract(&MemoryObjects::default());
    }

    #[test]
    fn what_was_put_is_there_after_a_restart_and_nothing_is_left_over() {
        let folder = tempfile::tempdir().unwrap();
        let digest = FolderObjects::open(folder.path()).unwrap().put(&tenant("acme"), b"hello").unwrap();
        let again = FolderObjects::open(folder.path()).unwrap();
        assert_eq!(again.get(&tenant("acme"), digest).unwrap().as_deref(), Some(&b"hello"[..]));
        let path = folder.path().join("objects/acme/sha256").join(digest.hex());
        assert_eq!(fs::read(path).unwrap(), b"hello");
        assert_eq!(fs::read_dir(folder.path().join("tmp")).unwrap().count(), 0);
    }

    #[test]
    fn damage_is_an_error_until_a_put_repairs_it() {
        let folder = tempfile::tempdir().unwrap();
        let bytes = FolderObjects::open(folder.path()).unwrap();
        let acme = tenant("acme");
        let digest = bytes.put(&acme, b"hello").unwrap();
        for damaged in [&b"hellO"[..], b"hell", b"", b"hello "] {
            fs::write(bytes.path(&acme, digest), damaged).unwrap();
            assert!(matches!(bytes.get(&acme, digest), Err(ObjectError::Damaged { .. })));
        }
        bytes.put(&acme, b"hello").unwrap();
        assert_eq!(bytes.get(&acme, digest).unwrap().as_deref(), Some(&b"hello"[..]));
    }

    #[test]
    fn putting_again_makes_an_object_young() {
        let folder = tempfile::tempdir().unwrap();
        let bytes = FolderObjects::open(folder.path()).unwrap();
        let acme = tenant("acme");
        let digest = bytes.put(&acme, b"hello").unwrap();
        let path = bytes.path(&acme, digest);
        File::options().write(true).open(&path).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
        bytes.put(&acme, b"hello").unwrap();
        assert_ne!(fs::metadata(&path).unwrap().modified().unwrap(), SystemTime::UNIX_EPOCH);
    }

    #[test]
    fn writers_of_the_same_bytes_do_not_disturb_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let bytes = FolderObjects::open(folder.path()).unwrap();
        let acme = tenant("acme");
        let content = vec![7; 100_000];
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..10 {
                        let digest = bytes.put(&acme, &content).unwrap();
                        assert_eq!(bytes.get(&acme, digest).unwrap().as_deref(), Some(content.as_slice()));
                    }
                });
            }
        });
    }
}
