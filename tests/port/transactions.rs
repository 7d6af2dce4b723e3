//! What a transaction makes visible, and what it refuses.

use attestream::event::Topic;
use attestream::log::{Inlet, Log, LogError, Outgoing, Outlet, Reader, partition_of};

use super::steps::{STEP, at, join, read, read_to_end, record, shown, take, texts, write};

pub fn outputs_and_offsets_appear_together<L: Log>(log: &L) {
    let (input, output) = (at(Topic::SbomSubmitted, 0), at(Topic::Ledger, 1));
    write(log, "feed", [record(input.topic, 0, "in")]);
    let (mut inlet, _) = join(log, "group", "one", &[input.topic]);
    let next = take(&mut inlet, 1)[0].offset + 1;

    let mut outlet = log.outlet("work").unwrap();
    outlet.begin().unwrap();
    outlet.append(record(output.topic, 1, "out")).unwrap();
    outlet.offsets("group", &[(input, next)], &inlet.fence().unwrap()).unwrap();
    let mut early = log.reader(&[(output, 0)]).unwrap();
    assert!(early.read(1, STEP).unwrap().is_empty());
    assert_eq!(log.range(output).unwrap().end, 0);
    outlet.commit().unwrap();
    shown(log, "work");

    // The first series answers for the end at opening, when what was appended may not have been sent yet.
    let seen = [read_to_end(&mut early), read_to_end(&mut early)].concat();
    assert_eq!(texts(&seen), ["out"]);
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
    shown(log, "work");

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
    shown(log, "work");
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
                sent.push(Outgoing { topic: Topic::Control, owner: None, partition: Some(0), key, value, headers });
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
