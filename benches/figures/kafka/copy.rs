//! The plainest thing that Kafka's transactions allow, beside both stages of ours: the same bytes are read, written to
//! another topic, and their offsets committed with them. In our case every input was delivered before.

use std::time::{Duration, Instant};

use attestream::event::{Topic, limits};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer as _, ThreadedProducer};
use rdkafka::util::Timeout;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use super::feed::{Feed, publish, shuffled};
use super::floor::{PEER_MIN, slower};
use super::interval::median;
use super::path::Path;
use super::peer::Stretch;
use super::section::Bench;
use super::site::{Group, Site, create};
use crate::Outcome;
use crate::report;
use crate::spent::Start;
use crate::summary::Row;

const PATIENCE: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_micros(200);
const COPIED: &str = "copied";
/// Records of 1 KiB a second that a copy is known to make, on the machine of the stated figures.
const STATED: f64 = 43_000.0;

pub fn measure(rows: &mut Vec<Row>, bench: &Bench<'_>, data: &std::path::Path) -> Outcome<()> {
    let Bench { broker, options, tenants, stated } = *bench;
    let feed = Feed::new(tenants, crate::whole::now())?;
    let site = Site::open(&broker.bootstrap, "c.", options.partitions, &feed)?;
    create(&broker.bootstrap, &[(COPIED.to_owned(), options.partitions, std::collections::BTreeMap::new())])?;
    let topics = [site.name(Topic::SbomSubmitted), site.name(Topic::AttestationPublished)];
    let inputs = feed.make_all(&shuffled(0, options.slice))?;
    let path = Path::open(site, data.to_owned())?;
    publish(path.plain(), path.site(), &inputs)?;
    path.drain(inputs.len(), Some(options.slice))?;

    let (mut copies, mut ours, mut brokers) = (Vec::new(), Vec::new(), [Vec::new(), Vec::new()]);
    let mut known = Vec::new();
    for run in 0..options.runs {
        report::progress(&format!("copy, run {} of {}", run + 1, options.runs));
        let group = Group::open(&broker.bootstrap, &format!("copy-{run}"), &topics, options.partitions)?;
        group.begin_at(&group.ends()?)?;
        for _ in 0..options.again {
            publish(path.plain(), path.site(), &inputs)?;
        }
        let records = inputs.len() * options.again;
        // Each goes first in turn.
        for ours_now in [run % 2 == 1, run % 2 == 0] {
            let before = broker.cpu()?;
            if ours_now {
                ours.push(path.drain(records, Some(0))?);
            } else {
                copies.push(copy(&broker.bootstrap, &format!("copy-{run}"), &topics, records)?);
            }
            let cpu = broker.cpu()? - before;
            let [at_copy, at_ours] = &mut brokers;
            let samples = if ours_now { at_ours } else { at_copy };
            samples.push(cpu.as_secs_f64() / super::interval::number(records));
        }
        // The documents alone, which are of 1 KiB, are what its known rate is of.
        let (name, documents) = (format!("known-{run}"), &topics[..1]);
        let group = Group::open(&broker.bootstrap, &name, documents, options.partitions)?;
        group.begin_at_first()?;
        let rate = copy(&broker.bootstrap, &name, documents, options.slice * options.again)?.per_second();
        known.push(rate * slower(stated)? / STATED);
    }
    let each = |samples: &[Stretch], of: fn(&Stretch) -> f64| median(&samples.iter().map(of).collect::<Vec<_>>());
    let ratios: Vec<f64> = ours.iter().zip(&copies).map(|(ours, copy)| ours.per_second() / copy.per_second()).collect();
    let micros = |samples: &[Stretch]| 1e6 / each(samples, Stretch::per_core);
    let [at_copy, at_ours] = &brokers;
    let known = median(&known);
    let note = format!(
        "ours {:.0}/s, {:.1} µs; copy {:.0}/s, {:.1} µs of the client; the broker's own {:.1} and {:.1} µs a record; of \
         1 KiB it makes {:.0} % of what is stated",
        each(&ours, Stretch::per_second),
        micros(&ours),
        each(&copies, Stretch::per_second),
        micros(&copies),
        median(at_ours) * 1e6,
        median(at_copy) * 1e6,
        known * 100.0,
    );
    let row = Row::reached("kafka_vs_copy", median(&ratios), ratios.len(), note);
    rows.push(if known >= PEER_MIN { row } else { row.void("the copy is slower than it is known to be") });
    path.close()
}

/// Copies `records` from where the group begins; from the first record to the last commit.
fn copy(brokers: &str, group: &str, topics: &[String], records: usize) -> Outcome<Stretch> {
    let mut config = ClientConfig::new();
    // The same tuning as ours.
    config
        .set("bootstrap.servers", brokers)
        .set("group.id", group)
        .set("isolation.level", "read_committed")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("fetch.wait.max.ms", "50")
        .set("fetch.queue.backoff.ms", "50")
        .set("max.partition.fetch.bytes", limits::MESSAGE_MAX.to_string())
        .set("queued.max.messages.kbytes", "32768")
        .set("check.crcs", "true");
    let consumer: BaseConsumer = config.create()?;
    let producer = producer(brokers, group)?;
    consumer.subscribe(&topics.iter().map(String::as_str).collect::<Vec<_>>())?;
    let (mut start, mut done, begun) = (None, 0, Instant::now());
    while done < records {
        if begun.elapsed() > PATIENCE {
            return Err(format!("{done} of {records} records are copied").into());
        }
        let Some(first) = consumer.poll(Duration::from_millis(100)) else { continue };
        if start.is_none() {
            start = Some(Start::now()?);
        }
        done += transaction(&consumer, &producer, first?)?;
    }
    let spent = start.ok_or("nothing was copied")?.spent()?;
    consumer.unsubscribe();
    Ok(Stretch { records: done, cpu: spent.cpu, wall: spent.wall })
}

fn producer(brokers: &str, id: &str) -> Outcome<ThreadedProducer<DefaultProducerContext>> {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", brokers)
        .set("transactional.id", id)
        .set("transaction.timeout.ms", "15000")
        .set("compression.type", "lz4")
        .set("linger.ms", "2")
        .set("batch.size", "1000000")
        .set("message.max.bytes", limits::MESSAGE_MAX.to_string());
    let producer: ThreadedProducer<DefaultProducerContext> = config.create()?;
    producer.init_transactions(Timeout::After(PATIENCE))?;
    Ok(producer)
}

/// One transaction: full, or 5 ms after its first record.
fn transaction(
    consumer: &BaseConsumer,
    producer: &ThreadedProducer<DefaultProducerContext>,
    first: BorrowedMessage<'_>,
) -> Outcome<usize> {
    let begun = Instant::now();
    let (mut records, mut bytes, mut next) = (0, 0, Some(first));
    let mut offsets = std::collections::BTreeMap::new();
    producer.begin_transaction()?;
    while let Some(message) = next {
        let (key, payload) = (message.key().unwrap_or_default(), message.payload().unwrap_or_default());
        let record = BaseRecord::to(COPIED).partition(message.partition()).key(key).payload(payload);
        let mut record = Some(record);
        while let Some(sending) = record.take() {
            match producer.send(sending) {
                Ok(()) => {}
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    record = Some(back);
                    std::thread::park_timeout(PAUSE);
                }
                Err((error, _)) => return Err(error.into()),
            }
        }
        offsets.insert((message.topic().to_owned(), message.partition()), message.offset() + 1);
        records += 1;
        bytes += key.len() + payload.len();
        let full = records >= limits::BATCH_RECORDS || bytes >= limits::BATCH_BYTES;
        let left = Duration::from_millis(limits::BATCH_LINGER_MS).saturating_sub(begun.elapsed());
        next = if full { None } else { consumer.poll(left).transpose()? };
    }
    let mut list = TopicPartitionList::new();
    for ((topic, partition), offset) in offsets {
        list.add_partition_offset(&topic, partition, Offset::Offset(offset))?;
    }
    let member = consumer.group_metadata().ok_or("the copy is in no group")?;
    producer.send_offsets_to_transaction(&list, &member, Timeout::After(PATIENCE))?;
    // Else the commit flushes in slices of 100 ms.
    while producer.in_flight_count() > 0 {
        std::thread::park_timeout(PAUSE);
    }
    producer.commit_transaction(Timeout::After(PATIENCE))?;
    Ok(records)
}
