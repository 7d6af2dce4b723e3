//! The local log keeps the contract of the port, and keeps it when transactions run against each other.

use std::cell::RefCell;
use std::collections::BTreeMap;

use attestream::event::Topic;
use attestream::log::{Log, Outlet};
use attestream::rocks::LocalLog;
use tempfile::TempDir;

use super::budget;
use super::local::{OUTPUT, all, at, open, record, values};
use crate::port;

thread_local! {
    /// The folder of this thread's log; it goes with the thread, after the log.
    static FOLDER: RefCell<Option<TempDir>> = const { RefCell::new(None) };
}

fn fresh() -> Option<LocalLog> {
    let folder = tempfile::tempdir().unwrap();
    let log = LocalLog::open(folder.path(), port::COUNTS, &budget()).unwrap();
    FOLDER.set(Some(folder));
    Some(log)
}

crate::conformance!(fresh);

#[test]
fn writers_at_the_same_time_leave_whole_transactions_with_offsets_of_their_own() {
    const ROUNDS: usize = 20;
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let log = log.clone();
            scope.spawn(move || {
                let mut outlet = log.outlet(&format!("writer-{writer}")).unwrap();
                for round in 0..ROUNDS {
                    outlet.begin().unwrap();
                    for _ in 0..3 {
                        outlet.append(record(at(OUTPUT, 0), &format!("{writer}.{round:02}"))).unwrap();
                    }
                    outlet.append(record(at(Topic::Ledger, writer), "side")).unwrap();
                    outlet.commit().unwrap();
                }
            });
        }
    });
    drop(log);
    let log = open(folder.path());
    let offsets: Vec<u64> = all(&log, at(OUTPUT, 0)).iter().map(|record| record.offset).collect();
    assert_eq!(offsets, (0..offsets.len() as u64).collect::<Vec<_>>());
    let mut rounds: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for triple in values(&log, at(OUTPUT, 0)).chunks(3) {
        assert!(triple.iter().all(|value| *value == triple[0]), "a transaction is contiguous: {triple:?}");
        let (writer, round) = triple[0].split_once('.').unwrap();
        rounds.entry(writer.to_owned()).or_default().push(round.to_owned());
    }
    let expected: Vec<String> = (0..ROUNDS).map(|round| format!("{round:02}")).collect();
    assert!(rounds.len() == 4 && rounds.values().all(|rounds| *rounds == expected), "{rounds:?}");
    assert!((0..4).all(|writer| values(&log, at(Topic::Ledger, writer)).len() == ROUNDS));
}
