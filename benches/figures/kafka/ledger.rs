//! The ledger stage alone: what admission made of the same inputs lies in the ledger, and one worker folds it.

use std::path::Path;
use std::sync::Arc;

use attestream::event::{Topic, partition_of};
use attestream::telemetry::Observer;
use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};

use super::feed::{Feed, Made, What};
use super::peer::{Halves, Peer, Stretch};
use super::producer::{Plain, Sending};
use super::site::{Group, Site};
use super::watch::Watch;
use super::workers::{Stages, Workers};
use crate::Outcome;
use crate::report;
use crate::spent::Start;

/// Inputs that are made at once.
const AT_ONCE: usize = 8_000;

/// Writes inputs to the peer's topics, and what admission makes of them to the ledger, in the same order. Returns the mean
/// sizes of documents and attestations.
pub fn prepare(site: &Site, peer: &Peer, feed: &Feed, order: &[What]) -> Outcome<[usize; 2]> {
    let plain = Plain::open(&site.brokers, 5)?;
    let ledger = site.name(Topic::Ledger);
    let mut sizes = [0, 0];
    for (chunk, what) in order.chunks(AT_ONCE).enumerate() {
        let made = feed.make_all(what)?;
        let admitted: Vec<Vec<u8>> =
            made.par_iter().map(|made| Ok(feed.admit(made)?.to_bytes())).collect::<Outcome<_>>()?;
        for (at, (made, admitted)) in made.iter().zip(&admitted).enumerate() {
            // Time stamps increase by a millisecond from record to record.
            let timestamp = feed.at.0 - i64::try_from(order.len() - chunk * AT_ONCE - at)?;
            for (size, topic) in sizes.iter_mut().zip([Topic::SbomSubmitted, Topic::AttestationPublished]) {
                *size += if topic == made.topic { made.value.len() } else { 0 };
            }
            send_both(&plain, site, peer, &ledger, made, admitted, timestamp)?;
        }
        if chunk % 10 == 9 {
            report::progress(&format!("{} of {} inputs are prepared", (chunk + 1) * AT_ONCE, order.len()));
        }
    }
    plain.flush()?;
    Ok(sizes.map(|size| size * 2 / order.len().max(1)))
}

fn send_both(
    plain: &Plain,
    site: &Site,
    peer: &Peer,
    ledger: &str,
    made: &Made,
    admitted: &[u8],
    timestamp: i64,
) -> Outcome<()> {
    let topic = if made.topic == Topic::SbomSubmitted { &peer.events } else { &peer.attestations };
    let timestamp = Some(timestamp);
    plain.send(&Sending { topic, partition: None, key: made.digest.as_bytes(), value: &made.value, timestamp })?;
    let key = made.tenant.as_str().as_bytes();
    let partition = Some(partition_of(key, site.partitions));
    plain.send(&Sending { topic: ledger, partition, key, value: admitted, timestamp })
}

/// Folds the whole ledger under a name of its own, from nothing.
pub fn run(site: &Site, application: &str, data: &Path, pairs: usize) -> Outcome<Halves> {
    let records = 2 * pairs;
    let group = format!("{}{application}-ledger", site.prefix);
    Group::open(&site.brokers, &group, &[site.name(Topic::Ledger)], site.partitions)?.begin_at_first()?;
    let watch = Arc::new(Watch::default());
    let observer = Arc::clone(&watch) as Arc<dyn Observer>;
    let start = Start::now()?;
    let workers = Workers::start(&site.log, application, data, Stages::Ledger, &observer)?;
    watch.wait_folded(u64::try_from(records / 2)?)?;
    let (before, first) = (usize::try_from(watch.folded())?, start.spent()?);
    watch.wait_folded(u64::try_from(records)?)?;
    let whole = start.spent()?;
    workers.stop()?;
    watch.all_verified(pairs)?;
    Ok(Halves {
        whole: Stretch { records, cpu: whole.cpu, wall: whole.wall },
        second: Stretch {
            records: records - before,
            cpu: whole.cpu.saturating_sub(first.cpu),
            wall: whole.wall.saturating_sub(first.wall),
        },
    })
}
