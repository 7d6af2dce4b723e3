//! Bringing a state up to the group's committed offset: the silent fold. It is the whole of recovery, and the start of
//! every assignment.
//!
//! | stored `s` | committed `c` | what follows |
//! |---|---|---|
//! | `s = c` | | go on |
//! | `s < c` | | fold `s..c` silently, outputs suppressed: they are in the log already |
//! | `s > c` | | `state-ahead`: not ready |
//! | any | absent | the position on `attestream.positions` stands in; none on a ledger that is not empty: `position-lost` |

use std::time::{Duration, Instant};

use crate::event::{Digest, Topic};
use crate::ledger::control::Position;
use crate::ledger::state::State;
use crate::log::{Log, LogError, Partition, Reader, Record};

use super::partition::{Fold, Halt, NotReady, Owned};

/// Records that one silent batch folds.
const BATCH: usize = 4_000;

/// Why a state was not brought up.
#[derive(Debug)]
pub enum CatchUpError {
    NotReady(NotReady),
    Log(LogError),
}

impl From<LogError> for CatchUpError {
    fn from(error: LogError) -> Self {
        CatchUpError::Log(error)
    }
}

/// Folds silently up to `committed`. Returns how many records that took. `alive` is called between batches and says
/// whether to go on.
pub fn catch_up<L: Log, S: State>(
    log: &L,
    owned: &mut Owned<S>,
    committed: u64,
    fold: Fold,
    alive: &mut dyn FnMut() -> Result<bool, LogError>,
) -> Result<u64, CatchUpError> {
    let partition = Partition::of(Topic::Ledger, owned.number);
    check_last(log, owned, partition)?;
    let stored = owned.folded_to();
    if stored > committed {
        return Err(CatchUpError::NotReady(NotReady::StateAhead));
    }
    let mut folded = 0;
    if stored < committed {
        let mut reader = log.reader(&[(partition, stored)])?;
        loop {
            let records = reader.read(BATCH, Duration::from_millis(200))?;
            let below: Vec<Record> = records.iter().filter(|record| record.offset < committed).cloned().collect();
            let past = below.len() < records.len();
            folded += fold_silently(owned, &below, fold)?;
            if past || (records.is_empty() && reader.at_end()?) {
                break;
            }
            if !alive()? {
                return Ok(folded);
            }
        }
    }
    owned.next = committed;
    Ok(folded)
}

fn fold_silently<S: State>(owned: &mut Owned<S>, records: &[Record], fold: Fold) -> Result<u64, CatchUpError> {
    if records.is_empty() {
        return Ok(0);
    }
    let batch = owned.fold(records, fold, true);
    let halt = batch.halt;
    let count = u64::try_from(batch.steps.len()).unwrap_or(0);
    owned.remember(batch).map_err(|_| CatchUpError::NotReady(NotReady::StateFailed))?;
    match halt {
        None => Ok(count),
        Some(Halt::Retry { .. }) => fold_silently(owned, records, fold).map(|more| count + more),
        Some(Halt::Stop { code, .. }) => Err(CatchUpError::NotReady(code)),
    }
}

/// The record that the state folded last must be the one in the log: else the state belongs to another log.
fn check_last<L: Log, S: State>(log: &L, owned: &Owned<S>, partition: Partition) -> Result<(), CatchUpError> {
    let Some(position) = &owned.position else { return Ok(()) };
    let foreign = || CatchUpError::NotReady(NotReady::StateForeign);
    let range = log.range(partition)?;
    if position.last_offset >= range.end {
        return Err(CatchUpError::NotReady(NotReady::StateAhead));
    }
    if position.last_offset < range.first {
        return Ok(());
    }
    let mut reader = log.reader(&[(partition, position.last_offset)])?;
    loop {
        let records = reader.read(1, Duration::from_millis(200))?;
        if let Some(record) = records.first() {
            let same = record.offset == position.last_offset
                && Digest::of(record.value.as_deref().unwrap_or_default()) == position.last_digest;
            return if same { Ok(()) } else { Err(foreign()) };
        }
        if reader.at_end()? {
            return Err(foreign());
        }
    }
}

/// The last position of every ledger partition, from the compacted topic: read whole, only where a committed offset is
/// absent (Kafka drops the offsets of an idle group).
pub fn positions<L: Log>(log: &L) -> Result<Vec<Position>, LogError> {
    let count = log.partitions(Topic::Positions)?;
    let mut start = Vec::new();
    for number in 0..count {
        let partition = Partition::of(Topic::Positions, number);
        start.push((partition, log.range(partition)?.first));
    }
    let mut reader = log.reader(&start)?;
    let mut positions: std::collections::BTreeMap<u32, Position> = std::collections::BTreeMap::new();
    let begun = Instant::now();
    loop {
        let records = reader.read(BATCH, Duration::from_millis(200))?;
        for record in &records {
            let Ok(position) = serde_json::from_slice::<Position>(record.value.as_deref().unwrap_or_default()) else {
                continue;
            };
            positions.insert(position.partition, position);
        }
        if records.is_empty() && reader.at_end()? {
            return Ok(positions.into_values().collect());
        }
        if begun.elapsed() > Duration::from_secs(60) {
            return Err(LogError::Unreachable("the end of attestream.positions".to_owned()));
        }
    }
}
