//! Folders of ours on a real disk: state, snapshots, the local log.

mod damage;
mod local;
mod port;
mod snapshot;
mod state;
mod torn;
mod values;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

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

/// Copies a folder as a crash would leave it. Where somebody has it open, whose threads write and remove files, it is copied
/// until it stood still meanwhile.
fn copy_folder(from: &Path, to: &Path) {
    for _ in 0..1_000 {
        let before = sizes(from);
        if copy_once(from, to).is_ok() && before.is_ok_and(|before| sizes(from).is_ok_and(|after| after == before)) {
            return;
        }
        fs::remove_dir_all(to).unwrap();
    }
    panic!("{} never stands still", from.display());
}

fn copy_once(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_once(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// The files of a folder, and how large they are.
fn sizes(folder: &Path) -> std::io::Result<BTreeMap<PathBuf, u64>> {
    let entries =
        fs::read_dir(folder)?.map(|entry| entry.and_then(|entry| Ok((entry.path(), entry.metadata()?.len()))));
    entries.collect()
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
