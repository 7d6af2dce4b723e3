//! What only brokers do to a log: they die, they stop, they are not there.

use std::thread;
use std::time::{Duration, Instant};

use attestream::event::Topic;
use attestream::kafka::{KafkaLog, KafkaSettings};
use attestream::log::{Gathered, Inlet, Log, LogError, Outgoing, Outlet, Partition};

use crate::broker::{self, Cluster, Own};
use crate::port::{self, from_committed, join, limits, read};

const INPUT: Partition = Partition::shared(Topic::SbomSubmitted, 0);
const OUTPUT: Partition = Partition::shared(Topic::Ledger, 0);
const PATIENCE: Duration = Duration::from_secs(90);

fn value(partition: Partition, number: u64) -> Outgoing {
    let value = Some(number.to_be_bytes().to_vec());
    Outgoing {
        topic: partition.topic,
        owner: None,
        partition: Some(partition.number),
        key: None,
        value,
        headers: Vec::new(),
    }
}

/// Copies the input to the output, exactly once, until `count` are through: the processor's loop in its smallest form.
fn copy(log: &KafkaLog, count: u64) -> u32 {
    let begun = Instant::now();
    let (mut recoveries, mut done) = (0, 0);
    while done < count {
        assert!(begun.elapsed() < PATIENCE, "{done} of {count} copied, {recoveries} recoveries");
        let Err(error) = copy_on(log, count, &mut done) else { break };
        assert!(!matches!(error, LogError::Record(_) | LogError::Configuration(_)), "{error}");
        recoveries += 1;
    }
    recoveries
}

fn copy_on(log: &KafkaLog, count: u64, done: &mut u64) -> Result<(), LogError> {
    let mut outlet = log.outlet("copy")?;
    let mut inlet = log.inlet("group", "one", &[INPUT.topic], from_committed())?;
    while *done < count {
        let records = match inlet.gather(limits(7))? {
            Gathered::Assigned(assigned) => {
                // What was committed is what is done, whatever this side believed.
                let own = assigned.iter().find(|one| one.partition == INPUT);
                *done = own.and_then(|one| one.committed).map_or(0, |_| number_before(log));
                continue;
            }
            Gathered::Revoked { .. } => continue,
            Gathered::Records(records) => records,
        };
        let Some(last) = records.last() else { continue };
        let Some(fence) = inlet.fence() else { continue };
        outlet.begin()?;
        for record in &records {
            let copied = Outgoing { value: record.value.clone(), ..value(OUTPUT, 0) };
            outlet.append(copied)?;
        }
        outlet.offsets("group", &[(INPUT, last.offset + 1)], &fence)?;
        outlet.commit()?;
        *done += u64::try_from(records.len()).unwrap();
    }
    Ok(())
}

/// How many values lie before the committed offset: the input is written in one transaction, so offsets are dense.
fn number_before(log: &KafkaLog) -> u64 {
    log.committed("group", INPUT).ok().flatten().unwrap_or(0)
}

fn copied(log: &KafkaLog) -> Vec<u64> {
    let number = |value: Option<Vec<u8>>| u64::from_be_bytes(value.unwrap().try_into().unwrap());
    read(log, &[OUTPUT]).into_iter().map(|record| number(record.value)).collect()
}

/// Kills a broker again and again while a copy runs; nothing is lost, doubled or reordered.
fn survives_kills(cluster: &Cluster, nodes: &[u32]) {
    let log = cluster.log(&[(INPUT.topic, 1), (OUTPUT.topic, 1)]);
    let count = 2_000;
    port::write(&log, "feed", (0..count).map(|number| value(INPUT, number)));
    thread::scope(|scope| {
        let copier = scope.spawn(|| copy(&log, count));
        for node in nodes {
            let committed = || log.committed("group", INPUT).unwrap_or(None).unwrap_or(0);
            let before = committed();
            // Into the middle of the work: not before some transactions have passed since the last time.
            while !copier.is_finished() && committed() <= before + 50 {
                thread::park_timeout(Duration::from_millis(5));
            }
            cluster.kill(*node);
            cluster.restart(*node);
        }
        copier.join().unwrap();
    });
    assert_eq!(copied(&log), (0..count).collect::<Vec<_>>());
}

#[test]
fn the_only_broker_is_killed_in_mid_commit_and_nothing_is_lost_or_doubled() {
    if let Some(cluster) = Own::start(1) {
        survives_kills(&cluster, &[1]);
    }
}

#[test]
fn brokers_of_three_are_killed_one_after_the_other_and_nothing_is_lost_or_doubled() {
    if let Some(cluster) = Own::start(3) {
        survives_kills(&cluster, &[1, 2]);
    }
}

/// The classic zombie: a member that was silent for longer than its session, whose partitions another has taken over
/// meanwhile, and which does not know it yet.
#[test]
fn a_member_whose_session_ended_cannot_commit() {
    let Some(cluster) = Own::start(1) else { return };
    let properties = [("session.timeout.ms", "1500"), ("heartbeat.interval.ms", "300")];
    let properties = properties.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let settings = KafkaSettings { properties, ..cluster.settings() };
    let log = cluster.log_with(settings, &[(INPUT.topic, 2), (OUTPUT.topic, 1)]);
    let (mut zombie, _) = join(&log, "group", "one", &[INPUT.topic]);
    let mut outlet = log.outlet("zombie").unwrap();
    let fence = zombie.fence().unwrap();

    cluster.pause(1);
    let begun = Instant::now();
    // Not polled: it learns of the loss only here, from the mark that librdkafka's own thread sets.
    while zombie.fence().is_some() {
        assert!(begun.elapsed() < PATIENCE, "the session never ends");
        thread::yield_now();
    }
    cluster.resume(1);
    let (heir, assigned) = join(&log, "group", "two", &[INPUT.topic]);
    assert_eq!(assigned.len(), 2, "everything is the heir's");

    outlet.begin().unwrap();
    outlet.append(value(OUTPUT, 666)).unwrap();
    let refused = outlet.offsets("group", &[(INPUT, 1)], &fence);
    assert!(matches!(refused, Err(LogError::Fenced(_))), "{refused:?}");
    drop(outlet);
    assert!(copied(&log).is_empty());
    assert_eq!(log.committed("group", INPUT).unwrap(), None);
    assert!(heir.fence().is_some());
    let told = std::iter::repeat_with(|| zombie.gather(limits(1)).unwrap());
    let told = told.take(100).find(|told| !matches!(told, Gathered::Records(_)));
    assert!(matches!(told, Some(Gathered::Revoked { lost: true })), "{told:?}");
}

#[test]
fn an_absent_cluster_is_one_clear_message() {
    let log = KafkaLog::new(KafkaSettings::new("127.0.0.1:1")).unwrap();
    let error = log.partitions(Topic::Ledger).unwrap_err();
    assert!(matches!(error, LogError::Unreachable(_)), "{error:?}");
    assert!(error.to_string().contains("no broker of 127.0.0.1:1 answers"), "{error}");
}

#[test]
fn an_absent_topic_is_named() {
    let Some(cluster) = broker::shared() else { return };
    let log = cluster.log(&[]);
    let absent = [
        log.partitions(Topic::Ledger).err(),
        log.range(OUTPUT).err(),
        log.reader(&[(OUTPUT, 0)]).err(),
        log.inlet("group", "one", &[Topic::Ledger], from_committed()).err(),
    ];
    for error in absent {
        let Some(LogError::Topic { topic, .. }) = &error else { panic!("{error:?}") };
        assert!(topic.ends_with("attestream.ledger"), "{topic}");
    }
}

/// A record that fits compressed and not uncompressed is refused by the client, not by the broker: sizes are checked
/// before, so this is a defect and says so.
#[test]
fn a_record_over_the_limit_is_refused_as_a_record() {
    let Some(cluster) = broker::shared() else { return };
    let log = cluster.log(&[(OUTPUT.topic, 1)]);
    let mut outlet = log.outlet("work").unwrap();
    outlet.begin().unwrap();
    let large = vec![0; attestream::event::limits::MESSAGE_MAX];
    let refused = outlet.append(Outgoing { value: Some(large), ..value(OUTPUT, 0) });
    assert!(matches!(refused, Err(LogError::Record(_))), "{refused:?}");
}
