//! The stored state against its in-memory twin, and folders that are not what they should be.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use attestream::event::Digest;
use attestream::ledger::state::{Memo, MemoryState, Recall, State};
use attestream::rocks::{RocksState, STATE_FORMAT, StateIdentity, StoreCode, set_aside};
use proptest::prelude::*;

use super::{budget, damage, identity, open, position, remember};

/// Short keys over few bytes, the ends of the range among them, so that prefixes and neighbours meet often.
fn key() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(vec![0u8, 1, b'a', b'b', 254, 255]), 0..4)
}

fn memo() -> impl Strategy<Value = Memo> {
    let value = prop::option::weighted(0.7, prop::collection::vec(any::<u8>(), 0..40));
    let blobs = prop::collection::vec(prop::collection::vec(any::<u8>(), 0..8), 0..2);
    (prop::collection::btree_map(key(), value, 0..8), blobs).prop_map(|(rows, blobs)| Memo {
        rows,
        blobs: blobs.into_iter().map(|blob| (Digest::of(&blob), blob)).collect(),
    })
}

#[derive(Debug, Clone)]
enum Act {
    Remember(Memo),
    Reopen,
    Get(Vec<Vec<u8>>),
    Scan { prefix: Vec<u8>, after: Option<Vec<u8>>, limit: usize },
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        5 => memo().prop_map(Act::Remember),
        1 => Just(Act::Reopen),
        2 => prop::collection::btree_set(key(), 0..12).prop_map(|keys| Act::Get(keys.into_iter().collect())),
        4 => (key(), prop::option::of(key()), 0..6usize)
            .prop_map(|(prefix, after, limit)| Act::Scan { prefix, after, limit }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_agrees_with_its_twin(acts in prop::collection::vec(act(), 1..40)) {
        let folder = tempfile::tempdir().unwrap();
        let mut twin = MemoryState::default();
        let mut state = open(folder.path());
        let mut digests = vec![Digest::of(b"never put")];
        for (seq, act) in (1u64..).zip(acts) {
            match act {
                Act::Remember(memo) => {
                    digests.extend(memo.blobs.keys());
                    twin.remember(memo.clone(), &position(seq)).unwrap();
                    state.remember(memo, &position(seq)).unwrap();
                }
                Act::Reopen => {
                    drop(state);
                    state = open(folder.path());
                }
                Act::Get(keys) => prop_assert_eq!(state.get_many(&keys).unwrap(), twin.get_many(&keys).unwrap()),
                Act::Scan { prefix, after, limit } => {
                    let after = after.as_deref();
                    let (found, expected) = (state.scan(&prefix, after, limit), twin.scan(&prefix, after, limit));
                    prop_assert_eq!(found.unwrap(), expected.unwrap());
                }
            }
            prop_assert_eq!(state.position().unwrap(), twin.position().unwrap());
            prop_assert_eq!(state.state_hash().unwrap(), twin.state_hash().unwrap());
        }
        for digest in digests {
            prop_assert_eq!(state.blob(digest).unwrap(), twin.blob(digest).unwrap());
        }
    }
}

#[test]
fn keys_out_of_order_are_found_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let mut state = open(folder.path());
    remember(&mut state, 1, 3);
    let keys = [b"row/1/2".to_vec(), b"row/1/0".to_vec(), b"row/1/9".to_vec()];
    let found: Vec<bool> = state.get_many(&keys).unwrap().iter().map(Option::is_some).collect();
    assert_eq!(found, [true, true, false]);
}

#[test]
fn a_view_sees_what_is_remembered_after_it_was_made() {
    let folder = tempfile::tempdir().unwrap();
    let mut state = open(folder.path());
    let view = state.view();
    assert!(view.scan(b"row/", None, 9).unwrap().is_empty());
    remember(&mut state, 1, 3);
    assert_eq!(view.scan(b"row/", None, 9).unwrap().len(), 3);
}

#[test]
fn a_position_of_another_partition_is_never_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut state = open(folder.path());
    for position in [
        attestream::ledger::state::StatePosition { partition: 4, ..position(1) },
        attestream::ledger::state::StatePosition { ledger: String::from("ledger-2"), ..position(1) },
    ] {
        let memo = Memo { rows: BTreeMap::from([(b"k".to_vec(), Some(b"v".to_vec()))]), ..Memo::default() };
        assert!(state.remember(memo, &position).is_err());
    }
    assert!(state.scan(b"", None, 9).unwrap().is_empty());
    assert_eq!(state.position().unwrap(), None);
}

#[test]
fn a_state_of_another_ledger_or_partition_is_set_aside_whole() {
    let others = [
        StateIdentity { ledger: String::from("ledger-2"), ..identity() },
        StateIdentity { partition: 4, ..identity() },
    ];
    for other in others {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("state");
        remember(&mut open(&dir), 1, 3);
        let opened = RocksState::open(&dir, &other, &budget()).unwrap();
        assert_eq!(opened.state.position().unwrap(), None);
        let (why, aside) = opened.set_aside.unwrap();
        assert_eq!(why.code, StoreCode::Foreign);
        assert_eq!(aside, folder.path().join("state.aside-1"));
        assert_eq!(open(&aside).position().unwrap(), Some(position(1)), "nothing of it is lost");
    }
}

fn rewrite_identity(dir: &Path, json: &[u8]) {
    let db = rocksdb::DB::open_cf(&rocksdb::Options::default(), dir, ["rows", "blobs", "meta"]).unwrap();
    db.put_cf(db.cf_handle("meta").unwrap(), "identity", json).unwrap();
}

#[test]
fn a_state_of_a_newer_format_is_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("state");
    remember(&mut open(&dir), 1, 3);
    let newer = format!(r#"{{"format":{},"whose":["another shape"]}}"#, STATE_FORMAT + 1);
    rewrite_identity(&dir, newer.as_bytes());
    let opened = RocksState::open(&dir, &identity(), &budget()).unwrap();
    assert_eq!(opened.set_aside.unwrap().0.code, StoreCode::Future);
}

#[test]
fn a_database_that_is_not_ours_is_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("state");
    rocksdb::DB::open_default(&dir).unwrap().put("their", "row").unwrap();
    let opened = RocksState::open(&dir, &identity(), &budget()).unwrap();
    let (why, aside) = opened.set_aside.unwrap();
    assert_eq!(why.code, StoreCode::Foreign);
    let options = rocksdb::Options::default();
    let families = rocksdb::DB::list_cf(&options, &aside).unwrap();
    let theirs = rocksdb::DB::open_cf(&options, &aside, families).unwrap();
    assert_eq!(theirs.get("their").unwrap().as_deref(), Some(&b"row"[..]));
}

#[test]
fn a_state_that_is_open_is_locked() {
    let folder = tempfile::tempdir().unwrap();
    let held = open(folder.path());
    let error = RocksState::open(folder.path(), &identity(), &budget()).err().unwrap();
    assert_eq!(error.code, StoreCode::Locked);
    drop(held);
    open(folder.path());
}

/// Runs itself as the other process: with the variable set it holds the state until its input ends.
#[test]
fn a_state_that_another_process_has_open_is_locked() {
    const HOLD: &str = "ATTESTREAM_TEST_HOLD_STATE";
    if let Some(dir) = std::env::var_os(HOLD) {
        let _held = open(Path::new(&dir));
        println!("\nheld");
        std::io::stdin().lines().for_each(drop);
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let name = "rocks::state::a_state_that_another_process_has_open_is_locked";
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(HOLD, folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "held"));
    let error = RocksState::open(folder.path(), &identity(), &budget()).err().unwrap();
    assert_eq!(error.code, StoreCode::Locked, "{error}");
    child.stdin.take().unwrap().flush().unwrap();
    lines.for_each(drop);
    assert!(child.wait().unwrap().success());
    open(folder.path());
}

/// A state whose rows are in a table file.
fn flushed(dir: &Path) {
    remember(&mut open(dir), 1, 300);
    // Opening again writes what the log has into a table.
    drop(open(dir));
    assert!(file(dir, |name| name.ends_with(".sst")).is_some());
}

fn file(dir: &Path, wanted: impl Fn(&str) -> bool) -> Option<std::path::PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    // The largest first: the one with the rows.
    paths.sort_by_key(|path| std::cmp::Reverse(fs::metadata(path).unwrap().len()));
    paths.into_iter().find(|path| wanted(path.file_name().unwrap().to_str().unwrap()))
}

type Harm = fn(&Path);

#[test]
fn a_damaged_state_is_an_error_and_stays_where_it_is() {
    let harms: [(&str, Harm); 5] = [
        ("no CURRENT", |dir| fs::remove_file(dir.join("CURRENT")).unwrap()),
        ("CURRENT names nothing", |dir| fs::write(dir.join("CURRENT"), "MANIFEST-999999\n").unwrap()),
        ("damaged manifest", |dir| damage(&file(dir, |name| name.starts_with("MANIFEST-")).unwrap())),
        ("no table", |dir| fs::remove_file(file(dir, |name| name.ends_with(".sst")).unwrap()).unwrap()),
        ("short table", |dir| fs::write(file(dir, |name| name.ends_with(".sst")).unwrap(), b"").unwrap()),
    ];
    for (what, harm) in harms {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("state");
        flushed(&dir);
        harm(&dir);
        let error = RocksState::open(&dir, &identity(), &budget()).err().unwrap_or_else(|| panic!("{what} was opened"));
        assert_eq!(error.code, StoreCode::Corrupt, "{what}: {error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "{what}: nothing happens by itself");
        set_aside(&dir).unwrap();
        assert_eq!(open(&dir).position().unwrap(), None);
    }
}

#[test]
fn a_damaged_row_is_an_error_and_never_another_row() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("state");
    flushed(&dir);
    let table = file(&dir, |name| name.ends_with(".sst")).unwrap();
    let mut bytes = fs::read(&table).unwrap();
    bytes[20] ^= 1;
    fs::write(&table, bytes).unwrap();
    let state = open(&dir);
    assert!(state.state_hash().is_err());
    assert!(state.scan(b"row/", None, 1000).is_err());
}
