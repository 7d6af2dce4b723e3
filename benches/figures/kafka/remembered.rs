//! What an instance remembers before it is started: the states of its partitions, built by the silent fold of what admission
//! would make of documents. None of it lies on the broker, as after the older part of the ledger was moved away.

use std::ops::Range;
use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use attestream::event::{Digest, EventId, Topic, event_id, partition_of};
use attestream::formats::facts::WrittenFacts;
use attestream::ledger::LedgerRecord;
use attestream::ledger::record::Body;
use attestream::ledger::state::{State as _, StatePosition};
use attestream::log::{Log as _, Partition, Reader as _};
use attestream::rocks::{RocksState, StateIdentity};
use rayon::iter::ParallelIterator as _;
use rayon::iter::{IndexedParallelIterator as _, IntoParallelIterator as _, IntoParallelRefMutIterator as _};

use super::feed::{Feed, What, document, subject};
use super::interval::number;
use super::site::{Group, LEDGER, Site};
use crate::Outcome;
use crate::flat::state::{fold, open, settle};
use crate::report::progress;

/// Records that are made at once, and that are folded at once in one partition.
const AT_ONCE: usize = 16_000;
const BATCH: usize = 4_000;

/// One partition's state, and where it stands.
type Standing = (RocksState, StatePosition);

/// Adds documents to the states below `data`, which nobody has open; where there is none, one begins that has folded
/// genesis, as its group has.
pub fn remember(site: &Site, feed: &Feed, data: &Path, numbers: Range<usize>) -> Outcome<()> {
    let mut states: Vec<Standing> =
        (0..site.partitions).map(|partition| standing(site, data, partition)).collect::<Outcome<_>>()?;
    if numbers.start == 0 {
        let committed: Vec<i64> =
            states.iter().map(|(_, at)| Ok(i64::try_from(at.next_offset)?)).collect::<Outcome<_>>()?;
        let group = format!("{}restart-ledger", site.prefix);
        Group::open(&site.brokers, &group, &[site.name(Topic::Ledger)], site.partitions)?.begin_at(&committed)?;
    }
    let template = feed.admit(&feed.make(What::Document(0))?)?;
    let (begun, count) = (Instant::now(), numbers.len());
    let (sender, receiver) = sync_channel(2);
    std::thread::scope(|scope| -> Outcome<()> {
        scope.spawn(move || {
            for first in numbers.clone().step_by(AT_ONCE) {
                let some = first..numbers.end.min(first + AT_ONCE);
                if sender.send(made(&template, feed, some, site.partitions)).is_err() {
                    break;
                }
            }
        });
        for made in receiver {
            states.par_iter_mut().zip(made?).try_for_each(|((state, at), records)| {
                records.chunks(BATCH).try_for_each(|records| fold(state, at, records))
            })?;
        }
        Ok(())
    })?;
    let rate = number(count) / begun.elapsed().as_secs_f64();
    progress(&format!("{count} documents were folded, {rate:.0} a second"));
    settle()
}

/// The state of a partition; a new one has folded the partition's first record.
fn standing(site: &Site, data: &Path, partition: u32) -> Outcome<Standing> {
    let folder = data.join("state").join(partition.to_string());
    std::fs::create_dir_all(&folder)?;
    let ledger = LEDGER.to_owned();
    let mut state = open(&folder, &StateIdentity { ledger: ledger.clone(), partition })?;
    if let Some(at) = state.position()? {
        return Ok((state, at));
    }
    let first = site.log.reader(&[(Partition::of(Topic::Ledger, partition), 0)])?.read(1, Duration::from_secs(5))?;
    let first = first.first().ok_or("a ledger partition begins with genesis")?;
    let value = first.value.as_deref().unwrap_or_default();
    let (next_offset, last_offset, last_digest) = (first.offset + 1, first.offset, Digest::of(value));
    let mut at = StatePosition { ledger, partition, seq: 0, next_offset, last_offset, last_digest };
    fold(&mut state, &mut at, &[serde_json::from_slice(value)?])?;
    Ok((state, at))
}

/// Records of documents, by the partition that they belong to.
fn made(
    template: &LedgerRecord,
    feed: &Feed,
    numbers: Range<usize>,
    partitions: u32,
) -> Outcome<Vec<Vec<LedgerRecord>>> {
    let records: Vec<LedgerRecord> =
        numbers.into_par_iter().map(|number| admitted(template, feed, number)).collect::<Outcome<_>>()?;
    let mut of_partition = vec![Vec::new(); usize::try_from(partitions)?];
    for record in records {
        let partition = usize::try_from(partition_of(record.tenant.as_str().as_bytes(), partitions))?;
        of_partition.get_mut(partition).ok_or("a partition")?.push(record);
    }
    Ok(of_partition)
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
