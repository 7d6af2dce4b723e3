//! Where the sets lie.

use std::path::{Path, PathBuf};

/// The folder of all sets. Named and missing is a failure; not named, the sets are skipped, and said to be.
pub fn corpus(sets: &[&str]) -> Option<PathBuf> {
    let Some(root) = std::env::var_os("ATTESTREAM_CORPUS") else {
        println!("skipped, {} sets of real documents: ATTESTREAM_CORPUS is not set", sets.len());
        return None;
    };
    let root = PathBuf::from(root);
    for set in sets {
        let folder = root.join(set);
        assert!(folder.is_dir(), "ATTESTREAM_CORPUS is set and {} is missing", folder.display());
    }
    Some(root)
}

/// Every file below a folder, in order.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut below: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    below.sort();
    below.into_iter().flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// A file's name below the folder of all sets.
pub fn name(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).display().to_string()
}
