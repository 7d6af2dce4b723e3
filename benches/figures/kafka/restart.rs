//! How long an instance that was killed takes from its new start to its first committed output.
//!
//! What it remembers was folded before it began; then inputs come steadily, and the instance is killed and started again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::child::{Instance, Orders, size_of};
use super::feed::{Feed, What, publish};
use super::interval::median;
use super::options::KafkaOptions;
use super::producer::Plain;
use super::remembered::remember;
use super::section::Bench;
use super::site::Site;
use crate::Outcome;
use crate::report;
use crate::summary::Row;

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
    let Bench { broker, options, tenants, .. } = *bench;
    let feed = Feed::new(tenants, crate::whole::now())?;
    let site = Site::open(&broker.bootstrap, "r.", options.partitions, &feed)?;
    let orders = Orders { brokers: broker.bootstrap.clone(), prefix: site.prefix.clone(), data: data.to_owned() };
    let (mut have, mut live, mut measured) = (0, LIVE, Vec::new());
    for remembered in &options.killed_at {
        remember(&site, &feed, data, have..*remembered)?;
        have = have.max(*remembered);
        let instance = Instance::start(&orders)?;
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
