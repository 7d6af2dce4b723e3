//! The state of one ledger partition: one database with the families `rows`, `blobs` and `meta`.
//!
//! `meta` has one key, `identity` (format, ledger id, partition; written once, synced). The position is written in the
//! batch of every memo, and lies among the rows: where the manifest is cut, it goes back with them. Beside it each batch
//! leaves a trace, its number: where tables of different times are put together, traces are missing and the state is
//! corrupt. Blobs that went back further are missed by the fold (`state-broken`), never read wrongly.
//!
//! Memos are not in a write-ahead log, as the ledger is one: it would be written a second time, at a third of what
//! remembering costs. They are in memory until all families are flushed together, at once or not at all, which happens
//! when memory fills, after [`UNFLUSHED`] records, with every snapshot and at the end. A crash of the process or a loss of
//! power loses a tail of whole memos, and the next start folds it again.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rocksdb::{DB, Direction, FlushOptions, IteratorMode, ReadOptions, WriteBatch, WriteOptions};
use serde::{Deserialize, Serialize};

use crate::event::Digest;
use crate::ledger::state::{Memo, Recall, Row, State, StateError, StateHash, StatePosition};

use super::budget::Holds;
use super::database::{after_prefix, family, is_empty, open, set_aside};
use super::{MemoryBudget, StoreCode, StoreError};

/// The format of the stored state: families, keys of `meta`. What rows say is the fold's, and in its version.
pub const STATE_FORMAT: u32 = 3;

const ROWS: &str = "rows";
const BLOBS: &str = "blobs";
const META: &str = "meta";
const FAMILIES: [(&str, Holds); 3] = [(ROWS, Holds::Rows), (BLOBS, Holds::Values), (META, Holds::Rows)];
const IDENTITY: &str = "identity";
/// What keys of the rows' family begin with that are no rows: behind every kind of the keyspace.
const RESERVED: &[u8] = b"\xff\xff\xff\xff";
const POSITION: &[u8] = b"\xff\xff\xff\xffposition";
const TRACE: &[u8] = b"\xff\xff\xff\xfftrace";
/// Traces that are kept: of the last batches.
const TRACES: u64 = 4_096;
/// Records after which what they left in memory is flushed: as many as are folded again after a crash, at most, but for
/// those of the flush that is under way: a fraction of a second's work in each partition.
const UNFLUSHED: u64 = 4_096;

/// Whose state it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateIdentity {
    /// The ledger's id, from genesis.
    pub ledger: String,
    pub partition: u32,
}

/// What a database says of itself. Unknown members are a newer version's and do not matter for telling that it is one.
#[derive(Serialize, Deserialize)]
struct StoreId {
    format: u32,
    #[serde(flatten)]
    identity: StateIdentity,
}

/// Where a state stands, as it is stored.
#[derive(Serialize, Deserialize)]
struct Standing {
    position: StatePosition,
    /// The number of the batch that brought it here, counted from one.
    batch: u64,
}

/// An open state, and the store that had to make room for it.
pub struct Opened {
    pub state: RocksState,
    /// Why the store that was found could not be used, and where it lies now.
    pub set_aside: Option<(StoreError, PathBuf)>,
}

/// Reads of a state, from any thread and while it is written. Each call sees whole memos only.
#[derive(Clone)]
pub struct RocksView {
    db: Arc<DB>,
}

/// A state in RocksDB.
pub struct RocksState {
    view: RocksView,
    identity: StateIdentity,
    position: Option<StatePosition>,
    batch: u64,
    /// Records that had been folded when the last flush was begun.
    flushed: u64,
}

impl RocksState {
    /// Opens or creates the state of `identity` in `dir`. A store of another ledger or partition, or of a newer format,
    /// is set aside and a new one begun. One that is locked or corrupt is an error: [`set_aside`] is for the person who
    /// has read it.
    pub fn open(dir: &Path, identity: &StateIdentity, budget: &MemoryBudget) -> Result<Opened, StoreError> {
        match Self::open_own(dir, identity, budget) {
            Ok(state) => Ok(Opened { state, set_aside: None }),
            Err(error) if matches!(error.code, StoreCode::Foreign | StoreCode::Future) => {
                let aside = set_aside(dir)?;
                let state = Self::open_own(dir, identity, budget)?;
                Ok(Opened { state, set_aside: Some((error, aside)) })
            }
            Err(error) => Err(error),
        }
    }

    /// Opens or creates, and leaves a store that is not ours where it is.
    pub(super) fn open_own(dir: &Path, identity: &StateIdentity, budget: &MemoryBudget) -> Result<Self, StoreError> {
        let db = open(dir, &FAMILIES, budget, |options| options.set_atomic_flush(true))?;
        match db.get_cf(family(&db, META)?, IDENTITY)? {
            Some(found) => check_identity(&found, identity)?,
            None if is_empty(&db, &FAMILIES)? => write_identity(&db, identity)?,
            None => return Err(StoreError::new(StoreCode::Foreign, "a database without an identity")),
        }
        let standing: Option<Standing> =
            db.get_cf(family(&db, ROWS)?, POSITION)?.map(|found| parse(&found)).transpose()?;
        check_traces(&db, standing.as_ref())?;
        let (position, batch) = standing.map_or((None, 0), |standing| (Some(standing.position), standing.batch));
        let flushed = position.as_ref().map_or(0, |position| position.seq);
        Ok(RocksState { view: RocksView { db: Arc::new(db) }, identity: identity.clone(), position, batch, flushed })
    }

    /// Reads for other threads.
    pub fn view(&self) -> RocksView {
        self.view.clone()
    }

    pub fn identity(&self) -> &StateIdentity {
        &self.identity
    }

    /// Reads everything there is, which finds what the disk changed.
    pub(super) fn read_through(&self) -> Result<(), StoreError> {
        for (name, _) in FAMILIES {
            let mut options = ReadOptions::default();
            options.fill_cache(false);
            for row in self.view.db.iterator_cf_opt(family(&self.view.db, name)?, options, IteratorMode::Start) {
                row?;
            }
        }
        Ok(())
    }

    /// Everything remembered so far as files of its own in `dir`, which must not exist.
    pub(super) fn checkpoint(&self, dir: &Path) -> Result<(), StoreError> {
        Ok(rocksdb::checkpoint::Checkpoint::new(&self.view.db)?.create_checkpoint(dir)?)
    }

    /// Begins to write what is in memory, all families at once: one that was flushed alone would be of another time.
    fn begin_flush(&self) -> Result<(), StoreError> {
        let db = &self.view.db;
        let mut options = FlushOptions::default();
        options.set_wait(false);
        Ok(db.flush_cfs_opt(&[family(db, ROWS)?, family(db, BLOBS)?, family(db, META)?], &options)?)
    }
}

fn check_identity(found: &[u8], expected: &StateIdentity) -> Result<(), StoreError> {
    let format = serde_json::from_slice::<serde_json::Value>(found).ok();
    let format = format.as_ref().and_then(|value| value.get("format")).and_then(serde_json::Value::as_u64);
    if format.is_some_and(|format| format > u64::from(STATE_FORMAT)) {
        return Err(StoreError::new(StoreCode::Future, format!("format {}", format.unwrap_or_default())));
    }
    if format.is_some_and(|format| format < u64::from(STATE_FORMAT)) {
        // Where it stands cannot be believed: it is built again from the ledger.
        return Err(StoreError::new(StoreCode::Foreign, format!("format {}", format.unwrap_or_default())));
    }
    let StoreId { identity, .. } = parse(found)?;
    if identity == *expected {
        return Ok(());
    }
    Err(StoreError::new(StoreCode::Foreign, format!("of ledger {}, partition {}", identity.ledger, identity.partition)))
}

/// Bytes of a batch that writes `memo`, not less: beside keys and values, lengths, kinds, families, and the position.
fn size(memo: &Memo) -> usize {
    let rows = memo.rows.iter().map(|(key, value)| 16 + key.len() + value.as_ref().map_or(0, Vec::len));
    let blobs = memo.blobs.values().map(|bytes| 48 + bytes.len());
    1024 + rows.sum::<usize>() + blobs.sum::<usize>()
}

fn trace(batch: u64) -> Vec<u8> {
    [TRACE, &batch.to_be_bytes()].concat()
}

/// The last batches are all there, or there never was one.
fn check_traces(db: &DB, standing: Option<&Standing>) -> Result<(), StoreError> {
    let gap = |detail: &str| StoreError::new(StoreCode::Corrupt, format!("batches are missing: {detail}"));
    let rows = family(db, ROWS)?;
    let Some(standing) = standing else {
        let first = db.iterator_cf(rows, IteratorMode::Start).next().transpose()?;
        return first.map_or(Ok(()), |_| Err(gap("rows without a position")));
    };
    let mut next = standing.batch.saturating_sub(TRACES) + 1;
    for row in db.iterator_cf(rows, IteratorMode::From(TRACE, Direction::Forward)) {
        let (key, _) = row?;
        if *key != *trace(next) {
            return Err(gap(&format!("number {next} of {}", standing.batch)));
        }
        next += 1;
    }
    if next == standing.batch + 1 { Ok(()) } else { Err(gap(&format!("from number {next} of {}", standing.batch))) }
}

fn write_identity(db: &DB, identity: &StateIdentity) -> Result<(), StoreError> {
    let id = StoreId { format: STATE_FORMAT, identity: identity.clone() };
    let json = serde_json::to_vec(&id).map_err(|error| StoreError::new(StoreCode::Failed, error.to_string()))?;
    let mut synced = WriteOptions::default();
    synced.set_sync(true);
    Ok(db.put_cf_opt(family(db, META)?, IDENTITY, json, &synced)?)
}

fn parse<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, StoreError> {
    serde_json::from_slice(json).map_err(|error| StoreError::new(StoreCode::Corrupt, format!("meta: {error}")))
}

fn failed(error: rocksdb::Error) -> StateError {
    StoreError::from(error).into()
}

impl Recall for RocksView {
    fn get_many(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, StateError> {
        let rows = family(&self.db, ROWS)?;
        let found = self.db.batched_multi_get_cf(rows, keys, keys.is_sorted());
        found.into_iter().map(|value| Ok(value.map_err(failed)?.map(|value| value.to_vec()))).collect()
    }

    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Row>, StateError> {
        let mut options = ReadOptions::default();
        if let Some(bound) = after_prefix(prefix) {
            options.set_iterate_upper_bound(bound);
        }
        let start = after.map_or(prefix, |after| after.max(prefix));
        let from = IteratorMode::From(start, Direction::Forward);
        let mut found = Vec::new();
        for row in self.db.iterator_cf_opt(family(&self.db, ROWS)?, options, from) {
            if found.len() >= limit {
                break;
            }
            let (key, value) = row.map_err(failed)?;
            if after.is_none_or(|after| *key > *after) && !key.starts_with(RESERVED) {
                found.push((key.into(), value.into()));
            }
        }
        Ok(found)
    }

    fn blob(&self, digest: Digest) -> Result<Option<Vec<u8>>, StateError> {
        self.db.get_cf(family(&self.db, BLOBS)?, digest.as_bytes()).map_err(failed)
    }
}

impl Recall for RocksState {
    fn get_many(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, StateError> {
        self.view.get_many(keys)
    }

    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Row>, StateError> {
        self.view.scan(prefix, after, limit)
    }

    fn blob(&self, digest: Digest) -> Result<Option<Vec<u8>>, StateError> {
        self.view.blob(digest)
    }
}

impl State for RocksState {
    fn position(&self) -> Result<Option<StatePosition>, StateError> {
        Ok(self.position.clone())
    }

    fn remember(&mut self, memo: Memo, position: &StatePosition) -> Result<(), StateError> {
        let StateIdentity { ledger, partition } = &self.identity;
        if position.ledger != *ledger || position.partition != *partition {
            return Err(StateError(format!(
                "a position of {}-{} is not of this state",
                position.ledger, position.partition
            )));
        }
        let db = &self.view.db;
        let (rows, blobs) = (family(db, ROWS)?, family(db, BLOBS)?);
        let mut batch = WriteBatch::with_capacity_bytes(size(&memo));
        for (key, value) in memo.rows {
            match value {
                Some(value) => batch.put_cf(rows, key, value),
                None => batch.delete_cf(rows, key),
            }
        }
        for (digest, bytes) in memo.blobs {
            batch.put_cf(blobs, digest.as_bytes(), bytes);
        }
        let number = self.batch + 1;
        let standing = Standing { position: position.clone(), batch: number };
        let json = serde_json::to_vec(&standing).map_err(|error| StateError(error.to_string()))?;
        batch.put_cf(rows, POSITION, json);
        batch.put_cf(rows, trace(number), b"");
        if let Some(old) = number.checked_sub(TRACES).filter(|old| *old > 0) {
            batch.delete_cf(rows, trace(old));
        }
        let mut options = WriteOptions::default();
        options.disable_wal(true);
        db.write_opt(batch, &options).map_err(failed)?;
        (self.position, self.batch) = (Some(position.clone()), number);
        if position.seq.saturating_sub(self.flushed) >= UNFLUSHED {
            self.begin_flush()?;
            self.flushed = position.seq;
        }
        Ok(())
    }

    fn state_hash(&self) -> Result<Digest, StateError> {
        let mut options = ReadOptions::default();
        // One pass over everything would push out what the fold needs.
        options.fill_cache(false);
        let db = &self.view.db;
        let mut hash = StateHash::default();
        for row in db.iterator_cf_opt(family(db, ROWS)?, options, IteratorMode::Start) {
            let (key, value) = row.map_err(failed)?;
            if !key.starts_with(RESERVED) {
                hash.row(&key, &value);
            }
        }
        Ok(hash.finish(self.position.as_ref()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_so_many_records_all_families_are_flushed() {
        let folder = tempfile::tempdir().unwrap();
        let identity = StateIdentity { ledger: "a".to_owned(), partition: 2 };
        let mut state = RocksState::open_own(folder.path(), &identity, &MemoryBudget::default()).unwrap();
        let mut in_memory = |seq: u64| {
            let position = StatePosition {
                ledger: "a".to_owned(),
                partition: 2,
                seq,
                next_offset: seq,
                last_offset: seq - 1,
                last_digest: Digest::of(b""),
            };
            let blobs = [(Digest::of(b"x"), b"x".to_vec())].into();
            state.remember(Memo { rows: [(vec![1], Some(vec![1]))].into(), blobs }, &position).unwrap();
            [ROWS, BLOBS].map(|name| {
                let active = "rocksdb.num-entries-active-mem-table";
                state.view.db.property_int_value_cf(family(&state.view.db, name).unwrap(), active).unwrap().unwrap()
            })
        };
        assert_eq!(in_memory(UNFLUSHED - 1), [3, 1], "a row, the position, the trace; a value");
        assert_eq!(in_memory(UNFLUSHED), [0, 0]);
        assert_eq!(in_memory(2 * UNFLUSHED - 1), [3, 1], "counted from there");
        assert_eq!(in_memory(2 * UNFLUSHED), [0, 0]);
    }
}
