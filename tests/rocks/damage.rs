//! Files of a state that are cut, changed or gone: what opens is a state that this partition had, whole, or nothing does.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use attestream::event::Digest;
use attestream::ledger::state::{Memo, State};
use attestream::rocks::{RocksState, Snapshots};

use super::{budget, copy_folder, identity, open, position, remember};

/// A folder as kill -9 leaves it after several memos and snapshots, and every state that it had.
struct Image {
    folder: tempfile::TempDir,
    had: BTreeMap<u64, Digest>,
}

impl Image {
    /// Blobs fill the memory, so that everything is flushed again and again while it is written.
    fn of_blobs() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let live = folder.path().join("live");
        let mut state = open(&live);
        let mut had = BTreeMap::from([(0, state.state_hash().unwrap())]);
        for seq in 1..=40 {
            let rows = (0..5).map(|n| (format!("row/{seq}/{n}").into_bytes(), Some(vec![7; 100])));
            let blob: Vec<u8> =
                (0..300_000u64).map(|n| (n.wrapping_mul(seq * 0x9e37_79b9) >> 7).to_le_bytes()[0]).collect();
            let memo = Memo { rows: rows.collect(), blobs: [(Digest::of(&blob), blob)].into() };
            state.remember(memo, &position(seq)).unwrap();
            had.insert(seq, state.state_hash().unwrap());
        }
        copy_folder(&live, &folder.path().join("image"));
        Image { folder, had }
    }

    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let live = folder.path().join("live");
        let snapshots = Snapshots::new(&folder.path().join("snapshots"), 2);
        let mut state = open(&live);
        let mut had = BTreeMap::from([(0, state.state_hash().unwrap())]);
        for seq in 1..=12 {
            remember(&mut state, seq, 5);
            had.insert(seq, state.state_hash().unwrap());
            if seq % 3 == 0 && seq < 12 {
                // Every family is flushed.
                snapshots.take(&state, false).unwrap();
            }
        }
        copy_folder(&live, &folder.path().join("image"));
        Image { folder, had }
    }

    fn files(&self, is: impl Fn(&str) -> bool) -> Vec<PathBuf> {
        let names = fs::read_dir(self.folder.path().join("image")).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<PathBuf> = names.filter(|name| is(name.to_str().unwrap())).map(PathBuf::from).collect();
        names.sort();
        names
    }

    fn bytes(&self, file: &Path) -> Vec<u8> {
        fs::read(self.folder.path().join("image").join(file)).unwrap()
    }

    /// Opens a copy in which a file has other bytes, or none at all; the number of records that it has folded.
    fn opened(&self, file: &Path, bytes: Option<&[u8]>) -> Option<u64> {
        let dir = self.folder.path().join("harmed");
        if dir.exists() {
            fs::remove_dir_all(&dir).unwrap();
        }
        copy_folder(&self.folder.path().join("image"), &dir);
        match bytes {
            Some(bytes) => fs::write(dir.join(file), bytes).unwrap(),
            None => fs::remove_file(dir.join(file)).unwrap(),
        }
        let opened = RocksState::open(&dir, &identity(), &budget()).ok()?;
        let state = opened.state;
        let seq = state.position().unwrap().map_or(0, |position| position.seq);
        // One that cannot be read does not answer, and that is as good.
        let hash = state.state_hash().ok()?;
        assert_eq!(Some(&hash), self.had.get(&seq), "{} with {:?} bytes", file.display(), bytes.map(<[u8]>::len));
        Some(seq)
    }
}

fn is_manifest(name: &str) -> bool {
    name.starts_with("MANIFEST-")
}

#[test]
fn an_untouched_image_has_everything_that_was_flushed() {
    let image = Image::new();
    let current = Path::new("CURRENT");
    assert_eq!(image.opened(current, Some(&image.bytes(current))), Some(9));
}

#[test]
fn a_manifest_that_is_cut_anywhere_gives_a_state_that_was_or_none() {
    let image = Image::new();
    for file in image.files(is_manifest) {
        let bytes = image.bytes(&file);
        for end in (0..bytes.len()).step_by(17) {
            image.opened(&file, Some(&bytes[..end]));
        }
    }
}

#[test]
fn manifests_and_values_of_a_state_that_was_flushed_while_it_was_written() {
    let image = Image::of_blobs();
    let values = image.files(|name| name.ends_with(".blob"));
    assert!(values.len() > 1, "{values:?}");
    for (file, cuts) in
        values.iter().map(|file| (file, 3)).chain(image.files(is_manifest).iter().map(|file| (file, 60)))
    {
        let bytes = image.bytes(file);
        image.opened(file, None);
        for end in (0..bytes.len()).step_by(1 + bytes.len() / cuts) {
            image.opened(file, Some(&bytes[..end]));
        }
    }
}

#[test]
fn a_file_that_is_gone_empty_or_changed_gives_a_state_that_was_or_none() {
    let image = Image::new();
    for file in image.files(|name| name != "LOCK" && !name.starts_with("LOG")) {
        let bytes = image.bytes(&file);
        image.opened(&file, None);
        image.opened(&file, Some(b""));
        for at in (0..bytes.len()).step_by(1 + bytes.len() / 40) {
            let mut changed = bytes.clone();
            changed[at] ^= 0x10;
            image.opened(&file, Some(&changed));
        }
    }
}
