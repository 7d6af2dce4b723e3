//! Copying and hashing files, durably.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::event::Digest;

/// Digest and size of what `reader` gives, each piece handed to `sink`.
fn drain(mut reader: impl Read, mut sink: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<(Digest, u64)> {
    let mut hash = Sha256::new();
    let mut size = 0u64;
    let mut buffer = vec![0; 1024 * 1024];
    loop {
        let count = reader.read(&mut buffer)?;
        let Some(piece) = buffer.get(..count).filter(|piece| !piece.is_empty()) else { break };
        hash.update(piece);
        sink(piece)?;
        size += u64::try_from(count).unwrap_or_default();
    }
    Ok((Digest::from_bytes(hash.finalize().into()), size))
}

/// Digest and size of a file, which is synced by the way.
pub(super) fn measure(path: &Path) -> io::Result<(Digest, u64)> {
    let file = File::open(path)?;
    file.sync_all()?;
    drain(file, |_| Ok(()))
}

/// Copies a file durably; digest and size of the bytes that were written.
pub(super) fn copy(from: &Path, to: &Path) -> io::Result<(Digest, u64)> {
    let mut copy = File::options().write(true).create_new(true).open(to)?;
    let measured = drain(File::open(from)?, |piece| copy.write_all(piece))?;
    copy.sync_all()?;
    Ok(measured)
}

pub(super) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::options().write(true).create_new(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Makes the names in a folder durable.
pub(super) fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Names in a folder, sorted; nothing that is no UTF-8 was written by us.
pub(super) fn names(folder: &Path) -> io::Result<Vec<String>> {
    let entries = fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().into_string().unwrap_or_default()));
    let mut names = entries.collect::<io::Result<Vec<String>>>()?;
    names.sort_unstable();
    Ok(names)
}

/// Removes a folder that a crash left half-made.
pub(super) fn clear(folder: &PathBuf) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
