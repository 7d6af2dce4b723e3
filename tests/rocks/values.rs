//! Large values lie in files of their own, and rows and values are flushed together.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use attestream::event::Digest;
use attestream::ledger::state::{Memo, Recall, State, States};
use attestream::rocks::{Care, LocalLog, RocksState, RocksStates, Snapshots, StoreCode};
use attestream::telemetry::{Happening, Observer};

use super::{budget, copy_folder, damage, identity, open, position};

/// The part of a database's own account of its options that begins with `heading`.
fn options(dir: &Path, heading: &str) -> String {
    let mut paths: Vec<PathBuf> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.file_name().unwrap().to_str().unwrap().starts_with("OPTIONS-"));
    let text = fs::read_to_string(paths.into_iter().max().unwrap()).unwrap();
    let from = text.find(heading).unwrap_or_else(|| panic!("no {heading}"));
    let part = &text[from + 1..];
    part[..part.find("\n[").unwrap_or(part.len())].to_owned()
}

#[test]
fn every_family_has_the_options_that_it_is_to_have() {
    let folder = tempfile::tempdir().unwrap();
    let (state, log) = (folder.path().join("state"), folder.path().join("log"));
    drop(open(&state));
    drop(LocalLog::open(&log, &[], &budget()).unwrap());
    let families =
        [(&state, "rows", false), (&state, "blobs", true), (&log, "records", true), (&log, "offsets", false)];
    for (dir, name, values) in families {
        let table = options(dir, &format!("[TableOptions/BlockBasedTable \"{name}\"]"));
        assert!(table.contains("filter_policy=bloomfilter\n"), "{table}");
        let family = options(dir, &format!("[CFOptions \"{name}\"]"));
        assert!(family.contains(&format!("enable_blob_files={values}")), "{family}");
        assert!(family.contains(&format!("memtable_whole_key_filtering={}", !values)), "{family}");
        assert!(family.contains("write_buffer_size=33554432"), "{family}");
    }
}

/// Bytes that nothing compresses, another for each number.
fn value(seq: u64, n: u64, size: usize) -> Vec<u8> {
    let pieces = (0..).flat_map(|at: u64| *Digest::of(&[seq, n, at].map(u64::to_be_bytes).concat()).as_bytes());
    pieces.take(size).collect()
}

/// Remembers two rows and two values of so many bytes.
fn remember(state: &mut RocksState, seq: u64, size: usize) -> [Vec<u8>; 2] {
    let values = [0, 1].map(|n| value(seq, n, size));
    let rows = [0, 1].map(|n| (format!("row/{seq}/{n}").into_bytes(), Some(vec![7; 100])));
    let blobs = values.iter().map(|bytes| (Digest::of(bytes), bytes.clone())).collect();
    state.remember(Memo { rows: BTreeMap::from(rows), blobs }, &position(seq)).unwrap();
    values
}

fn apart(dir: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|e| e == "blob")).collect();
    found.sort();
    found
}

/// A closed state whose values are in files of their own; the values.
fn closed(dir: &Path) -> Vec<Vec<u8>> {
    let mut state = open(dir);
    let values = (1..=3).flat_map(|seq| remember(&mut state, seq, 5_000)).collect();
    drop(state);
    assert!(!apart(dir).is_empty());
    values
}

fn reads_all(state: &RocksState, values: &[Vec<u8>]) {
    for bytes in values {
        assert_eq!(state.blob(Digest::of(bytes)).unwrap().as_ref(), Some(bytes));
    }
}

#[test]
fn a_snapshot_has_every_value_when_the_state_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let (live, restored) = (folder.path().join("live"), folder.path().join("restored"));
    let snapshots = Snapshots::new(&folder.path().join("snapshots"), 2);
    let mut state = open(&live);
    let mut values = Vec::new();
    for seq in 1..=4 {
        values.extend(remember(&mut state, seq, 5_000));
        snapshots.take(&state, true).unwrap();
    }
    let (dir, manifest) = snapshots.take(&state, false).unwrap();
    assert!(apart(&dir.join("db")).len() > 1);
    for path in apart(&dir.join("db")) {
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(manifest.files.iter().any(|file| file.name == name), "{name} is in the manifest");
    }
    drop(state);
    fs::remove_dir_all(&live).unwrap();
    snapshots.restore(&identity(), &restored, &budget(), Care::Rows).unwrap();
    let mut state = open(&restored);
    assert_eq!(state.position().unwrap(), Some(position(4)));
    reads_all(&state, &values);
    values.extend(remember(&mut state, 5, 5_000));
    drop(state);
    reads_all(&open(&restored), &values);
}

#[test]
fn a_snapshot_without_one_file_of_values_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let snapshots = Snapshots::new(&folder.path().join("snapshots"), 2);
    let mut state = open(&folder.path().join("live"));
    remember(&mut state, 1, 5_000);
    let (dir, _) = snapshots.take(&state, false).unwrap();
    fs::remove_file(apart(&dir.join("db")).remove(0)).unwrap();
    let error = snapshots.restore(&identity(), &folder.path().join("to"), &budget(), Care::Files).unwrap_err();
    assert_eq!(error.code, StoreCode::SnapshotAbsent);
    assert!(error.detail.contains("other files than in its manifest"), "{error}");
}

#[test]
fn a_file_of_values_that_is_gone_or_short_is_found_at_the_opening() {
    let harms: [fn(&Path); 3] = [
        |path| fs::remove_file(path).unwrap(),
        |path| fs::write(path, b"").unwrap(),
        |path| fs::File::options().write(true).open(path).unwrap().set_len(4_000).unwrap(),
    ];
    for harm in harms {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("state");
        closed(&dir);
        harm(&apart(&dir)[0]);
        let error = RocksState::open(&dir, &identity(), &budget()).err().unwrap();
        assert_eq!(error.code, StoreCode::Corrupt, "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing happens by itself");
    }
}

#[test]
fn files_of_values_without_anything_else_are_no_empty_folder() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("state");
    closed(&dir);
    for entry in fs::read_dir(&dir).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "blob") {
            fs::remove_file(path).unwrap();
        }
    }
    let kept = apart(&dir);
    assert_eq!(RocksState::open(&dir, &identity(), &budget()).err().unwrap().code, StoreCode::Corrupt);
    assert_eq!(apart(&dir), kept);
}

struct Silent;

impl Observer for Silent {
    fn happened(&self, _: &Happening<'_>) {}
}

#[test]
fn a_changed_value_is_never_another_and_is_found_by_who_mends() {
    let folder = tempfile::tempdir().unwrap();
    let states = RocksStates::new(folder.path(), 2, budget(), Arc::new(Silent));
    let dir = folder.path().join("state/3");
    fs::create_dir_all(folder.path().join("state")).unwrap();
    let values = closed(&dir);
    assert!(!states.mend("ledger-1", 3, false).unwrap(), "nothing is wrong with it");
    damage(&apart(&dir)[0]);
    let state = open(&dir);
    let read: Vec<_> = values.iter().map(|bytes| state.blob(Digest::of(bytes))).collect();
    assert!(read.iter().any(Result::is_err));
    for (found, bytes) in read.iter().zip(&values) {
        assert!(found.as_ref().ok().is_none_or(|found| found.as_ref() == Some(bytes)));
    }
    drop(state);
    assert!(states.mend("ledger-1", 3, false).unwrap());
    assert_eq!(states.open("ledger-1", 3).unwrap().position().unwrap(), None, "no snapshot, so the ledger has it all");
}

#[test]
fn what_a_crash_leaves_is_an_earlier_state_whole_with_its_values() {
    let folder = tempfile::tempdir().unwrap();
    let (live, image) = (folder.path().join("live"), folder.path().join("image"));
    let snapshots = Snapshots::new(&folder.path().join("snapshots"), 1);
    let mut state = open(&live);
    let (mut hashes, mut values) = (vec![state.state_hash().unwrap()], Vec::new());
    for seq in 1..=24 {
        values.extend(remember(&mut state, seq, 5_000));
        hashes.push(state.state_hash().unwrap());
        if seq % 9 == 0 {
            // Every family is flushed.
            snapshots.take(&state, false).unwrap();
        }
        copy_folder(&live, &image);
        let left = open(&image);
        let folded = left.position().unwrap().map_or(0, |position| position.seq);
        assert_eq!(folded, seq / 9 * 9);
        let folded = usize::try_from(folded).unwrap();
        assert_eq!(left.state_hash().unwrap(), hashes[folded]);
        reads_all(&left, &values[..2 * folded]);
        drop(left);
        fs::remove_dir_all(&image).unwrap();
    }
}
