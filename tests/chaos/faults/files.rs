//! Files of a stopped instance's state that are not what RocksDB wrote.

use std::fs;
use std::path::{Path, PathBuf};

use super::Struck;
use crate::chaos::scene::{Random, Scene};

const CLASSES: [&str; 5] = ["SST", "BLOB", "MANIFEST", "CURRENT", "WAL"];

fn class_of(name: &str) -> Option<&'static str> {
    let classes: [(&str, bool); 5] = [
        ("SST", name.ends_with(".sst")),
        ("BLOB", name.ends_with(".blob")),
        ("MANIFEST", name.starts_with("MANIFEST-")),
        ("CURRENT", name == "CURRENT"),
        ("WAL", name.ends_with(".log")),
    ];
    classes.into_iter().find(|(_, is)| *is).map(|(class, _)| class)
}

fn files_of(folder: &Path, class: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries
        .filter(|entry| class_of(&entry.file_name().to_string_lossy()) == Some(class))
        .filter(|entry| entry.metadata().is_ok_and(|metadata| metadata.len() > 0))
        .map(|e| e.path())
        .collect();
    files.sort();
    files
}

/// kill -9, then one file is changed, cut, overwritten, emptied or removed. The state is set aside and built again, from
/// a snapshot and the ledger; where the change lost nothing but a tail, the ledger has it.
pub fn damaged(scene: &mut Scene<'_>) -> Struck {
    let name = scene.owner();
    let owned = scene.owned(name);
    scene.kill(name);
    let data = scene.orders(name).data;
    let of = |partition: &u32| data.join("state").join(partition.to_string());
    let candidates: Vec<u32> = owned.into_iter().filter(|partition| of(partition).join("CURRENT").exists()).collect();
    let mark = scene.mark(name);
    let met = !candidates.is_empty();
    let mut what = format!("{name} owned nothing");
    if !candidates.is_empty() {
        let partition = scene.random.pick(&candidates);
        let folder = of(&partition);
        let classes: Vec<&str> = CLASSES.into_iter().filter(|class| !files_of(&folder, class).is_empty()).collect();
        let class = scene.random.pick(&classes);
        let file = scene.random.pick(&files_of(&folder, class));
        let harm = harm(&mut scene.random, &file);
        scene.site.damaged.insert((name.to_owned(), partition));
        what = format!("{class} of partition {partition} of {name} {harm}");
    }
    scene.start(name);
    scene.caught_up();
    let notes = scene.notes(name, mark);
    let outcome = match (notes.contains("could not be used"), notes.contains("was restored from")) {
        (true, true) => "restored from a snapshot",
        (true, false) => "folded anew",
        (false, _) => "not noticed, or a tail",
    };
    remove_asides(&data);
    Struck { what: format!("{what}: {outcome}"), met }
}

fn harm(random: &mut Random, file: &Path) -> String {
    let mut bytes = fs::read(file).unwrap();
    // In place, as a disk does it: what shares the file, a snapshot, has the same bytes.
    let len = u64::try_from(bytes.len()).unwrap();
    let at = usize::try_from(random.below(len)).unwrap();
    let said = match random.below(5) {
        0 if !bytes.is_empty() => {
            bytes[at] ^= 1 << random.below(8);
            format!("has a bit changed at {at} of {len}")
        }
        1 if !bytes.is_empty() => {
            let end = bytes.len().min(at + 512);
            bytes[at..end].fill(0);
            format!("has a hole at {at} of {len}")
        }
        2 => {
            bytes.truncate(at);
            format!("is cut at {at} of {len}")
        }
        3 => {
            bytes.clear();
            format!("is empty, not {len}")
        }
        _ => {
            fs::remove_file(file).unwrap();
            return "is gone".to_owned();
        }
    };
    fs::write(file, bytes).unwrap();
    said
}

/// As the person does who has read why they lie there.
pub fn remove_asides(data: &Path) {
    for entry in fs::read_dir(data.join("state")).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().contains(".aside-") {
            fs::remove_dir_all(entry.path()).unwrap();
        }
    }
}
