//! Power fails while the local log writes: its write-ahead log is cut at every byte of the last batch.

use std::fs;
use std::path::{Path, PathBuf};

use attestream::log::{Log, Outlet};
use attestream::rocks::LocalLog;

use super::local::{INPUT, OUTPUT, at, open, record, values};
use super::{budget, copy_folder};

fn commit(log: &LocalLog, value: &str) {
    let mut outlet = log.outlet("t").unwrap();
    outlet.begin().unwrap();
    outlet.append(record(at(OUTPUT, 0), value)).unwrap();
    outlet.append(record(at(INPUT, 1), value)).unwrap();
    outlet.commit().unwrap();
}

/// The write-ahead log that is being written: the one with the highest number.
fn newest_wal(dir: &Path) -> PathBuf {
    let paths = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "log")).max().unwrap()
}

/// A folder with batches `one`, `two` and `three`, copied while it is open, and where the last batch lies in its log.
struct Torn {
    folder: tempfile::TempDir,
    wal: PathBuf,
    before: u64,
    after: u64,
}

impl Torn {
    fn new() -> Self {
        Torn::with_last("three")
    }

    fn with_last(last: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let live = folder.path().join("live");
        let log = open(&live);
        commit(&log, "one");
        commit(&log, "two");
        let wal = newest_wal(&live);
        let before = fs::metadata(&wal).unwrap().len();
        commit(&log, last);
        let after = fs::metadata(&wal).unwrap().len();
        copy_folder(&live, &folder.path().join("image"));
        let wal = PathBuf::from(wal.file_name().unwrap());
        Torn { folder, wal, before, after }
    }

    fn image(&self) -> Vec<u8> {
        fs::read(self.folder.path().join("image").join(&self.wal)).unwrap()
    }

    /// A fresh copy whose log was changed by `harm`.
    fn harmed(&self, harm: impl Fn(&mut Vec<u8>)) -> PathBuf {
        let dir = self.folder.path().join("harmed");
        if dir.exists() {
            fs::remove_dir_all(&dir).unwrap();
        }
        copy_folder(&self.folder.path().join("image"), &dir);
        let wal = dir.join(&self.wal);
        let mut bytes = fs::read(&wal).unwrap();
        harm(&mut bytes);
        fs::write(&wal, bytes).unwrap();
        dir
    }
}

fn read(log: &LocalLog) -> Vec<String> {
    let records = values(log, at(OUTPUT, 0));
    assert_eq!(records, values(log, at(INPUT, 1)), "all partitions of a batch, or none");
    records
}

/// What is there goes on being there when the log is written and opened again.
fn goes_on(dir: &Path, mut expected: Vec<&str>) {
    {
        let log = open(dir);
        assert_eq!(read(&log), expected);
        commit(&log, "next");
    }
    expected.push("next");
    assert_eq!(read(&open(dir)), expected);
}

#[test]
fn a_cut_at_any_byte_leaves_the_whole_last_batch_or_nothing_of_it() {
    let torn = Torn::new();
    assert!(torn.after > torn.before + 100);
    for cut in torn.before..=torn.after {
        let dir = torn.harmed(|bytes| bytes.truncate(usize::try_from(cut).unwrap()));
        let expected = if cut == torn.after { vec!["one", "two", "three"] } else { vec!["one", "two"] };
        if cut % 64 == 0 || cut == torn.after || cut == torn.before {
            goes_on(&dir, expected);
        } else {
            assert_eq!(read(&open(&dir)), expected, "cut at {cut} of {}..{}", torn.before, torn.after);
        }
    }
}

#[test]
fn damage_before_the_last_batch_is_an_error_and_never_a_shorter_log() {
    let torn = Torn::new();
    let end = usize::try_from(torn.before).unwrap();
    for at in (0..end).step_by(13).chain(end - 12..end) {
        let dir = torn.harmed(|bytes| bytes[at] ^= 1 << (at % 8));
        let error =
            LocalLog::open(&dir, &[], &budget()).err().unwrap_or_else(|| panic!("damage at {at} was read over"));
        assert!(error.to_string().contains("store-corrupt"), "{error}");
    }
}

#[test]
fn whatever_the_disk_wrote_of_the_last_batch_the_earlier_ones_are_there() {
    // Some file systems keep the length and lose the bytes: they read as zeros, or as what lay there before.
    let torn = Torn::new();
    let (before, after) = (usize::try_from(torn.before).unwrap(), usize::try_from(torn.after).unwrap());
    for from in (before..after).step_by(29) {
        let to = after.min(from + 40);
        for harm in [|byte: &mut u8| *byte = 0, |byte: &mut u8| *byte ^= 0x5a] {
            let tail = torn.harmed(|bytes| bytes[from..].iter_mut().for_each(harm));
            let log = open(&tail);
            // The last bytes of a batch may be zeros anyway.
            assert!(read(&log).starts_with(&["one".to_owned(), "two".to_owned()]), "{from}..");
            drop(log);
            let hole = torn.harmed(|bytes| bytes[from..to].iter_mut().for_each(harm));
            let mut expected = vec!["one", "two"];
            if fs::read(hole.join(&torn.wal)).unwrap() == torn.image() {
                expected.push("three");
            }
            goes_on(&hole, expected);
        }
    }
}

#[test]
fn a_large_last_batch_may_lose_any_page() {
    const PAGE: usize = 4096;
    let torn = Torn::with_last(&"x".repeat(20_000));
    let (before, after) = (usize::try_from(torn.before).unwrap(), usize::try_from(torn.after).unwrap());
    for page in (before / PAGE + 1)..(after / PAGE) {
        let dir = torn.harmed(|bytes| bytes[page * PAGE..(page + 1) * PAGE].fill(0));
        assert_eq!(read(&open(&dir)), ["one", "two"], "page {page}");
    }
    let whole = torn.harmed(|_| {});
    assert_eq!(read(&open(&whole)).len(), 3);
}
