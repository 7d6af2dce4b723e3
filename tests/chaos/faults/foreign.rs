//! A folder that is not this partition's state.

use std::fs;
use std::path::Path;

use attestream::event::Digest;
use attestream::ledger::state::{Memo, State as _, StatePosition};
use attestream::rocks::{MemoryBudget, RocksState, StateIdentity};

use super::Struck;
use super::files::remove_asides;
use crate::chaos::scene::Scene;

/// Another ledger's, another partition's or another application's database where a state belongs: set aside, and never read
/// into anything.
pub fn folder(scene: &mut Scene<'_>) -> Struck {
    let name = scene.owner();
    let owned = scene.owned(name);
    scene.kill(name);
    let data = scene.orders(name).data;
    let mark = scene.mark(name);
    let mut what = format!("{name} owned nothing");
    if let Some(partition) = owned.first().copied() {
        let target = data.join("state").join(partition.to_string());
        let others = (0..4).filter(|other| *other != partition).map(|other| data.join("state").join(other.to_string()));
        let other = others.into_iter().find(|folder| folder.join("CURRENT").exists());
        if target.exists() {
            fs::remove_dir_all(&target).unwrap();
        }
        let whose = match (scene.random.below(3), other) {
            (0, Some(other)) => {
                copy(&other, &target);
                "another partition's"
            }
            (1, _) => {
                let db = rocksdb::DB::open_default(&target).unwrap();
                db.put(b"key", b"of somebody else").unwrap();
                "another application's"
            }
            _ => {
                another_ledgers(&target, partition);
                "another ledger's"
            }
        };
        what = format!("{whose} for partition {partition} of {name}");
    }
    scene.start(name);
    scene.caught_up();
    let met = scene.notes(name, mark).contains("store-foreign");
    remove_asides(&data);
    Struck { what: format!("{what}: {}", if met { "set aside" } else { "not met" }), met }
}

fn another_ledgers(target: &Path, partition: u32) {
    let identity = StateIdentity { ledger: "01OTHERLEDGER".to_owned(), partition };
    let mut state = RocksState::open(target, &identity, &MemoryBudget::new(8 << 20, 4 << 20)).unwrap().state;
    let last_digest = Digest::of(b"another record");
    let ledger = identity.ledger;
    let position = StatePosition { ledger, partition, seq: 7, next_offset: 9, last_offset: 8, last_digest };
    let rows = [(b"row".to_vec(), Some(b"value".to_vec()))].into();
    state.remember(Memo { rows, ..Memo::default() }, &position).unwrap();
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}
