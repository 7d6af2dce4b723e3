//! From publishing to the read-committed receipt, both stages running.
//!
//! The load is open: each record has its time, whatever became of those before, and its latency counts from that time, also
//! where the producer was late. A document's receipt is its first record on `events.enriched`, an attestation's the record on
//! `events.verified` that it brings about.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use attestream::event::Topic;
use attestream::ledger::record::Body;
use attestream::telemetry::Observer;
use rdkafka::consumer::BaseConsumer;
use rdkafka::message::Message as _;

use super::feed::{Feed, Made, What, publish, shuffled};
use super::interval::{number, per_mille};
use super::producer::{Plain, Sending};
use super::section::Bench;
use super::site::{Site, reader_at_end};
use super::watch::Watch;
use super::workers::{Stages, Workers};
use crate::Outcome;
use crate::report;
use crate::summary::Row;

/// Seconds at the beginning that are not counted.
const WARM_UP: usize = 3;
/// Records after its document that an attestation follows, as a part of a second's.
const LATER: usize = 4;
const PATIENCE: Duration = Duration::from_secs(60);
/// How early the producer begins to wait for the next record by spinning.
const EARLY: Duration = Duration::from_micros(100);

struct Load<'a> {
    site: &'a Site,
    feed: &'a Feed,
    first: usize,
}

/// A record, when it is due, and what is waited for.
struct Due {
    made: Made,
    at: Duration,
    counts: bool,
}

/// Topic of the receipt and id of the event.
type Receipt = (Topic, String);

pub fn measure(rows: &mut Vec<Row>, bench: &Bench<'_>, data: &std::path::Path) -> Outcome<()> {
    let Bench { broker, options, tenants, .. } = *bench;
    let feed = Feed::new(tenants, crate::whole::now())?;
    let site = Site::open(&broker.bootstrap, "t.", options.partitions, &feed)?;
    let watch = Arc::new(Watch::default());
    let observer = Arc::clone(&watch) as Arc<dyn Observer>;
    // A backlog of what was never seen says what the peak is.
    let inputs = feed.make_all(&shuffled(0, options.slice))?;
    publish(&Plain::open(&broker.bootstrap, 5)?, &site, &inputs)?;
    let workers = Workers::start(&site.log, "latency", data, Stages::Both, &observer)?;
    watch.wait_folded(u64::try_from(inputs.len())?)?;
    let wall = watch.start()?.spent()?.wall;
    let peak = number(inputs.len()) / wall.as_secs_f64();
    drop(inputs);

    let mut load = Load { site: &site, feed: &feed, first: options.slice };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate of records")]
    let half = (peak / 2.0) as usize;
    for (name, rate) in [("latency_p99_2000", 2_000), ("latency_p99_half", half)] {
        report::progress(&format!("latency at {rate} records/s"));
        let mut latencies = load.run(rate, options.seconds)?;
        latencies.sort_by(f64::total_cmp);
        let at = |per| per_mille(&latencies, per) * 1e3;
        let note = format!(
            "p50 {:.1}, p99 {:.1}, p99.9 {:.1}, longest {:.1} ms of {} records at {rate}/s; peak {peak:.0}/s",
            at(500),
            at(990),
            at(999),
            at(1_000),
            latencies.len(),
        );
        rows.push(Row::reached(name, at(990), 1, note));
    }
    workers.stop()?;
    site.close()
}

impl Load<'_> {
    /// Latencies in seconds.
    fn run(&mut self, rate: usize, seconds: usize) -> Outcome<Vec<f64>> {
        let due = self.schedule(rate, seconds + WARM_UP)?;
        let expected = self.expected(&due)?;
        let outputs = [Topic::Enriched, Topic::Verified].map(|topic| self.site.name(topic));
        let reader = reader_at_end(&self.site.brokers, &outputs, self.site.partitions)?;
        let plain = Plain::open(&self.site.brokers, 0)?;
        // The reader finds its brokers before the first record is due.
        drop(reader.poll(Duration::from_millis(500)));
        let begun = Instant::now() + Duration::from_millis(200);
        let received = std::thread::scope(|scope| {
            let receiving = scope.spawn(|| receive(&reader, self.site, &expected, begun));
            self.send(&plain, &due, begun)?;
            receiving.join().map_err(|_| "the reader panicked")?
        })?;
        let counted = due.iter().zip(received).filter(|(due, _)| due.counts);
        Ok(counted.map(|(due, received)| received.saturating_sub(due.at).as_secs_f64()).collect())
    }

    /// Documents on even places, and on odd ones the attestations of those a quarter of a second before.
    fn schedule(&mut self, rate: usize, seconds: usize) -> Outcome<Vec<Due>> {
        let (first, later) = (self.first, rate / LATER / 2);
        let what = |place: usize| match (place % 2, place / 2) {
            (0, pair) => Some(What::Document(first + pair)),
            (_, pair) => pair.checked_sub(later).map(|pair| What::Attestation(first + pair)),
        };
        let places: Vec<(usize, What)> = (0..rate * seconds).filter_map(|place| Some((place, what(place)?))).collect();
        self.first += rate * seconds;
        let made = self.feed.make_all(&places.iter().map(|(_, what)| *what).collect::<Vec<_>>())?;
        let due = places.into_iter().zip(made).map(|((place, _), made)| Due {
            made,
            at: Duration::from_secs_f64(number(place) / number(rate)),
            counts: place >= rate * WARM_UP,
        });
        Ok(due.collect())
    }

    /// Which record is waited for, by what it will be recognised.
    fn expected(&self, due: &[Due]) -> Outcome<HashMap<Receipt, usize>> {
        let mut ids = HashMap::new();
        let mut expected = HashMap::new();
        for (at, due) in due.iter().enumerate() {
            match due.made.what {
                What::Document(number) => {
                    let Body::Admitted(admitted) = self.feed.admit(&due.made)?.body else {
                        return Err("a document is admitted".into());
                    };
                    let id = admitted.event.ok_or("a document is an event")?.id;
                    expected.insert((Topic::Enriched, id.clone()), at);
                    ids.insert(number, id);
                }
                What::Attestation(number) => {
                    let id = ids.get(&number).ok_or("its document comes first")?;
                    expected.insert((Topic::Verified, id.clone()), at);
                }
            }
        }
        Ok(expected)
    }

    fn send(&self, plain: &Plain, due: &[Due], begun: Instant) -> Outcome<()> {
        let topics = [Topic::SbomSubmitted, Topic::AttestationPublished].map(|topic| self.site.name(topic));
        let [documents, attestations] = &topics;
        for due in due {
            let at = begun + due.at;
            let left = at.saturating_duration_since(Instant::now());
            if left > EARLY {
                std::thread::sleep(left - EARLY / 2);
            }
            let topic = if due.made.topic == Topic::SbomSubmitted { documents } else { attestations };
            let (key, value) = (&due.made.key, &due.made.value);
            plain.send(&Sending { topic, partition: None, key, value, timestamp: None })?;
        }
        plain.flush()
    }
}

/// When each record was received, since `begun`.
fn receive(
    reader: &BaseConsumer,
    site: &Site,
    expected: &HashMap<Receipt, usize>,
    begun: Instant,
) -> Outcome<Vec<Duration>> {
    let enriched = site.name(Topic::Enriched);
    let mut received: Vec<Option<Duration>> = vec![None; expected.len()];
    let (mut missing, mut last) = (expected.len(), Instant::now());
    while missing > 0 {
        if last.elapsed() > PATIENCE {
            return Err(format!("{missing} of {} records were never received", expected.len()).into());
        }
        let Some(polled) = reader.poll(Duration::from_millis(100)) else { continue };
        let Ok(message) = polled else { continue };
        let (now, key) = (Instant::now(), message.key().unwrap_or_default());
        let topic = if message.topic() == enriched { Topic::Enriched } else { Topic::Verified };
        let id = std::str::from_utf8(key)?.split_once('/').ok_or("a key of tenant and id")?.1.to_owned();
        let Some(at) = expected.get(&(topic, id)) else { continue };
        if let Some(slot @ None) = received.get_mut(*at) {
            *slot = Some(now.saturating_duration_since(begun));
            (missing, last) = (missing - 1, now);
        }
    }
    received.into_iter().map(|one| one.ok_or_else(|| "received".into())).collect()
}
