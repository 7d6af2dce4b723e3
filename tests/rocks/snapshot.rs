//! Snapshots: taken, kept, restored, and refused.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use attestream::ledger::state::{Recall, State};
use attestream::rocks::{Care, RocksState, STATE_FORMAT, SnapshotManifest, Snapshots, StateIdentity, StoreCode};

use super::{budget, copy_folder, damage, identity, open, position, remember};

struct Stage {
    folder: tempfile::TempDir,
    state: RocksState,
    snapshots: Snapshots,
}

impl Stage {
    /// A state with snapshots at 1 and 2, and what came after them.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut state = open(&folder.path().join("state"));
        let snapshots = Snapshots::new(&folder.path().join("snapshots"), 3);
        for seq in [1, 2] {
            remember(&mut state, seq, 50);
            snapshots.take(&state, true).unwrap();
        }
        remember(&mut state, 3, 50);
        Stage { folder, state, snapshots }
    }

    fn target(&self) -> PathBuf {
        self.folder.path().join("restored")
    }

    fn newest(&self) -> PathBuf {
        self.snapshots.list().unwrap()[0].clone()
    }

    /// Restores; the refusals and the position that came of it.
    fn restore(&self) -> (Vec<StoreCode>, u64) {
        let restored = self.snapshots.restore(&identity(), &self.target(), &budget(), Care::Files).unwrap();
        let state = open(&self.target());
        assert_eq!(state.position().unwrap(), Some(restored.manifest.position.clone()));
        (restored.refused.iter().map(|(_, error)| error.code).collect(), restored.manifest.position.seq)
    }
}

#[test]
fn a_restored_state_is_the_one_that_was_and_goes_on() {
    let mut stage = Stage::new();
    let hash = stage.state.state_hash().unwrap();
    let (_, manifest) = stage.snapshots.take(&stage.state, false).unwrap();
    assert_eq!(manifest.state_hash, None);
    remember(&mut stage.state, 4, 1);
    let restored = stage.snapshots.restore(&identity(), &stage.target(), &budget(), Care::Files).unwrap();
    assert!(restored.refused.is_empty());
    assert_eq!(restored.manifest, manifest);
    let mut state = open(&stage.target());
    assert_eq!(state.position().unwrap(), Some(position(3)));
    assert_eq!(state.state_hash().unwrap(), hash);
    let blob = b"blob 3";
    assert_eq!(state.blob(attestream::event::Digest::of(blob)).unwrap().as_deref(), Some(&blob[..]));
    remember(&mut state, 4, 1);
    assert_eq!(state.state_hash().unwrap(), stage.state.state_hash().unwrap());
}

#[test]
fn the_last_ones_are_kept_and_others_are_not_touched() {
    let mut stage = Stage::new();
    let foreign = stage.folder.path().join("snapshots/snapshot-00000000000000000000-0000");
    copy_folder(&stage.newest(), &foreign);
    let manifest = fs::read_to_string(foreign.join("manifest.json")).unwrap();
    fs::write(foreign.join("manifest.json"), manifest.replace("ledger-1", "ledger-2")).unwrap();
    fs::create_dir(stage.folder.path().join("snapshots/notes")).unwrap();
    for seq in 4..8 {
        remember(&mut stage.state, seq, 1);
        stage.snapshots.take(&stage.state, false).unwrap();
    }
    let kept = stage.snapshots.list().unwrap();
    let names: Vec<&str> = kept.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "snapshot-00000000000000000007-0000",
            "snapshot-00000000000000000006-0000",
            "snapshot-00000000000000000005-0000",
            "snapshot-00000000000000000000-0000",
        ]
    );
    assert!(stage.folder.path().join("snapshots/notes").exists());
}

#[test]
fn the_same_position_can_be_taken_twice() {
    let stage = Stage::new();
    let (first, _) = stage.snapshots.take(&stage.state, true).unwrap();
    let (second, _) = stage.snapshots.take(&stage.state, true).unwrap();
    assert_ne!(first, second);
    assert_eq!(stage.newest(), second);
}

#[test]
fn nothing_folded_is_nothing_to_take() {
    let folder = tempfile::tempdir().unwrap();
    let state = open(&folder.path().join("state"));
    let snapshots = Snapshots::new(&folder.path().join("snapshots"), 1);
    assert_eq!(snapshots.take(&state, true).unwrap_err().code, StoreCode::SnapshotEmpty);
    let error = snapshots.restore(&identity(), &folder.path().join("restored"), &budget(), Care::Files).unwrap_err();
    assert_eq!(error.code, StoreCode::SnapshotAbsent);
}

#[test]
fn every_file_is_verified_and_the_next_older_one_is_taken() {
    let stage = Stage::new();
    let mut paths: Vec<_> = fs::read_dir(stage.newest().join("db")).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() >= 4, "tables, manifest, options, current");
    let harms: [fn(&Path); 3] = [
        damage,
        |path| fs::remove_file(path).unwrap(),
        |path| fs::File::options().append(true).open(path).unwrap().set_len(1).unwrap(),
    ];
    for path in paths {
        // Tables are shared with the state by a link: harm a copy.
        let bytes = fs::read(&path).unwrap();
        for harm in harms {
            fs::remove_file(&path).unwrap();
            fs::write(&path, &bytes).unwrap();
            harm(&path);
            assert_eq!(stage.restore(), (vec![StoreCode::SnapshotBroken], 1), "{}", path.display());
            fs::remove_dir_all(stage.target()).unwrap();
            fs::write(&path, &bytes).unwrap();
        }
    }
    assert_eq!(stage.restore(), (vec![], 2));
}

fn with_manifest(change: impl Fn(String) -> String) -> (Vec<StoreCode>, u64) {
    let stage = Stage::new();
    let path = stage.newest().join("manifest.json");
    let before = fs::read_to_string(&path).unwrap();
    let after = change(before.clone());
    assert_ne!(before, after);
    fs::write(path, after).unwrap();
    stage.restore()
}

#[test]
fn a_manifest_that_says_something_else_is_refused() {
    let refused = |code| (vec![code], 1);
    let (broken, own) = (refused(StoreCode::SnapshotBroken), format!("\"stateFormat\": {STATE_FORMAT}"));
    assert_eq!(with_manifest(|_| String::new()), broken);
    assert_eq!(with_manifest(|text| text[..text.len() / 2].to_owned()), broken);
    assert_eq!(with_manifest(|text| text.replace("\"seq\": 2", "\"seq\": 3")), broken);
    assert_eq!(with_manifest(|text| text.replace("CURRENT", "../CURRENT")), broken);
    assert_eq!(with_manifest(|text| text.replace("\"files\"", "\"x\": 1, \"files\"")), broken);
    assert_eq!(
        with_manifest(|text| text.replace("\"format\": 1", "\"format\": 2")),
        refused(StoreCode::SnapshotFuture)
    );
    assert_eq!(
        with_manifest(|text| text.replace(&own, &format!("\"stateFormat\": {}, \"x\": 1", STATE_FORMAT + 1))),
        refused(StoreCode::SnapshotFuture)
    );
    assert_eq!(with_manifest(|text| text.replace("ledger-1", "ledger-2")), refused(StoreCode::SnapshotForeign));
    assert_eq!(
        with_manifest(|text| text.replace("\"partition\": 3", "\"partition\": 4")),
        refused(StoreCode::SnapshotForeign)
    );
}

#[test]
fn a_state_hash_unlike_the_rows_is_refused() {
    let change = |text: String| {
        let at = text.find("\"stateHash\": \"sha256:").unwrap() + "\"stateHash\": \"sha256:".len();
        let digit = if &text[at..=at] == "0" { "1" } else { "0" };
        format!("{}{digit}{}", &text[..at], &text[at + 1..])
    };
    assert_eq!(with_manifest(change), (vec![StoreCode::SnapshotBroken], 1));
}

#[test]
fn a_file_more_than_the_manifest_names_is_refused() {
    let stage = Stage::new();
    fs::write(stage.newest().join("db/000999.sst"), b"more").unwrap();
    assert_eq!(stage.restore(), (vec![StoreCode::SnapshotBroken], 1));
}

#[test]
fn with_no_usable_snapshot_nothing_is_restored_and_every_refusal_is_told() {
    let stage = Stage::new();
    for dir in stage.snapshots.list().unwrap() {
        fs::remove_file(dir.join("manifest.json")).unwrap();
    }
    let error = stage.snapshots.restore(&identity(), &stage.target(), &budget(), Care::Files).unwrap_err();
    assert_eq!(error.code, StoreCode::SnapshotAbsent);
    assert_eq!(error.detail.matches("snapshot-broken").count(), 2);
    assert!(!stage.target().exists());
    let other = StateIdentity { partition: 9, ..identity() };
    assert!(Stage::new().snapshots.restore(&other, &stage.target(), &budget(), Care::Files).is_err());
    assert!(!stage.target().exists());
}

#[test]
fn a_folder_with_something_in_it_is_never_restored_over() {
    let stage = Stage::new();
    fs::create_dir(stage.target()).unwrap();
    fs::write(stage.target().join("precious"), b"x").unwrap();
    let error = stage.snapshots.restore(&identity(), &stage.target(), &budget(), Care::Files).unwrap_err();
    assert_eq!(error.code, StoreCode::RestoreOccupied);
    assert_eq!(fs::read(stage.target().join("precious")).unwrap(), b"x");
    fs::remove_file(stage.target().join("precious")).unwrap();
    assert_eq!(stage.restore(), (vec![], 2), "an empty one is filled");
}

#[test]
fn what_a_crash_left_half_made_is_no_snapshot_and_is_cleared() {
    let stage = Stage::new();
    let half = stage.folder.path().join("snapshots/tmp");
    copy_folder(&stage.newest(), &half);
    let half_restored = stage.folder.path().join("restored.restoring");
    copy_folder(&stage.newest(), &half_restored);
    assert_eq!(stage.restore(), (vec![], 2));
    assert!(!half_restored.exists());
    stage.snapshots.take(&stage.state, true).unwrap();
    assert!(!half.exists());
}

/// The tables of a snapshot's database, by name.
fn tables(snapshot: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(snapshot.join("db")).unwrap().map(|entry| entry.unwrap().path());
    let mut tables: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|e| e == "sst")).collect();
    tables.sort();
    tables
}

#[test]
fn a_table_that_the_snapshot_before_has_measured_is_not_read_again() {
    let stage = Stage::new();
    let (before, earlier) = stage.snapshots.take(&stage.state, false).unwrap();
    let table = tables(&before).remove(0);
    let name = table.file_name().unwrap().to_str().unwrap().to_owned();
    // In place: the state's file, this snapshot's and the next one's are one. Who read it now would write down the damage.
    let mut bytes = fs::read(&table).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x40;
    fs::OpenOptions::new().write(true).open(&table).unwrap().write_all(&bytes).unwrap();
    let (_, later) = stage.snapshots.take(&stage.state, false).unwrap();
    let of = |manifest: &SnapshotManifest| manifest.files.iter().find(|file| file.name == name).cloned().unwrap();
    assert_eq!(of(&later), of(&earlier));
    let error = stage.snapshots.restore(&identity(), &stage.target(), &budget(), Care::Files).unwrap_err();
    assert!(error.detail.contains("not the bytes of its manifest"), "a restore still reads it: {error}");
}

#[test]
fn a_file_that_only_has_the_name_of_an_earlier_table_is_measured() {
    let stage = Stage::new();
    let (before, _) = stage.snapshots.take(&stage.state, false).unwrap();
    for table in tables(&before) {
        // As large, of this name, and another file.
        let bytes = fs::read(&table).unwrap();
        fs::remove_file(&table).unwrap();
        fs::write(&table, vec![0; bytes.len()]).unwrap();
    }
    let manifest = fs::read_to_string(before.join("manifest.json")).unwrap();
    let zeros = format!("sha256:{}", "0".repeat(64));
    let pieces: Vec<&str> = manifest.split("\"digest\": \"sha256:").collect();
    let rest = pieces[1..].iter().map(|piece| format!("\"digest\": \"{zeros}{}", &piece[64..]));
    fs::write(before.join("manifest.json"), format!("{}{}", pieces[0], rest.collect::<String>())).unwrap();
    let (after, _) = stage.snapshots.take(&stage.state, true).unwrap();
    let restored = stage.snapshots.restore(&identity(), &stage.target(), &budget(), Care::Files).unwrap();
    assert_eq!((restored.from, restored.refused), (after, vec![]));
}
