//! What is read: limits, order, ends.

use std::time::Duration;

use attestream::event::Topic;
use attestream::log::{Gather, Gathered, Inlet, Log, LogError, Outlet, Reader, Record};

use super::own;
use super::steps::{PATIENCE, STEP, at, join, limits, read, read_to_end, record, take, text, texts, write};

pub fn gather_keeps_its_limits<L: Log>(log: &L) {
    let input = at(Topic::Control, 0);
    let (mut inlet, _) = join(log, "group", "one", &[input.topic]);
    let none = inlet.gather(Gather { wait: Duration::ZERO, ..limits(10) }).unwrap();
    assert!(matches!(none, Gathered::Records(records) if records.is_empty()));
    write(log, "feed", (0..10).map(|i| record(input.topic, 0, format!("{i}{}", "x".repeat(999)))));
    let mut most = 0;
    let mut seen = Vec::new();
    while seen.len() < 6 {
        let Gathered::Records(records) = inlet.gather(limits(2)).unwrap() else { panic!("a rebalance") };
        most = most.max(records.len());
        seen.extend(records);
    }
    assert!(most <= 2, "{most} records at once");
    // A batch is full when it has its bytes: at most one record more.
    while seen.len() < 10 {
        let Gathered::Records(records) = inlet.gather(Gather { bytes: 1_500, ..limits(10) }).unwrap() else {
            panic!("a rebalance")
        };
        assert!(records.len() <= 2, "{} records of 1,000 bytes in 1,500", records.len());
        seen.extend(records);
    }
    let order: Vec<String> = seen.iter().map(|record| text(record)[..1].to_owned()).collect();
    assert_eq!(order, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
}

pub fn order_holds_per_partition<L: Log>(log: &L) {
    let mut outlet = log.outlet("feed").unwrap();
    for transaction in 0..4 {
        outlet.begin().unwrap();
        for i in 0..30 {
            outlet.append(record(Topic::Ledger, i % 3, format!("{:04}", transaction * 30 + i))).unwrap();
        }
        outlet.commit().unwrap();
    }
    let (mut inlet, assigned) = join(log, "group", "one", &[Topic::Ledger]);
    assert_eq!(assigned.iter().map(|one| one.partition.number).collect::<Vec<_>>(), [0, 1, 2]);
    let records = take(&mut inlet, 120);
    for number in 0..3 {
        let own: Vec<&Record> = records.iter().filter(|record| record.partition.number == number).collect();
        assert_eq!(own.len(), 40);
        assert!(own.windows(2).all(|pair| pair[0].offset < pair[1].offset && text(pair[0]) < text(pair[1])));
    }
}

pub fn a_reader_ends_behind_aborted_records_and_markers<L: Log>(log: &L) {
    let output = at(Topic::Ledger, 0);
    let mut reader = log.reader(&[(output, 0)]).unwrap();
    assert!(read_to_end(&mut reader).is_empty());
    let mut outlet = log.outlet("work").unwrap();
    for (round, commit) in [(0, true), (1, false), (2, true), (3, false)] {
        outlet.begin().unwrap();
        for i in 0..3 {
            outlet.append(record(output.topic, 0, format!("{round}{i}"))).unwrap();
        }
        if commit { outlet.commit() } else { outlet.abort() }.unwrap();
    }
    // The same reader goes on, and a new one from the start sees the same.
    assert_eq!(texts(&read_to_end(&mut reader)), ["00", "01", "02", "20", "21", "22"]);
    assert_eq!(texts(&read(log, &[output])), ["00", "01", "02", "20", "21", "22"]);
    // An end that was reached is not the end of what comes later.
    write(log, "work", [record(output.topic, 0, "late")]);
    assert_eq!(texts(&read_to_end(&mut reader)), ["late"]);
    assert!(read_to_end(&mut reader).is_empty());
}

pub fn a_reader_of_several_topics_ends_in_each<L: Log>(log: &L) {
    let partitions = [at(Topic::Ledger, 0), at(Topic::Ledger, 1), at(Topic::DeadLetter, 0), at(Topic::DeadLetter, 1)];
    let all = partitions.iter().map(|one| record(one.topic, one.number, one.to_string()));
    write(log, "feed", all.chain([record(Topic::DeadLetter, 0, "more")]));
    let mut seen = texts(&read(log, &partitions));
    seen.sort();
    let dead = ["events.dead-letter-0", "events.dead-letter-1"];
    assert_eq!(seen, ["attestream.ledger-0", "attestream.ledger-1", dead[0], dead[1], "more"]);
}

pub fn a_reader_outside_the_log_is_refused<L: Log>(log: &L) {
    let output = at(Topic::Ledger, 0);
    let end = log.range(output).unwrap().end;
    let error = log
        .reader(&[(output, end + 1)])
        .and_then(|mut reader| (0..PATIENCE).try_for_each(|_| reader.read(1, STEP).map(|_| ())));
    assert!(matches!(error, Err(LogError::OutOfRange { offset, .. }) if offset == end + 1));
}

pub fn seeking_back_delivers_again<L: Log>(log: &L) {
    let input = at(Topic::SbomSubmitted, 0);
    write(log, "feed", (0..6).map(|i| record(input.topic, 0, format!("{i}"))));
    let (mut inlet, _) = join(log, "group", "one", &[input.topic]);
    let records = take(&mut inlet, 4);
    inlet.seek(input, records[1].offset).unwrap();
    assert_eq!(texts(&take(&mut inlet, 5)), ["1", "2", "3", "4", "5"]);
    assert!(inlet.seek(at(Topic::Ledger, 0), 0).is_err(), "not owned");
}

pub fn a_paused_partition_is_silent_and_the_others_are_not<L: Log>(log: &L) {
    let (quiet, loud) = (at(Topic::SbomSubmitted, 0), at(Topic::SbomSubmitted, 1));
    let (mut inlet, _) = join(log, "group", "one", &[quiet.topic]);
    inlet.pause(quiet).unwrap();
    write(log, "feed", (0..6).map(|i| record(quiet.topic, i % 2, format!("{i}"))));
    assert_eq!(texts(&take(&mut inlet, 3)), ["1", "3", "5"]);
    write(log, "feed", [record(loud.topic, 1, "7")]);
    assert_eq!(texts(&take(&mut inlet, 1)), ["7"]);
}

pub fn keeping_alive_loses_nothing<L: Log>(log: &L) {
    let input = at(Topic::SbomSubmitted, 0);
    let (mut inlet, _) = join(log, "group", "one", &[input.topic]);
    write(log, "feed", (0..50).map(|i| record(input.topic, 0, format!("{i:02}"))));
    let mut seen = texts(&take(&mut inlet, 1));
    for _ in 0..20 {
        assert!(inlet.keep_alive().unwrap());
    }
    seen.extend(texts(&take(&mut inlet, 49)));
    assert_eq!(seen, (0..50).map(|i| format!("{i:02}")).collect::<Vec<_>>());
}

pub fn a_resumed_partition_goes_on_where_it_stood<L: Log>(log: &L) {
    let (waits, goes_on) = (at(Topic::SbomSubmitted, 0), at(Topic::SbomSubmitted, 1));
    let (mut inlet, _) = join(log, "group", "one", &[waits.topic]);
    write(log, "feed", (0..60).map(|i| record(waits.topic, i % 2, format!("{i:02}"))));
    // Some are delivered, and others were fetched by then: none of them is lost, and none comes twice.
    let mut seen = take(&mut inlet, 7);
    for round in 0..3 {
        assert!(inlet.keep_alive().unwrap());
        inlet.pause(waits).unwrap();
        inlet.pause(waits).unwrap();
        write(log, "feed", [record(goes_on.topic, 1, format!("while {round}"))]);
        let before = seen.len();
        while !seen.iter().any(|record| text(record) == format!("while {round}")) {
            seen.extend(take(&mut inlet, 1));
        }
        assert!(seen[before..].iter().all(|record| record.partition == goes_on), "{:?}", texts(&seen[before..]));
        inlet.resume(waits).unwrap();
        inlet.resume(waits).unwrap();
        seen.extend(take(&mut inlet, 4));
    }
    seen.extend(take(&mut inlet, 63 - seen.len()));
    for partition in [waits, goes_on] {
        let of: Vec<String> = texts(&seen.iter().filter(|one| one.partition == partition).cloned().collect::<Vec<_>>());
        let expected: Vec<String> = (partition.number..60).step_by(2).map(|i| format!("{i:02}")).collect();
        assert_eq!(of[..30], expected, "{partition}");
    }
}

pub fn a_paused_partition_that_is_moved_goes_on_from_there<L: Log>(log: &L) {
    let input = at(Topic::SbomSubmitted, 0);
    write(log, "feed", (0..6).map(|i| record(input.topic, 0, format!("{i}"))));
    let (mut inlet, _) = join(log, "group", "one", &[input.topic]);
    let records = take(&mut inlet, 4);
    inlet.pause(input).unwrap();
    inlet.seek(input, records[1].offset).unwrap();
    let none = inlet.gather(Gather { wait: STEP, ..limits(10) }).unwrap();
    assert!(matches!(none, Gathered::Records(records) if records.is_empty()), "moved, and paused still");
    inlet.resume(input).unwrap();
    assert_eq!(texts(&take(&mut inlet, 5)), ["1", "2", "3", "4", "5"]);
}

pub fn what_is_not_owned_is_neither_paused_nor_resumed<L: Log>(log: &L) {
    let (mut inlet, _) = join(log, "group", "one", &[Topic::SbomSubmitted]);
    assert!(matches!(inlet.pause(at(Topic::Ledger, 0)), Err(LogError::Fenced(_))));
    assert!(matches!(inlet.resume(at(Topic::Ledger, 0)), Err(LogError::Fenced(_))));
}

pub fn own_topics_are_topics_of_their_own<L: Log>(log: &L) {
    let (shared, own) = (at(Topic::SbomSubmitted, 1), at(own(), 1));
    assert_eq!(own.to_string(), "acme.sbom.submitted-1");
    assert_eq!(log.partitions(own.name()).unwrap(), 2);
    let (mut inlet, assigned) = join(log, "group", "one", &[shared.name(), own.name()]);
    assert_eq!(assigned.len(), 4);
    write(log, "feed", [record(shared.name(), 1, "shared"), record(own.name(), 1, "own")]);
    let mut seen = take(&mut inlet, 2);
    seen.sort_by_key(|record| record.partition);
    assert_eq!(
        seen.iter().map(|one| (one.partition, text(one))).collect::<Vec<_>>(),
        [(shared, "shared".to_owned()), (own, "own".to_owned())]
    );
    assert_eq!(texts(&read(log, &[own])), ["own"]);
    assert_eq!(texts(&read(log, &[shared])), ["shared"]);
    let mut both = texts(&read(log, &[own, shared]));
    both.sort();
    assert_eq!(both, ["own", "shared"]);

    let fence = inlet.fence().unwrap();
    let mut outlet = log.outlet("work").unwrap();
    outlet.begin().unwrap();
    outlet.offsets("group", &[(own, 1)], &fence).unwrap();
    outlet.commit().unwrap();
    assert_eq!(log.committed("group", own).unwrap(), Some(1));
    assert_eq!(log.committed("group", shared).unwrap(), None);
}
