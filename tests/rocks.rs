//! Folders of ours on a real disk: state, snapshots, the local log.

mod damage;
mod local;
mod port;
mod snapshot;
mod state;
mod torn;
mod values;

use std::fs;
use std::path::Path;

use attestream::event::Digest;
use attestream::ledger::state::{Memo, State, StatePosition};
use attestream::rocks::{MemoryBudget, RocksState, StateIdentity};

fn budget() -> MemoryBudget {
    MemoryBudget::new(8 << 20, 4 << 20)
}

fn identity() -> StateIdentity {
    StateIdentity { ledger: String::from("ledger-1"), partition: 3 }
}

fn position(seq: u64) -> StatePosition {
    let StateIdentity { ledger, partition } = identity();
    let last_digest = Digest::of(&seq.to_be_bytes());
    StatePosition { ledger, partition, seq, next_offset: seq * 2 + 1, last_offset: seq * 2, last_digest }
}

fn open(dir: &Path) -> RocksState {
    let opened = RocksState::open(dir, &identity(), &budget()).unwrap();
    assert!(opened.set_aside.is_none());
    opened.state
}

/// Remembers `count` rows named for `seq`.
fn remember(state: &mut RocksState, seq: u64, count: u32) {
    let rows = (0..count).map(|n| (format!("row/{seq}/{n}").into_bytes(), Some(n.to_be_bytes().repeat(20))));
    let blob = format!("blob {seq}").into_bytes();
    let memo = Memo { rows: rows.collect(), blobs: [(Digest::of(&blob), blob)].into() };
    state.remember(memo, &position(seq)).unwrap();
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Changes one byte in the middle of a file, or gives it one.
fn damage(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    match bytes.get_mut(middle) {
        Some(byte) => *byte ^= 0x40,
        None => bytes.push(0),
    }
    fs::write(path, bytes).unwrap();
}
