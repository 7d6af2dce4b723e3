//! What every log must do, whatever is behind the port. `conformance!` makes one test of each for one implementation.

use std::time::Duration;

use attestream::event::Topic;
use attestream::log::{
    Assignment, Gather, Gathered, Inlet, Log, LogError, Outgoing, Outlet, Partition, Reader, Record, StartAt,
    partition_of,
};

/// The topics of a fresh log, and their partitions.
pub const COUNTS: &[(Topic, u32)] =
    &[(Topic::SbomSubmitted, 2), (Topic::Ledger, 3), (Topic::DeadLetter, 2), (Topic::Control, 1)];

/// A test per property. `$fresh` gives `Some(log)` with the topics of `COUNTS`, or `None` to skip.
#[macro_export]
macro_rules! conformance {
    ($fresh:expr) => {
        $crate::conformance! { @each $fresh;
            outputs_and_offsets_appear_together,
            what_is_aborted_is_never_seen,
            an_older_outlet_of_the_same_id_cannot_commit,
            a_dropped_outlet_leaves_nothing,
            the_fence_of_a_closed_member_is_refused,
            the_fence_of_a_replaced_member_is_refused,
            no_offsets_or_another_groups_are_refused,
            reading_restarts_where_the_group_committed,
            the_start_is_decided_by_the_caller,
            gather_keeps_its_limits,
            order_holds_per_partition,
            a_reader_ends_behind_aborted_records_and_markers,
            a_reader_of_several_topics_ends_in_each,
            a_reader_outside_the_log_is_refused,
            records_come_back_byte_for_byte,
            keys_choose_partitions_as_every_client_does,
            an_unknown_partition_is_refused,
            seeking_back_delivers_again,
            a_paused_partition_is_silent_and_the_others_are_not,
            keeping_alive_loses_nothing,
            two_members_share_and_hand_over,
        }
    };
    (@each $fresh:expr; $($name:ident,)+) => {
        $(#[test]
        fn $name() {
            let fresh = $fresh;
            if let Some(log) = fresh() {
                $crate::port::$name(&log);
            }
        })+
    };
}

const PATIENCE: u32 = 600;
const STEP: Duration = Duration::from_millis(100);

fn at(topic: Topic, number: u32) -> Partition {
    Partition { topic, number }
}

fn record(topic: Topic, partition: u32, value: impl Into<String>) -> Outgoing {
    let value = Some(value.into().into_bytes());
    Outgoing { topic, partition: Some(partition), key: None, value, headers: Vec::new() }
}

fn text(record: &Record) -> String {
    String::from_utf8(record.value.clone().unwrap_or_default()).unwrap()
}

fn texts(records: &[Record]) -> Vec<String> {
    records.iter().map(text).collect()
}

pub fn from_committed() -> StartAt {
    Box::new(|_, committed| Ok(committed.unwrap_or(0)))
}

pub fn limits(records: usize) -> Gather {
    Gather { records, bytes: usize::MAX, linger: Duration::from_millis(5), wait: STEP }
}

/// Gathers until the group gives an assignment.
pub fn assigned<I: Inlet>(inlet: &mut I) -> Vec<Assignment> {
    for _ in 0..PATIENCE {
        if let Gathered::Assigned(assigned) = inlet.gather(limits(1)).unwrap() {
            return assigned;
        }
    }
    panic!("no assignment");
}

pub fn join<L: Log>(log: &L, group: &str, member: &str, topics: &[Topic]) -> (L::Inlet, Vec<Assignment>) {
    let mut inlet = log.inlet(group, member, topics, from_committed()).unwrap();
    let assigned = assigned(&mut inlet);
    (inlet, assigned)
}

/// Gathers `count` records.
pub fn take<I: Inlet>(inlet: &mut I, count: usize) -> Vec<Record> {
    let mut taken = Vec::new();
    for _ in 0..PATIENCE {
        if taken.len() >= count {
            break;
        }
        if let Gathered::Records(records) = inlet.gather(limits(count - taken.len())).unwrap() {
            taken.extend(records);
        }
    }
    assert_eq!(taken.len(), count, "records gathered");
    taken
}

/// Commits records in one transaction without offsets.
pub fn write<L: Log>(log: &L, id: &str, records: impl IntoIterator<Item = Outgoing>) {
    let mut outlet = log.outlet(id).unwrap();
    outlet.begin().unwrap();
    for record in records {
        outlet.append(record).unwrap();
    }
    outlet.commit().unwrap();
}

/// Everything that a reader returns until it says that it is at the end.
pub fn read_to_end<R: Reader>(reader: &mut R) -> Vec<Record> {
    let mut all = Vec::new();
    for _ in 0..PATIENCE {
        if reader.at_end().unwrap() {
            return all;
        }
        all.extend(reader.read(100, STEP).unwrap());
    }
    panic!("the end is never reached after {:?}", texts(&all));
}

pub fn read<L: Log>(log: &L, partitions: &[Partition]) -> Vec<Record> {
    let start: Vec<_> = partitions.iter().map(|one| (*one, log.range(*one).unwrap().first)).collect();
    read_to_end(&mut log.reader(&start).unwrap())
}

pub fn outputs_and_offsets_appear_together<L: Log>(log: &L) {
    let (input, output) = (at(Topic::SbomSubmitted, 0), at(Topic::Ledger, 1));
    write(log, "feed", [record(input.topic, 0, "in")]);
    let (mut inlet, _) = join(log, "group", "one", &[input.topic]);
    let next = take(&mut inlet, 1)[0].offset + 1;

    let mut outlet = log.outlet("work").unwrap();
    outlet.begin().unwrap();
    outlet.append(record(output.topic, 1, "out")).unwrap();
    outlet.offsets("group", &[(input, next)], &inlet.fence().unwrap()).unwrap();
    assert!(read(log, &[output]).is_empty());
    outlet.commit().unwrap();

    assert_eq!(texts(&read(log, &[output])), ["out"]);
    assert_eq!(log.committed("group", input).unwrap(), Some(next));
    assert_eq!(inlet.committed(&[at(input.topic, 1), input]).unwrap(), [None, Some(next)]);
    assert!(log.range(output).unwrap().end >= 1);
}

pub fn what_is_aborted_is_never_seen<L: Log>(log: &L) {
    let (input, output) = (at(Topic::SbomSubmitted, 0), at(Topic::Ledger, 0));
    write(log, "feed", [record(input.topic, 0, "in")]);
    let (mut inlet, _) = join(log, "group", "one", &[input.topic]);
    take(&mut inlet, 1);
    let mut outlet = log.outlet("work").unwrap();
    outlet.begin().unwrap();
    outlet.append(record(output.topic, 0, "aborted")).unwrap();
    outlet.offsets("group", &[(input, 1)], &inlet.fence().unwrap()).unwrap();
    outlet.abort().unwrap();
    outlet.begin().unwrap();
    outlet.append(record(output.topic, 0, "committed")).unwrap();
    outlet.commit().unwrap();

    assert_eq!(texts(&read(log, &[output])), ["committed"]);
    assert_eq!(log.committed("group", input).unwrap(), None);
}

pub fn an_older_outlet_of_the_same_id_cannot_commit<L: Log>(log: &L) {
    let output = at(Topic::Ledger, 0);
    let mut zombie = log.outlet("work").unwrap();
    zombie.begin().unwrap();
    zombie.append(record(output.topic, 0, "zombie")).unwrap();
    let mut owner = log.outlet("work").unwrap();
    assert!(zombie.commit().is_err());
    owner.begin().unwrap();
    owner.append(record(output.topic, 0, "owner")).unwrap();
    owner.commit().unwrap();
    assert!(zombie.begin().and_then(|()| zombie.commit()).is_err());
    assert_eq!(texts(&read(log, &[output])), ["owner"]);
}

pub fn a_dropped_outlet_leaves_nothing<L: Log>(log: &L) {
    let output = at(Topic::Ledger, 2);
    let mut outlet = log.outlet("work").unwrap();
    outlet.begin().unwrap();
    outlet.append(record(output.topic, 2, "dropped")).unwrap();
    drop(outlet);
    write(log, "work", [record(output.topic, 2, "next")]);
    assert_eq!(texts(&read(log, &[output])), ["next"]);
}

pub fn the_fence_of_a_closed_member_is_refused<L: Log>(log: &L) {
    let (input, output) = (at(Topic::SbomSubmitted, 0), at(Topic::Ledger, 0));
    let (inlet, _) = join(log, "group", "one", &[input.topic]);
    let stale = inlet.fence().unwrap();
    inlet.close().unwrap();
    assert_refused(log, &stale, input, output);
}

pub fn the_fence_of_a_replaced_member_is_refused<L: Log>(log: &L) {
    let (input, output) = (at(Topic::SbomSubmitted, 0), at(Topic::Ledger, 0));
    let (former, _) = join(log, "group", "one", &[input.topic]);
    let stale = former.fence().unwrap();
    let (present, assigned) = join(log, "group", "one", &[input.topic]);
    assert_eq!(assigned.len(), 2, "the name comes back to its partitions");
    assert_refused(log, &stale, input, output);
    drop(former);
    assert!(present.fence().is_some());
}

/// A transaction under a stale fence fails at one of its steps and leaves nothing.
pub fn assert_refused<L: Log>(log: &L, stale: &<L::Inlet as Inlet>::Fence, input: Partition, output: Partition) {
    let mut outlet = log.outlet("stale").unwrap();
    outlet.begin().unwrap();
    outlet.append(record(output.topic, output.number, "stale")).unwrap();
    let refused = outlet.offsets("group", &[(input, 1)], stale).and_then(|()| outlet.commit());
    assert!(matches!(refused, Err(LogError::Fenced(_) | LogError::Transaction(_))), "{refused:?}");
    drop(outlet);
    assert!(read(log, &[output]).is_empty());
    assert_eq!(log.committed("group", input).unwrap(), None);
}

pub fn no_offsets_or_another_groups_are_refused<L: Log>(log: &L) {
    let input = at(Topic::SbomSubmitted, 0);
    let (inlet, _) = join(log, "group", "one", &[input.topic]);
    let fence = inlet.fence().unwrap();
    for (group, next) in [("group", &[][..]), ("another", &[(input, 1)][..])] {
        let mut outlet = log.outlet("work").unwrap();
        outlet.begin().unwrap();
        assert!(outlet.offsets(group, next, &fence).is_err());
    }
    assert_eq!(log.committed("another", input).unwrap(), None);
}

pub fn reading_restarts_where_the_group_committed<L: Log>(log: &L) {
    let input = at(Topic::SbomSubmitted, 1);
    write(log, "feed", (0..5).map(|i| record(input.topic, 1, format!("{i}"))));
    let (mut inlet, first) = join(log, "group", "one", &[input.topic]);
    assert!(first.iter().all(|one| one.committed.is_none() && one.start == 0), "{first:?}");
    let next = take(&mut inlet, 5)[2].offset;
    let mut outlet = log.outlet("work").unwrap();
    outlet.begin().unwrap();
    outlet.offsets("group", &[(input, next)], &inlet.fence().unwrap()).unwrap();
    outlet.commit().unwrap();
    inlet.close().unwrap();

    let (mut inlet, again) = join(log, "group", "one", &[input.topic]);
    assert!(again.contains(&Assignment { partition: input, start: next, committed: Some(next) }), "{again:?}");
    assert_eq!(texts(&take(&mut inlet, 3)), ["2", "3", "4"]);
}

pub fn the_start_is_decided_by_the_caller<L: Log>(log: &L) {
    let input = at(Topic::Control, 0);
    write(log, "feed", (0..4).map(|i| record(input.topic, 0, format!("{i}"))));
    let end = log.range(input).unwrap().end;
    let mut inlet = log.inlet("group", "one", &[input.topic], Box::new(move |_, _| Ok(end))).unwrap();
    assert_eq!(assigned(&mut inlet), [Assignment { partition: input, start: end, committed: None }]);
    write(log, "feed", [record(input.topic, 0, "late")]);
    assert_eq!(texts(&take(&mut inlet, 1)), ["late"]);

    let refuse: StartAt = Box::new(|_, _| Err(LogError::Storage("no start".into())));
    let mut refused = log.inlet("refused", "one", &[input.topic], refuse).unwrap();
    let error = (0..PATIENCE).find_map(|_| refused.gather(limits(1)).err());
    assert!(matches!(error, Some(LogError::Storage(_))), "{error:?}");
}

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

pub fn records_come_back_byte_for_byte<L: Log>(log: &L) {
    let parts = [None, Some(Vec::new()), Some(vec![0, 255, 0, b'a'])];
    let headers = vec![
        ("a".to_owned(), Some(vec![1, 0, 2])),
        ("a".to_owned(), None),
        ("empty".to_owned(), Some(Vec::new())),
        ("ünïcode".to_owned(), Some(vec![0xff])),
    ];
    let mut sent = Vec::new();
    for key in &parts {
        for value in &parts {
            for headers in [Vec::new(), headers.clone()] {
                let (key, value) = (key.clone(), value.clone());
                sent.push(Outgoing { topic: Topic::Control, partition: Some(0), key, value, headers });
            }
        }
    }
    write(log, "feed", sent.clone());
    let (mut inlet, _) = join(log, "group", "one", &[Topic::Control]);
    for received in [take(&mut inlet, sent.len()), read(log, &[at(Topic::Control, 0)])] {
        for (sent, received) in sent.iter().zip(&received) {
            assert_eq!((&sent.key, &sent.value), (&received.key, &received.value));
            assert_eq!(sent.headers, received.headers);
        }
        assert_eq!(received.len(), sent.len());
    }
}

pub fn keys_choose_partitions_as_every_client_does<L: Log>(log: &L) {
    let keys = ["21", "foobar", "a-little-bit-long-string", "abc", "acme", ""];
    let keyed = |key: &str| Outgoing { key: Some(key.into()), partition: None, ..record(Topic::Ledger, 0, key) };
    let without = Outgoing { partition: None, ..record(Topic::Ledger, 0, "none") };
    write(log, "feed", keys.iter().map(|key| keyed(key)).chain([without]));
    for record in read(log, &[at(Topic::Ledger, 0), at(Topic::Ledger, 1), at(Topic::Ledger, 2)]) {
        let expected = record.key.as_ref().map_or(0, |key| partition_of(key, 3));
        assert_eq!(record.partition.number, expected, "{record:?}");
    }
}

pub fn an_unknown_partition_is_refused<L: Log>(log: &L) {
    assert_eq!(log.partitions(Topic::Ledger).unwrap(), 3);
    let mut outlet = log.outlet("work").unwrap();
    outlet.begin().unwrap();
    let refused = outlet.append(record(Topic::Ledger, 3, "nowhere"));
    assert!(matches!(refused, Err(LogError::Topic { .. })), "{refused:?}");
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

pub fn two_members_share_and_hand_over<L: Log>(log: &L) {
    let topic = Topic::Ledger;
    write(log, "feed", (0..30).map(|i| record(topic, i % 3, format!("{i}"))));
    let (mut one, all) = join(log, "group", "one", &[topic]);
    assert_eq!(all.len(), 3);
    let stale = one.fence().unwrap();
    let mut two = log.inlet("group", "two", &[topic], from_committed()).unwrap();
    let (mut first, mut second, mut revoked) = (Vec::new(), Vec::new(), false);
    for _ in 0..PATIENCE {
        match one.gather(limits(5)).unwrap() {
            Gathered::Revoked { lost } => {
                assert!(!lost && one.fence().is_none());
                revoked = true;
            }
            Gathered::Assigned(assigned) => first = assigned,
            Gathered::Records(_) => {}
        }
        if let Gathered::Assigned(assigned) = two.gather(limits(5)).unwrap() {
            second = assigned;
        }
        if revoked && !first.is_empty() && !second.is_empty() {
            break;
        }
    }
    assert!(revoked);
    let mut owned: Vec<u32> = first.iter().chain(&second).map(|one| one.partition.number).collect();
    owned.sort_unstable();
    assert_eq!(owned, [0, 1, 2], "each partition has one owner");
    assert_refused_after_hand_over(log, &stale, first[0].partition);
    assert!(one.fence().is_some() && two.fence().is_some());
}

fn assert_refused_after_hand_over<L: Log>(log: &L, stale: &<L::Inlet as Inlet>::Fence, owned: Partition) {
    let mut outlet = log.outlet("stale").unwrap();
    outlet.begin().unwrap();
    let refused = outlet.offsets("group", &[(owned, 1)], stale).and_then(|()| outlet.commit());
    assert!(refused.is_err(), "a fence of an earlier assignment commits nothing, owned again or not");
    assert_eq!(log.committed("group", owned).unwrap(), None);
}
