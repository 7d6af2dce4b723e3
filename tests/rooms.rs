//! What a reviewer would say of the shape of `src/`: who imports whom, how large files are, and how they are called.
//!
//! The table of rooms is read from `ARCHITECTURE.md`, so the page and the code cannot part.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const LINES_MAX: usize = 500;
const MOD_LINES_MAX: usize = 80;
/// Names that say nothing about what is inside.
const VAGUE: [&str; 8] = ["util", "utils", "common", "helper", "helpers", "manager", "misc", "shared"];
/// Macros that stand at the crate's root, and the room that they belong to.
const MACROS: [(&str, &str); 1] = [("codes", "event")];

/// One row of the table.
struct Room {
    to_come: bool,
    may_import: BTreeSet<String>,
    /// `everything`.
    all: bool,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The rows of the table whose head is `| room | what it is | may import |`.
fn table(page: &str) -> BTreeMap<String, Room> {
    let head = page.lines().position(|line| line == "| room | what it is | may import |").expect("the table of rooms");
    let rows = page.lines().skip(head + 2).take_while(|line| line.starts_with('|'));
    rows.map(row).collect()
}

fn row(line: &str) -> (String, Room) {
    let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
    let [name, what, imports] = cells[..] else { panic!("a row has three cells: {line}") };
    let name = name.trim_matches('`').trim_end_matches('/').to_owned();
    let all = imports == "everything";
    let named = imports.split(", ").filter(|_| !all && imports != "–").map(str::to_owned).collect();
    (name, Room { to_come: what.starts_with("*to come*"), may_import: named, all })
}

/// What a room may import: what its row lists, and through it what those rows list. Fails on a cycle.
fn reach(table: &BTreeMap<String, Room>, room: &str, path: &mut Vec<String>) -> BTreeSet<String> {
    assert!(!path.iter().any(|before| before == room), "a cycle: {path:?} and {room} again");
    let row = table.get(room).unwrap_or_else(|| panic!("{path:?} imports {room}, which has no row"));
    if row.all {
        return table.keys().cloned().collect();
    }
    path.push(room.to_owned());
    let mut reached = row.may_import.clone();
    for next in &row.may_import {
        reached.extend(reach(table, next, path));
    }
    path.pop();
    reached
}

/// Source files below `folder`, sorted.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// `src/ledger/fold.rs` is of `ledger`; `src/main.rs` of `main.rs`.
fn room_of(file: &Path) -> String {
    let inside = file.strip_prefix(root().join("src")).unwrap();
    inside.components().next().unwrap().as_os_str().to_str().unwrap().to_owned()
}

/// What a file takes from the crate's root: the first names after `crate::` and `attestream::`, groups included.
fn imports(text: &str) -> BTreeSet<String> {
    let code: String =
        text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n");
    let starts = code.match_indices("crate::").chain(code.match_indices("attestream::"));
    starts.flat_map(|(at, start)| first_names(&code[at + start.len()..])).collect()
}

fn first_names(rest: &str) -> Vec<String> {
    let name = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let Some(group) = rest.strip_prefix('{') else { return vec![name(rest)] };
    let (mut depth, mut names, mut at_start) = (1, Vec::new(), true);
    for (index, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => at_start = true,
            c if at_start && !c.is_whitespace() => {
                names.push(name(&group[index..]));
                at_start = false;
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    names
}

/// How many `super::` in a row leave the room: a file directly in a room is one module deep, `mod.rs` counts as its folder.
fn leaves_by_super(file: &Path, text: &str) -> bool {
    let inside = file.strip_prefix(root().join("src")).unwrap();
    let folders = inside.components().count() - 1;
    let depth = if file.ends_with("mod.rs") { folders } else { folders + 1 };
    // A module within the file (its tests) is one deeper.
    let inline = usize::from(text.contains("\nmod tests {"));
    text.contains(&"super::".repeat(depth + inline))
}

fn architecture() -> BTreeMap<String, Room> {
    table(&std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap())
}

#[test]
fn the_table_has_no_cycle_and_inner_rooms_import_nothing() {
    let table = architecture();
    for room in table.keys() {
        reach(&table, room, &mut Vec::new());
    }
    assert!(table["event"].may_import.is_empty());
}

#[test]
fn every_room_has_a_row_and_every_row_a_room() {
    let src = std::fs::read_dir(root().join("src")).unwrap().map(|entry| entry.unwrap());
    let name = |entry: std::fs::DirEntry| entry.file_name().to_str().unwrap().to_owned();
    let found: BTreeSet<String> = src.map(name).filter(|name| name != "lib.rs").collect();
    let table = architecture();
    let stated: BTreeSet<String> =
        table.iter().filter(|(_, room)| !room.to_come).map(|(name, _)| name.clone()).collect();
    assert_eq!(found, stated, "the rooms of src/ and the rows of ARCHITECTURE.md that are not *to come*");
}

#[test]
fn a_room_imports_what_its_row_lists_and_nothing_else() {
    let table = architecture();
    let mut wrong = Vec::new();
    for file in sources(&root().join("src")) {
        let room = room_of(&file);
        if room == "lib.rs" {
            continue;
        }
        let may = reach(&table, &room, &mut Vec::new());
        let text = std::fs::read_to_string(&file).unwrap();
        for name in imports(&text) {
            let owner = MACROS.iter().find(|(of, _)| *of == name).map_or(name.as_str(), |(_, owner)| owner);
            if owner != room && !may.contains(owner) {
                wrong.push(format!("{}: {owner}", file.strip_prefix(root()).unwrap().display()));
            }
        }
        if leaves_by_super(&file, &text) {
            wrong.push(format!("{}: leaves its room by super::", file.strip_prefix(root()).unwrap().display()));
        }
    }
    assert!(wrong.is_empty(), "not in the table of ARCHITECTURE.md:\n{}", wrong.join("\n"));
}

#[test]
fn files_are_small_and_named_for_what_is_in_them() {
    let mut wrong = Vec::new();
    for file in sources(&root().join("src")).into_iter().chain(sources(&root().join("tests"))) {
        let text = std::fs::read_to_string(&file).unwrap();
        let lines = text.lines().count();
        let most = if file.ends_with("src/lib.rs") { MOD_LINES_MAX } else { LINES_MAX };
        let inside = file.strip_prefix(root()).unwrap();
        if lines > most {
            wrong.push(format!("{} has {lines} lines, at most {most}", inside.display()));
        }
        let names = inside.components().filter_map(|part| part.as_os_str().to_str());
        if names.map(|name| name.trim_end_matches(".rs")).any(|name| VAGUE.contains(&name)) {
            wrong.push(format!("{} is not named for what is in it", inside.display()));
        }
        if inside.starts_with("src") && file.ends_with("mod.rs") && does_more_than_list(&text) {
            wrong.push(format!("{} does more than list", inside.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A `mod.rs` says what the room is, lists its modules and re-exports.
fn does_more_than_list(text: &str) -> bool {
    let items = ["fn ", "struct ", "enum ", "impl ", "impl<", "trait ", "static ", "macro_rules!"];
    let code = |line: &str| line.trim_start_matches("pub ").trim_start_matches("pub(crate) ").to_owned();
    text.lines().map(code).any(|line| items.iter().any(|item| line.starts_with(item)))
}

/// The parser itself: a test of imports that reads none would pass for ever.
#[test]
fn imports_are_found_wherever_they_stand() {
    let names = |text: &str| imports(text).into_iter().collect::<Vec<_>>().join(" ");
    assert_eq!(names("use crate::event::Digest;"), "event");
    assert_eq!(names("use crate::{event::Digest, log::{Log, Record}, verdict};"), "event log verdict");
    assert_eq!(names("fn f() -> crate::rocks::State { attestream::kafka::x() }"), "kafka rocks");
    assert_eq!(names("/// [`crate::gateway`]\n// crate::gateway\nuse std::fmt;"), "");
    assert!(imports(&std::fs::read_to_string(root().join("src/ledger/fold.rs")).unwrap()).contains("verdict"));
    assert!(!sources(&root().join("src")).is_empty());
    let file = root().join("src/ledger/fold.rs");
    assert!(leaves_by_super(&file, "use super::super::kafka;") && !leaves_by_super(&file, "use super::keys;"));
}

#[test]
fn a_table_with_a_cycle_is_refused() {
    let head = "| room | what it is | may import |\n|---|---|---|\n";
    let table = table(&format!("{head}| `a/` | one | b |\n| `b/` | two | c |\n| `c/` | three | a |\n"));
    let reached = std::panic::catch_unwind(|| reach(&table, "a", &mut Vec::new()));
    assert!(reached.is_err());
}
