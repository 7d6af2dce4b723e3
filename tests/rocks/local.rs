//! The local log over restarts.

use std::path::Path;
use std::time::Duration;

use attestream::event::Topic;
use attestream::log::{Gather, Gathered, Inlet, Log, LogError, Outgoing, Outlet, Partition, Range, Reader, Record};
use attestream::rocks::LocalLog;

use super::budget;

pub const INPUT: Topic = Topic::SbomSubmitted;
pub const OUTPUT: Topic = Topic::Verified;

pub fn open(dir: &Path) -> LocalLog {
    LocalLog::open(dir, &[], &budget()).unwrap()
}

pub fn at(topic: Topic, number: u32) -> Partition {
    Partition::of(topic, number)
}

pub fn record(partition: Partition, value: &str) -> Outgoing {
    let value = Some(value.as_bytes().to_vec());
    let headers = vec![(String::from("h"), None), (String::from("h"), Some(b"2".to_vec()))];
    Outgoing {
        topic: partition.topic,
        owner: None,
        partition: Some(partition.number),
        key: Some(b"k".to_vec()),
        value,
        headers,
    }
}

pub fn all(log: &LocalLog, partition: Partition) -> Vec<Record> {
    let mut reader = log.reader(&[(partition, 0)]).unwrap();
    let records = reader.read(usize::MAX, Duration::ZERO).unwrap();
    assert!(reader.at_end().unwrap());
    records
}

pub fn values(log: &LocalLog, partition: Partition) -> Vec<String> {
    all(log, partition).into_iter().map(|record| String::from_utf8(record.value.unwrap()).unwrap()).collect()
}

fn now() -> Gather {
    Gather { records: 100, bytes: 1 << 20, linger: Duration::ZERO, wait: Duration::ZERO }
}

#[test]
fn what_was_committed_is_there_after_a_restart_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    {
        let log = open(folder.path());
        let mut inlet = log.inlet("group", "a", &[INPUT], Box::new(|_, next| Ok(next.unwrap_or(0)))).unwrap();
        assert!(matches!(inlet.gather(now()).unwrap(), Gathered::Assigned(all) if all.len() == 4));
        let fence = inlet.fence().unwrap();
        let mut outlet = log.outlet("t").unwrap();
        outlet.begin().unwrap();
        outlet.append(record(at(OUTPUT, 0), "one")).unwrap();
        outlet.append(record(at(INPUT, 3), "two")).unwrap();
        outlet.offsets("group", &[(at(INPUT, 2), 7)], &fence).unwrap();
        outlet.commit().unwrap();
        outlet.begin().unwrap();
        outlet.append(record(at(OUTPUT, 0), "never committed")).unwrap();
    }
    let log = open(folder.path());
    assert_eq!(values(&log, at(OUTPUT, 0)), ["one"]);
    let stored = all(&log, at(INPUT, 3));
    let sent = record(at(INPUT, 3), "two");
    assert_eq!((&stored[0].key, &stored[0].headers), (&sent.key, &sent.headers));
    assert_eq!(log.committed("group", at(INPUT, 2)).unwrap(), Some(7));
    assert_eq!(log.committed("group", at(INPUT, 1)).unwrap(), None);
    assert_eq!(log.committed("grou", at(INPUT, 2)).unwrap(), None);
    assert_eq!(log.range(at(OUTPUT, 0)).unwrap(), Range { first: 0, end: 1 });
    let mut inlet = log.inlet("group", "a", &[INPUT], Box::new(|_, next| Ok(next.unwrap_or(0)))).unwrap();
    assert!(matches!(inlet.gather(now()), Err(LogError::OutOfRange { offset: 7, .. })) || inlet.fence().is_some());
}

#[test]
fn offsets_go_on_where_they_ended_and_reading_stops_at_a_limit() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..3 {
        let log = open(folder.path());
        let mut outlet = log.outlet("t").unwrap();
        outlet.begin().unwrap();
        for n in 0..4 {
            outlet.append(record(at(OUTPUT, 0), &format!("{round}.{n}"))).unwrap();
        }
        outlet.commit().unwrap();
    }
    let log = open(folder.path());
    let mut reader = log.reader(&[(at(OUTPUT, 0), 3)]).unwrap();
    let read = reader.read(5, Duration::ZERO).unwrap();
    assert_eq!(read.iter().map(|record| record.offset).collect::<Vec<_>>(), [3, 4, 5, 6, 7]);
    assert!(!reader.at_end().unwrap());
    assert_eq!(reader.read(100, Duration::ZERO).unwrap().len(), 4);
    assert!(reader.at_end().unwrap());
}

#[test]
fn partitions_are_neighbours_and_never_mixed() {
    let folder = tempfile::tempdir().unwrap();
    let log = LocalLog::open(folder.path(), &[(OUTPUT, 300)], &budget()).unwrap();
    let mut outlet = log.outlet("t").unwrap();
    outlet.begin().unwrap();
    for number in [0, 1, 255, 256, 299] {
        outlet.append(record(at(OUTPUT, number), &number.to_string())).unwrap();
    }
    outlet.commit().unwrap();
    for number in [0, 1, 255, 256, 299] {
        assert_eq!(values(&log, at(OUTPUT, number)), [number.to_string()]);
    }
    assert!(values(&log, at(OUTPUT, 2)).is_empty());
}

#[test]
fn partition_counts_are_those_of_the_creation() {
    let folder = tempfile::tempdir().unwrap();
    let log = LocalLog::open(folder.path(), &[(Topic::Ledger, 2)], &budget()).unwrap();
    let counts = [Topic::Ledger, INPUT, Topic::Control, Topic::Positions, OUTPUT].map(|t| log.partitions(t).unwrap());
    assert_eq!(counts, [2, 4, 1, 1, 1]);
    assert!(log.range(at(Topic::Ledger, 2)).is_err());
    drop(log);
    let error = LocalLog::open(folder.path(), &[(Topic::Ledger, 4)], &budget()).err().unwrap();
    assert!(matches!(error, LogError::Topic { .. }), "{error}");
    assert_eq!(open(folder.path()).partitions(Topic::Ledger).unwrap(), 2);
}

#[test]
fn a_log_that_is_open_is_locked() {
    let folder = tempfile::tempdir().unwrap();
    let _held = open(folder.path());
    let error = LocalLog::open(folder.path(), &[], &budget()).err().unwrap();
    assert!(error.to_string().contains("store-locked"), "{error}");
}

#[test]
fn a_log_of_a_newer_format_or_of_somebody_else_is_refused_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    {
        let db = rocksdb::DB::open_cf(&rocksdb::Options::default(), folder.path(), ["records", "offsets", "meta"]);
        let db = db.unwrap();
        db.put_cf(db.cf_handle("meta").unwrap(), "format", "2").unwrap();
    }
    let error = LocalLog::open(folder.path(), &[], &budget()).err().unwrap();
    assert!(error.to_string().contains("store-future-format"), "{error}");
    let folder = tempfile::tempdir().unwrap();
    rocksdb::DB::open_default(folder.path()).unwrap().put("their", "row").unwrap();
    let error = LocalLog::open(folder.path(), &[], &budget()).err().unwrap();
    assert!(error.to_string().contains("store-foreign"), "{error}");
}

#[test]
fn a_record_that_was_damaged_is_an_error_and_never_skipped() {
    let folder = tempfile::tempdir().unwrap();
    {
        let log = open(folder.path());
        let mut outlet = log.outlet("t").unwrap();
        outlet.begin().unwrap();
        for value in ["one", "two", "three"] {
            outlet.append(record(at(OUTPUT, 0), value)).unwrap();
        }
        outlet.commit().unwrap();
    }
    let key = [OUTPUT.name().as_bytes(), &[0], &0u32.to_be_bytes(), &1u64.to_be_bytes()].concat();
    let harm = |change: &dyn Fn(&rocksdb::DB, &rocksdb::ColumnFamily)| {
        let db = rocksdb::DB::open_cf(&rocksdb::Options::default(), folder.path(), ["records", "offsets", "meta"]);
        let db = db.unwrap();
        change(&db, db.cf_handle("records").unwrap());
    };
    let refused = || {
        let log = open(folder.path());
        let mut reader = log.reader(&[(at(OUTPUT, 0), 0)]).unwrap();
        let error = reader.read(10, Duration::ZERO).unwrap_err();
        assert!(error.to_string().contains("store-corrupt"), "{error}");
    };
    harm(&|db, records| db.put_cf(records, &key, b"\x01short").unwrap());
    refused();
    harm(&|db, records| db.delete_cf(records, &key).unwrap());
    refused();
}
