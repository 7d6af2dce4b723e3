//! Documents, statements and carriers, against official, real and hostile inputs.

use std::path::{Path, PathBuf};

mod arrivals;
mod corpus;
mod documents;
mod event_objects;
mod hostile;
mod official;
mod statements;

/// The bytes of a test vector.
fn vector(path: &str) -> Vec<u8> {
    let path = Path::new("tests/vectors").join(path);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The files of a folder and below that end in one of `endings`, in order. At least one.
fn files(folder: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if endings.iter().any(|ending| path.to_string_lossy().ends_with(ending)) {
                found.push(path);
            }
        }
    }
    assert!(!found.is_empty(), "nothing in {}", folder.display());
    found.sort();
    found
}

fn name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}
