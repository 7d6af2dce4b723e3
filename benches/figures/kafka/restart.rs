//! How long an instance that was killed takes from its new start to its first committed output.
//!
//! The ledger is filled with admitted records, which an instance folds; then inputs come steadily, and the instance is
//! killed and started again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use attestream::event::{Digest, EventId, Topic, event_id, partition_of};
use attestream::formats::facts::WrittenFacts;
use attestream::ledger::LedgerRecord;
use attestream::ledger::record::Body;
use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

use super::child::{Instance, Orders, size_of};
use super::feed::{Feed, What, document, publish, subject};
use super::interval::{median, number};
use super::options::KafkaOptions;
use super::producer::{Plain, Sending};
use super::section::Bench;
use super::site::Site;
use crate::Outcome;
use crate::report;
use crate::summary::Row;

/// Records that are made at once.
const AT_ONCE: usize = 50_000;
/// Pairs per second that come while instances are killed.
const PAIRS_PER_SECOND: u32 = 250;
/// Numbers of those pairs: none of the remembered ones.
const LIVE: usize = 1 << 40;
/// Remembered events that the aim is about.
const MOST: usize = 10_000_000;
/// Transactions that put something out between two kills.
const BETWEEN: usize = 25;

struct Killed {
    remembered: usize,
    seconds: Vec<f64>,
    gib: f64,
    mib: usize,
}

/// `peer`: what the Kafka Streams peer took, and with how many remembered, where it was measured.
pub fn measure(rows: &mut Vec<Row>, bench: &Bench<'_>, data: &std::path::Path, peer: Option<f64>) -> Outcome<()> {
    let Bench { broker, options, tenants } = *bench;
    let feed = Feed::new(tenants, crate::whole::now())?;
    let site = Site::open_short(&broker.bootstrap, "r.", options.partitions, &feed)?;
    let orders = Orders { brokers: broker.bootstrap.clone(), prefix: site.prefix.clone(), data: data.to_owned() };
    let (mut have, mut live, mut measured) = (0, LIVE, Vec::new());
    for remembered in &options.killed_at {
        let mut instance = Instance::start(&orders)?;
        fill(&site, &feed, &mut instance, have, *remembered)?;
        have = have.max(*remembered);
        report::progress(&format!("{have} events are remembered, {} kills", options.kills));
        let (seconds, mib) = kill_often(&site, &feed, &orders, instance, &mut live, options.kills)?;
        #[expect(clippy::cast_precision_loss, reason = "gibibytes with one digit")]
        let gib = size_of(&data.join("state"))? as f64 / f64::from(1 << 30);
        measured.push(Killed { remembered: have, seconds, gib, mib });
    }
    rows.push(row(&measured, options, peer));
    site.close()
}

fn row(measured: &[Killed], options: &KafkaOptions, peer: Option<f64>) -> Row {
    let each = |killed: &Killed| {
        let longest = killed.seconds.iter().copied().fold(0.0, f64::max);
        format!(
            "with {} events remembered {:.2} s, longest {longest:.2} s, state {:.1} GiB, {} MiB resident",
            killed.remembered,
            median(&killed.seconds),
            killed.gib,
            killed.mib,
        )
    };
    let mut note = measured.iter().map(each).collect::<Vec<_>>().join("; ");
    if let Some(peer) = peer {
        note += &format!("; the Kafka Streams peer with {} joined {peer:.2} s", options.pairs);
    }
    let ratio = measured.iter().map(|killed| median(&killed.seconds)).fold(0.0, f64::max);
    let row = Row::reached("restart_first_output", ratio, options.kills, note);
    let most = measured.iter().map(|killed| killed.remembered).max().unwrap_or_default();
    if most < MOST { row.void(&format!("{most} events are not {MOST}")) } else { row }
}

/// Writes records of documents to the ledger, and waits until the instance has folded them.
fn fill(site: &Site, feed: &Feed, instance: &mut Instance, from: usize, to: usize) -> Outcome<()> {
    let plain = Plain::open(&site.brokers, 5)?;
    let template = feed.admit(&feed.make(What::Document(0))?)?;
    let ledger = site.name(Topic::Ledger);
    let begun = Instant::now();
    let mut at = from;
    while at < to {
        let end = to.min(at + AT_ONCE);
        let records: Vec<(Vec<u8>, Vec<u8>)> = (at..end)
            .into_par_iter()
            .map(|number| {
                let record = admitted(&template, feed, number)?;
                Ok((record.tenant.as_str().as_bytes().to_vec(), record.to_bytes()))
            })
            .collect::<Outcome<_>>()?;
        for (key, value) in &records {
            let partition = Some(partition_of(key, site.partitions));
            plain.send(&Sending { topic: &ledger, partition, key, value, timestamp: None })?;
        }
        // Not further ahead than one portion: the page cache is for the broker too.
        instance.wait_folded(u64::try_from(at - from)?)?;
        at = end;
    }
    plain.flush()?;
    instance.wait_folded(u64::try_from(at - from)?)?;
    let rate = number(at - from) / begun.elapsed().as_secs_f64();
    report::progress(&format!("filled and folded at {rate:.0} records/s"));
    Ok(())
}

/// What admission would make of the document `number`, but for its components, which are those of the template.
fn admitted(template: &LedgerRecord, feed: &Feed, number: usize) -> Outcome<LedgerRecord> {
    let tenant = feed.trust_of(number)?.tenant.clone();
    let sha256 = Digest::of(format!("{tenant} image {number}").as_bytes()).hex();
    let bytes = document(number, &sha256).into_bytes();
    let (digest, of) = (Digest::of(&bytes), subject(number, &sha256));
    let mut record = LedgerRecord { tenant: tenant.clone(), ..template.clone() };
    let Body::Admitted(body) = &mut record.body else { return Err("a document is admitted".into()) };
    body.source.offset = u64::try_from(number)?;
    body.source.key = Some(format!("{tenant}/sbom-{number}").into_bytes());
    body.input.digest = digest;
    body.input.size = u64::try_from(bytes.len())?;
    body.input.inline = Some(bytes);
    let event = body.event.as_mut().ok_or("a document is an event")?;
    let id: EventId = event_id(&tenant, event.kind, Some(&of), digest);
    event.id = id;
    event.document.bytes.digest = digest;
    event.document.bytes.size = body.input.size;
    event.document.canonical_digest = Some(Digest::of(digest.as_bytes()));
    let mut facts = event.facts.read().ok_or("facts are read as they were written")?;
    for subject in facts.subjects.iter_mut().chain(&mut facts.subject) {
        subject.clone_from(&of);
    }
    event.facts = WrittenFacts::of(&facts);
    event.subject = Some(of);
    Ok(record)
}

/// Kills the instance again and again while inputs come. Seconds to the first output, and memory after the last.
fn kill_often(
    site: &Site,
    feed: &Feed,
    orders: &Orders,
    mut instance: Instance,
    live: &mut usize,
    kills: usize,
) -> Outcome<(Vec<f64>, usize)> {
    let done = &AtomicBool::new(false);
    std::thread::scope(|scope| {
        let first = *live;
        let sending = scope.spawn(move || send_steadily(site, feed, first, done));
        let measured = (|| {
            let mut seconds = Vec::new();
            for _ in 0..kills {
                for _ in 0..BETWEEN {
                    instance.next_output()?;
                }
                instance.kill()?;
                instance = Instance::start(orders)?;
                seconds.push(instance.next_output()?.duration_since(instance.begun).as_secs_f64());
            }
            Ok((seconds, instance.resident_mib()?))
        })();
        done.store(true, Ordering::Relaxed);
        *live = sending.join().map_err(|_| "the producer panicked")??;
        measured
    })
}

/// Sends pairs until `done`; returns the number of the next.
fn send_steadily(site: &Site, feed: &Feed, first: usize, done: &AtomicBool) -> Outcome<usize> {
    let plain = Plain::open(&site.brokers, 0)?;
    let (begun, mut sent) = (Instant::now(), 0u32);
    while !done.load(Ordering::Relaxed) {
        let due = begun + Duration::from_secs(1) * sent / PAIRS_PER_SECOND;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let number = first + usize::try_from(sent)?;
        publish(&plain, site, &[feed.make(What::Document(number))?, feed.make(What::Attestation(number))?])?;
        sent += 1;
    }
    Ok(first + usize::try_from(sent)?)
}
