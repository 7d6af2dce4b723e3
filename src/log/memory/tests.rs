use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::event::{Millis, Topic};
use crate::log::embedded::{Effect, EmbeddedInlet, EmbeddedOutlet, Verb};
use crate::log::{Gather, Gathered, Inlet, Log, LogError, Outgoing, Outlet, Partition, Range, Reader, Record};

const INPUT: Topic = Topic::SbomSubmitted;
const OUTPUT: Topic = Topic::Verified;

fn log() -> MemoryLog {
    MemoryLog::new(&[(INPUT, 4), (OUTPUT, 2)])
}

fn at(topic: Topic, number: u32) -> Partition {
    Partition::of(topic, number)
}

fn record(topic: Topic, partition: u32, value: &str) -> Outgoing {
    let value = Some(value.as_bytes().to_vec());
    Outgoing { topic, owner: None, partition: Some(partition), key: None, value, headers: Vec::new() }
}

fn join(log: &MemoryLog, member: &str) -> EmbeddedInlet<MemoryStore> {
    log.inlet("group", member, &[INPUT], Box::new(|_, committed| Ok(committed.unwrap_or(0)))).unwrap()
}

fn now() -> Gather {
    Gather { records: 100, bytes: 1 << 20, linger: Duration::ZERO, wait: Duration::ZERO }
}

fn assigned(inlet: &mut EmbeddedInlet<MemoryStore>) -> Vec<u32> {
    match inlet.gather(now()).unwrap() {
        Gathered::Assigned(assigned) => assigned.iter().map(|one| one.partition.number).collect(),
        other => panic!("{other:?}"),
    }
}

fn records(inlet: &mut EmbeddedInlet<MemoryStore>) -> Vec<Record> {
    match inlet.gather(now()).unwrap() {
        Gathered::Records(records) => records,
        other => panic!("{other:?}"),
    }
}

fn values(records: &[Record]) -> Vec<String> {
    records.iter().map(|record| String::from_utf8(record.value.clone().unwrap()).unwrap()).collect()
}

fn all(log: &MemoryLog, partition: Partition) -> Vec<Record> {
    let mut reader = log.reader(&[(partition, log.range(partition).unwrap().first)]).unwrap();
    let records = reader.read(usize::MAX, Duration::ZERO).unwrap();
    assert!(reader.at_end().unwrap());
    records
}

fn revoked(inlet: &mut EmbeddedInlet<MemoryStore>) -> bool {
    match inlet.gather(now()).unwrap() {
        Gathered::Revoked { lost } => lost,
        other => panic!("{other:?}"),
    }
}

fn begun(log: &MemoryLog, id: &str) -> EmbeddedOutlet<MemoryStore> {
    let mut outlet = log.outlet(id).unwrap();
    outlet.begin().unwrap();
    outlet
}

#[test]
fn records_and_offsets_become_visible_together_and_not_before() {
    let log = log();
    let mut inlet = join(&log, "a");
    assert_eq!(assigned(&mut inlet), [0, 1, 2, 3]);
    let fence = inlet.fence().unwrap();
    let mut outlet = begun(&log, "t");
    outlet.append(record(OUTPUT, 0, "one")).unwrap();
    outlet.append(record(OUTPUT, 1, "two")).unwrap();
    outlet.offsets("group", &[(at(INPUT, 2), 7)], &fence).unwrap();
    assert!(all(&log, at(OUTPUT, 0)).is_empty());
    assert_eq!(log.committed("group", at(INPUT, 2)).unwrap(), None);
    outlet.commit().unwrap();
    assert_eq!(values(&all(&log, at(OUTPUT, 0))), ["one"]);
    assert_eq!(values(&all(&log, at(OUTPUT, 1))), ["two"]);
    assert_eq!(inlet.committed(&[at(INPUT, 1), at(INPUT, 2)]).unwrap(), [None, Some(7)]);
}

#[test]
fn what_was_aborted_or_dropped_is_never_seen_and_leaves_gaps() {
    let log = log();
    let mut outlet = begun(&log, "t");
    outlet.append(record(OUTPUT, 0, "aborted")).unwrap();
    outlet.abort().unwrap();
    outlet.begin().unwrap();
    outlet.append(record(OUTPUT, 0, "dropped")).unwrap();
    drop(outlet);
    let mut outlet = begun(&log, "t");
    outlet.append(record(OUTPUT, 0, "kept")).unwrap();
    outlet.commit().unwrap();
    let records = all(&log, at(OUTPUT, 0));
    assert_eq!(values(&records), ["kept"]);
    assert_eq!(records[0].offset, 4, "two aborted records and two markers come before");
    assert_eq!(log.range(at(OUTPUT, 0)).unwrap(), Range { first: 0, end: 6 });
}

#[test]
fn dense_offsets_are_dense() {
    let log = log().with_dense_offsets();
    for value in ["one", "two"] {
        let mut outlet = begun(&log, "t");
        outlet.append(record(OUTPUT, 0, value)).unwrap();
        outlet.commit().unwrap();
    }
    assert_eq!(all(&log, at(OUTPUT, 0)).iter().map(|record| record.offset).collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn a_second_outlet_of_an_id_fences_the_first() {
    let log = log();
    let mut old = begun(&log, "t");
    old.append(record(OUTPUT, 0, "zombie")).unwrap();
    let _new = log.outlet("t").unwrap();
    let mut other = begun(&log, "u");
    assert!(matches!(old.append(record(OUTPUT, 0, "zombie")), Err(LogError::Fenced(_))));
    assert!(old.commit().is_err());
    other.append(record(OUTPUT, 0, "other")).unwrap();
    other.commit().unwrap();
    drop(old);
    assert_eq!(values(&all(&log, at(OUTPUT, 0))), ["other"]);
}

#[test]
fn a_fenced_commit_writes_nothing() {
    let log = log();
    let mut old = begun(&log, "t");
    old.append(record(OUTPUT, 0, "zombie")).unwrap();
    let _new = log.outlet("t").unwrap();
    assert!(matches!(old.commit(), Err(LogError::Fenced(_))));
    assert!(all(&log, at(OUTPUT, 0)).is_empty());
}

#[test]
fn a_member_that_joins_makes_everyone_give_up_and_start_again() {
    let log = log();
    let mut a = join(&log, "a");
    assert_eq!(assigned(&mut a), [0, 1, 2, 3]);
    let old = a.fence().unwrap();
    let mut b = join(&log, "b");
    assert!(records(&mut b).is_empty(), "waits until the first gives up");
    assert!(!a.keep_alive().unwrap());
    // What is in flight before the revocation still commits.
    let mut outlet = begun(&log, "a");
    outlet.offsets("group", &[(at(INPUT, 3), 1)], &old).unwrap();
    outlet.commit().unwrap();
    assert!(!revoked(&mut a));
    assert!(a.fence().is_none());
    assert_eq!(assigned(&mut a), [0, 1]);
    match b.gather(now()).unwrap() {
        Gathered::Assigned(b) => {
            assert_eq!(
                b.iter().map(|one| (one.partition.number, one.committed, one.start)).collect::<Vec<_>>(),
                [(2, None, 0), (3, Some(1), 1)]
            );
        }
        other => panic!("{other:?}"),
    }
    let mut outlet = begun(&log, "a");
    assert!(matches!(outlet.offsets("group", &[(at(INPUT, 0), 1)], &old), Err(LogError::Fenced(_))));
    drop(b);
    assert!(!revoked(&mut a));
    assert_eq!(assigned(&mut a), [0, 1, 2, 3]);
}

#[test]
fn a_commit_under_an_assignment_that_ended_after_its_offsets_were_sent_is_refused() {
    let log = log();
    let mut a = join(&log, "a");
    assigned(&mut a);
    let mut outlet = begun(&log, "a");
    outlet.append(record(OUTPUT, 0, "late")).unwrap();
    outlet.offsets("group", &[(at(INPUT, 0), 1)], &a.fence().unwrap()).unwrap();
    log.evict("group", "a");
    assert!(matches!(outlet.commit(), Err(LogError::Fenced(_))));
    assert!(all(&log, at(OUTPUT, 0)).is_empty());
    assert!(a.fence().is_none(), "lost before it is told");
    assert!(revoked(&mut a), "told as lost");
    assert_eq!(assigned(&mut a), [0, 1, 2, 3], "and comes back by itself");
}

#[test]
fn offsets_need_a_fence_of_their_group_and_owner_and_are_never_empty() {
    let log = log();
    let (mut a, mut b) = (join(&log, "a"), join(&log, "b"));
    assert_eq!((assigned(&mut a), assigned(&mut b)), (vec![0, 1], vec![2, 3]));
    let fence = a.fence().unwrap();
    let refused = |group: &str, next: &[(Partition, u64)]| {
        let mut outlet = begun(&log, "t");
        outlet.offsets(group, next, &fence).unwrap_err()
    };
    assert!(matches!(refused("other", &[(at(INPUT, 0), 1)]), LogError::Fenced(_)));
    assert!(matches!(refused("group", &[(at(INPUT, 2), 1)]), LogError::Fenced(_)));
    assert!(matches!(refused("group", &[]), LogError::Transaction(_)));
}

#[test]
fn a_name_that_comes_back_has_its_partitions_at_once_and_the_former_holder_nothing() {
    let log = log();
    let (mut a, mut b) = (join(&log, "a"), join(&log, "b"));
    assert_eq!((assigned(&mut a), assigned(&mut b)), (vec![0, 1], vec![2, 3]));
    let (of_a, of_b) = (a.fence().unwrap(), b.fence().unwrap());
    let mut again = join(&log, "a");
    assert_eq!(assigned(&mut again), [0, 1]);
    assert!(records(&mut b).is_empty(), "the other is not disturbed");
    assert_eq!(b.fence(), Some(of_b));
    let mut outlet = begun(&log, "t");
    assert!(matches!(outlet.offsets("group", &[(at(INPUT, 0), 1)], &of_a), Err(LogError::Fenced(_))));
    assert!(revoked(&mut a));
    assert!(matches!(a.gather(now()), Err(LogError::Fenced(_))), "it never fights for the name");
    drop(a);
    assert!(again.fence().is_some(), "and its leaving takes nothing away");
}

#[test]
fn one_gather_is_bounded_and_the_next_serves_the_other_partitions_first() {
    let log = log();
    let mut inlet = join(&log, "a");
    assigned(&mut inlet);
    for value in ["1", "2", "3"] {
        log.produce(record(INPUT, 0, value), Millis(5)).unwrap();
        log.produce(record(INPUT, 1, value), Millis(5)).unwrap();
    }
    let two = Gather { records: 2, ..now() };
    let mut gather = |limits| match inlet.gather(limits).unwrap() {
        Gathered::Records(records) => records.iter().map(|r| (r.partition.number, r.offset)).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(gather(two), [(0, 0), (0, 1)]);
    assert_eq!(gather(two), [(1, 0), (1, 1)]);
    assert_eq!(gather(Gather { bytes: 1, ..now() }), [(0, 2)]);
    assert_eq!(gather(now()), [(1, 2)]);
}

#[test]
fn a_paused_partition_is_silent_and_a_seek_reads_again() {
    let log = log();
    let mut inlet = join(&log, "a");
    assigned(&mut inlet);
    log.produce(record(INPUT, 0, "zero"), Millis(5)).unwrap();
    log.produce(record(INPUT, 1, "one"), Millis(5)).unwrap();
    inlet.pause(at(INPUT, 0)).unwrap();
    assert_eq!(values(&records(&mut inlet)), ["one"]);
    inlet.seek(at(INPUT, 1), 0).unwrap();
    assert_eq!(values(&records(&mut inlet)), ["one"]);
    assert!(inlet.seek(at(OUTPUT, 0), 0).is_err());
}

#[test]
fn what_retention_took_is_out_of_range() {
    let log = log();
    let mut inlet = join(&log, "a");
    assigned(&mut inlet);
    for value in ["1", "2", "3"] {
        log.produce(record(INPUT, 0, value), Millis(5)).unwrap();
    }
    log.truncate(at(INPUT, 0), 2);
    assert!(matches!(inlet.gather(now()), Err(LogError::OutOfRange { offset: 0, first: 2, end: 3, .. })));
    assert!(log.reader(&[(at(INPUT, 0), 1)]).is_err());
    assert!(log.reader(&[(at(INPUT, 0), 4)]).is_err());
    assert_eq!(values(&all(&log, at(INPUT, 0))), ["3"]);
}

#[test]
fn the_control_topic_has_the_time_of_the_append() {
    let log = log().with_clock(Arc::new(|| Millis(10)));
    let mut outlet = begun(&log, "t");
    outlet.append(record(Topic::Control, 0, "tick")).unwrap();
    outlet.append(record(OUTPUT, 0, "output")).unwrap();
    let log = log.with_clock(Arc::new(|| Millis(20)));
    outlet.commit().unwrap();
    assert_eq!(all(&log, at(Topic::Control, 0))[0].timestamp, Millis(20));
    assert_eq!(all(&log, at(OUTPUT, 0))[0].timestamp, Millis(10));
}

#[test]
fn the_end_is_reached_past_markers_and_never_before_the_last_record() {
    let log = log();
    let mut outlet = begun(&log, "t");
    for value in ["one", "two"] {
        outlet.append(record(OUTPUT, 0, value)).unwrap();
    }
    outlet.commit().unwrap();
    let mut reader = log.reader(&[(at(OUTPUT, 0), 0), (at(OUTPUT, 1), 0)]).unwrap();
    assert_eq!(reader.read(1, Duration::ZERO).unwrap().len(), 1);
    assert!(!reader.at_end().unwrap());
    assert_eq!(reader.read(1, Duration::ZERO).unwrap().len(), 1);
    assert!(reader.at_end().unwrap());
    outlet.begin().unwrap();
    outlet.append(record(OUTPUT, 1, "aborted")).unwrap();
    outlet.abort().unwrap();
    assert!(reader.at_end().unwrap(), "an aborted record is nothing to wait for");
}

#[test]
fn a_waiting_member_is_woken_by_a_commit() {
    let log = log();
    let mut inlet = join(&log, "a");
    assigned(&mut inlet);
    let patient = Gather { records: 1, wait: Duration::from_secs(600), ..now() };
    let writer = std::thread::spawn({
        let log = log.clone();
        move || {
            let mut outlet = begun(&log, "t");
            outlet.append(record(INPUT, 0, "news")).unwrap();
            outlet.commit().unwrap();
        }
    });
    assert!(matches!(inlet.gather(patient).unwrap(), Gathered::Records(records) if values(&records) == ["news"]));
    writer.join().unwrap();
}

#[test]
fn a_record_that_no_log_would_take_is_refused() {
    let log = log();
    let mut outlet = begun(&log, "t");
    let large = "x".repeat(crate::event::limits::MESSAGE_MAX + 1);
    assert!(matches!(outlet.append(record(OUTPUT, 0, &large)), Err(LogError::Record(_))));
    let mut outlet = begun(&log, "t");
    assert!(matches!(outlet.append(record(OUTPUT, 2, "x")), Err(LogError::Topic { .. })));
    let mut outlet = log.outlet("t").unwrap();
    assert!(outlet.append(record(OUTPUT, 0, "x")).is_err(), "no transaction is open");
}

#[test]
fn the_plan_fails_the_nth_commit_before_or_after_it_happened() {
    for (effect, seen) in [(Effect::Before, 1), (Effect::After, 2)] {
        let log = log();
        log.fail(Some(FaultPlan::new([Fault { verb: Verb::Commit, nth: 2, effect }])));
        let mut outlet = begun(&log, "t");
        outlet.append(record(OUTPUT, 0, "one")).unwrap();
        outlet.commit().unwrap();
        outlet.begin().unwrap();
        outlet.append(record(OUTPUT, 0, "two")).unwrap();
        assert!(matches!(outlet.commit(), Err(LogError::Transaction(_))));
        assert!(outlet.begin().is_err(), "the outlet is of no use any more");
        assert_eq!(all(&log, at(OUTPUT, 0)).len(), seen);
        assert_eq!(log.fail(None).unwrap().calls(Verb::Commit), 2);
    }
}

#[test]
fn the_plan_takes_an_assignment_away_while_it_commits() {
    let log = log();
    let mut inlet = join(&log, "a");
    assigned(&mut inlet);
    log.fail(Some(FaultPlan::new([Fault { verb: Verb::Commit, nth: 1, effect: Effect::Lose }])));
    let mut outlet = begun(&log, "t");
    outlet.append(record(OUTPUT, 0, "one")).unwrap();
    outlet.offsets("group", &[(at(INPUT, 0), 1)], &inlet.fence().unwrap()).unwrap();
    assert!(matches!(outlet.commit(), Err(LogError::Fenced(_))));
    assert!(all(&log, at(OUTPUT, 0)).is_empty());
    assert!(revoked(&mut inlet));
}

#[test]
fn a_start_that_fails_is_asked_again() {
    let log = log();
    let mut failures = 1;
    let start = Box::new(move |_, _| {
        failures -= 1;
        if failures == 0 { Err(LogError::Unreachable(String::from("not yet"))) } else { Ok(0) }
    });
    let mut inlet = log.inlet("group", "a", &[INPUT], start).unwrap();
    assert!(matches!(inlet.gather(now()), Err(LogError::Unreachable(_))));
    assert_eq!(assigned(&mut inlet), [0, 1, 2, 3]);
}
