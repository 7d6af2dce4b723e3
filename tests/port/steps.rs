//! The steps that the properties are made of.

use std::time::Duration;

use attestream::event::TopicName;
use attestream::log::{Assignment, Gather, Gathered, Inlet, Log, Outgoing, Outlet, Partition, Reader, Record, StartAt};

pub const PATIENCE: u32 = 600;
pub const STEP: Duration = Duration::from_millis(100);

pub fn at(topic: impl Into<TopicName>, number: u32) -> Partition {
    Partition::of(topic, number)
}

pub fn record(name: impl Into<TopicName>, partition: u32, value: impl Into<String>) -> Outgoing {
    let TopicName { topic, owner } = name.into();
    let value = Some(value.into().into_bytes());
    Outgoing { topic, owner, partition: Some(partition), key: None, value, headers: Vec::new() }
}

pub fn text(record: &Record) -> String {
    String::from_utf8(record.value.clone().unwrap_or_default()).unwrap()
}

pub fn texts(records: &[Record]) -> Vec<String> {
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

pub fn join<L: Log, N: Into<TopicName> + Copy>(
    log: &L,
    group: &str,
    member: &str,
    topics: &[N],
) -> (L::Inlet, Vec<Assignment>) {
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
    drop(outlet);
    shown(log, id);
}

/// Waits until what was committed under an id can be read: on Kafka that is when its markers are there, soon after the commit
/// was answered and not with it. Another outlet of the id is there no sooner.
pub fn shown<L: Log>(log: &L, id: &str) {
    drop(log.outlet(id).unwrap());
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
