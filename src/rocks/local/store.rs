//! Committed records in RocksDB.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard};

use rocksdb::{DB, DBRecoveryMode, Direction, IteratorMode, ReadOptions, WriteBatch, WriteOptions};

use crate::event::{Topic, TopicName};
use crate::log::embedded::{Batch, Chunk, Store, in_range};
use crate::log::{LogError, Partition, Range, Record};
use crate::rocks::database::{family, is_empty, open};
use crate::rocks::{MemoryBudget, StoreCode, StoreError};

use super::{format, keys, tail};

const LOG_FORMAT: u32 = 1;

/// The store of a local log.
pub struct RocksStore {
    dir: PathBuf,
    budget: MemoryBudget,
    opened: RwLock<Opened>,
    counts: BTreeMap<Topic, u32>,
    /// One past the last record of each partition, as readers may see it: it moves after the batch is synced.
    ends: Mutex<BTreeMap<Partition, u64>>,
}

/// The database between two openings.
struct Opened {
    /// `None`: the last opening failed.
    db: Option<DB>,
    /// A commit failed. What the disk has of it shows at the next opening; until then nothing may follow it.
    failed: bool,
}

impl Opened {
    fn db(&self) -> Result<&DB, LogError> {
        self.db.as_ref().ok_or_else(|| StoreError::new(StoreCode::Failed, "the log could not be opened again").into())
    }
}

impl RocksStore {
    pub(super) fn open(dir: &Path, wanted: &[(Topic, u32)], budget: &MemoryBudget) -> Result<Self, LogError> {
        let db = open_checked(dir, budget)?;
        let counts = settle_topics(&db, wanted)?;
        let ends = Mutex::new(read_ends(&db)?);
        let opened = RwLock::new(Opened { db: Some(db), failed: false });
        Ok(RocksStore { dir: dir.to_owned(), budget: budget.clone(), opened, counts, ends })
    }

    fn opened(&self) -> RwLockReadGuard<'_, Opened> {
        self.opened.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn batch_of(&self, db: &DB, batch: Batch, ends: &mut BTreeMap<Partition, u64>) -> Result<WriteBatch, LogError> {
        let (records, meta) = (family(db, keys::RECORDS)?, family(db, keys::META)?);
        let offsets = family(db, keys::OFFSETS)?;
        let mut write = WriteBatch::default();
        for (partition, timestamp, record) in batch.records {
            let end = ends.entry(partition).or_insert(self.range(partition)?.end);
            write.put_cf(records, keys::record(partition, *end), format::encode(timestamp, &record));
            *end += 1;
        }
        for (partition, end) in ends {
            write.put_cf(meta, keys::end(*partition), end.to_be_bytes());
        }
        for (group, partition, next) in batch.offsets {
            if group.contains('\0') {
                return Err(LogError::Configuration(String::from("a group's name has no NUL")));
            }
            write.put_cf(offsets, keys::offset(&group, partition), next.to_be_bytes());
        }
        Ok(write)
    }
}

/// A torn last batch is cut off. Damage before it is refused: going on without records that were acknowledged would be
/// the loss that nobody sees.
fn open_checked(dir: &Path, budget: &MemoryBudget) -> Result<DB, LogError> {
    if dir.exists() {
        tail::check(dir)?;
    }
    let db = open(dir, &keys::FAMILIES, budget, |options| options.set_wal_recovery_mode(DBRecoveryMode::PointInTime))?;
    check_format(&db)?;
    Ok(db)
}

fn failed(error: rocksdb::Error) -> LogError {
    StoreError::from(error).into()
}

fn get(db: &DB, name: &str, key: &[u8]) -> Result<Option<Vec<u8>>, LogError> {
    db.get_cf(family(db, name)?, key).map_err(failed)
}

fn put_synced(db: &DB, key: &str, value: &[u8]) -> Result<(), LogError> {
    db.put_cf_opt(family(db, keys::META)?, key, value, &synced()).map_err(failed)
}

fn synced() -> WriteOptions {
    let mut options = WriteOptions::default();
    options.set_sync(true);
    options
}

/// The ends of all partitions that anything was written to, own topics among them.
fn read_ends(db: &DB) -> Result<BTreeMap<Partition, u64>, LogError> {
    let mut ends = BTreeMap::new();
    let meta = family(db, keys::META)?;
    for row in db.iterator_cf(meta, IteratorMode::From(keys::ENDS, Direction::Forward)) {
        let (key, value) = row.map_err(failed)?;
        if !key.starts_with(keys::ENDS) {
            break;
        }
        let named = keys::of_end(&key).zip(keys::number(&value));
        let (partition, end) = named.ok_or_else(|| StoreError::new(StoreCode::Corrupt, "the end of no partition"))?;
        ends.insert(partition, end);
    }
    Ok(ends)
}

/// A log is never set aside by itself: it is the truth, not a cache.
fn check_format(db: &DB) -> Result<(), LogError> {
    let Some(found) = get(db, keys::META, keys::FORMAT.as_bytes())? else {
        if is_empty(db, &keys::FAMILIES)? {
            return put_synced(db, keys::FORMAT, LOG_FORMAT.to_string().as_bytes());
        }
        return Err(StoreError::new(StoreCode::Foreign, "no local log").into());
    };
    let format: Option<u32> = std::str::from_utf8(&found).ok().and_then(|text| text.parse().ok());
    match format {
        Some(LOG_FORMAT) => Ok(()),
        Some(format) if format > LOG_FORMAT => {
            Err(StoreError::new(StoreCode::Future, format!("a local log of format {format}")).into())
        }
        _ => Err(StoreError::new(StoreCode::Corrupt, "a local log of no format").into()),
    }
}

/// Partition counts are fixed when a topic is first seen. A topic that an older version did not know is added.
fn settle_topics(db: &DB, wanted: &[(Topic, u32)]) -> Result<BTreeMap<Topic, u32>, LogError> {
    let stored = get(db, keys::META, keys::TOPICS.as_bytes())?;
    let corrupt = |error: serde_json::Error| LogError::from(StoreError::new(StoreCode::Corrupt, error.to_string()));
    let stored: BTreeMap<Topic, u32> =
        stored.map(|json| serde_json::from_slice(&json)).transpose().map_err(corrupt)?.unwrap_or_default();
    let mut counts = stored.clone();
    for (topic, count) in wanted {
        let known = *counts.entry(*topic).or_insert(*count);
        if known != *count || known == 0 {
            let problem = format!("has {known} partitions, not {count}");
            return Err(LogError::Topic { topic: topic.to_string(), problem });
        }
    }
    for topic in Topic::ALL {
        counts.entry(*topic).or_insert(super::log::default_count(*topic));
    }
    if counts != stored {
        put_synced(db, keys::TOPICS, &serde_json::to_vec(&counts).map_err(corrupt)?)?;
    }
    Ok(counts)
}

impl Store for RocksStore {
    /// A tenant's own topic has as many as the shared one, whose number never changes.
    fn partitions(&self, name: TopicName) -> Result<u32, LogError> {
        let count = self.counts.get(&name.topic).copied();
        count.ok_or_else(|| LogError::Topic { topic: name.to_string(), problem: String::from("is unknown") })
    }

    fn range(&self, partition: Partition) -> Result<Range, LogError> {
        if partition.number >= self.partitions(partition.name())? {
            let problem = format!("has no partition {}", partition.number);
            return Err(LogError::Topic { topic: partition.name().to_string(), problem });
        }
        let ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        let end = ends.get(&partition).copied().unwrap_or(0);
        Ok(Range { first: 0, end })
    }

    fn read(&self, partition: Partition, from: u64, records: usize, bytes: usize) -> Result<Chunk, LogError> {
        let range = self.range(partition)?;
        in_range(partition, from, range)?;
        let mut chunk = Chunk { records: Vec::new(), next: from };
        if from == range.end {
            return Ok(chunk);
        }
        let mut options = ReadOptions::default();
        options.set_iterate_upper_bound(keys::record(partition, range.end));
        let start = keys::record(partition, from);
        let opened = self.opened();
        let db = opened.db()?;
        let rows = family(db, keys::RECORDS)?;
        let mut size = 0;
        for row in db.iterator_cf_opt(rows, options, IteratorMode::From(&start, Direction::Forward)) {
            if chunk.records.len() >= records || size >= bytes {
                return Ok(chunk);
            }
            let (key, value) = row.map_err(failed)?;
            let offset = keys::number(&key).unwrap_or(u64::MAX);
            let record = format::decode(partition, offset, &value).filter(|_| offset == chunk.next);
            let damaged = || StoreError::new(StoreCode::Corrupt, format!("{partition} at {}", chunk.next));
            let record: Record = record.ok_or_else(damaged)?;
            size += record.size();
            chunk.next += 1;
            chunk.records.push(record);
        }
        if chunk.next < range.end && chunk.records.len() < records && size < bytes {
            return Err(StoreError::new(StoreCode::Corrupt, format!("{partition} ends at {}", chunk.next)).into());
        }
        Ok(chunk)
    }

    fn committed(&self, group: &str, partition: Partition) -> Result<Option<u64>, LogError> {
        self.range(partition)?;
        let next = get(self.opened().db()?, keys::OFFSETS, &keys::offset(group, partition))?;
        Ok(next.and_then(|next| keys::number(&next)))
    }

    fn commit(&self, batch: Batch) -> Result<(), LogError> {
        let mut ends = BTreeMap::new();
        let opened = self.opened();
        if opened.failed {
            return Err(StoreError::new(StoreCode::Failed, "a commit failed; the log must be opened again").into());
        }
        let db = opened.db()?;
        let write = self.batch_of(db, batch, &mut ends)?;
        let written = db.write_opt(write, &synced());
        drop(opened);
        if let Err(error) = written {
            self.opened.write().unwrap_or_else(PoisonError::into_inner).failed = true;
            return Err(failed(error));
        }
        self.ends.lock().unwrap_or_else(PoisonError::into_inner).extend(ends);
        Ok(())
    }

    fn recover(&self) -> Result<bool, LogError> {
        if !self.opened().failed {
            return Ok(false);
        }
        let mut opened = self.opened.write().unwrap_or_else(PoisonError::into_inner);
        // The folder is locked for as long as the database is open.
        drop(opened.db.take());
        let db = open_checked(&self.dir, &self.budget)?;
        *self.ends.lock().unwrap_or_else(PoisonError::into_inner) = read_ends(&db)?;
        *opened = Opened { db: Some(db), failed: false };
        Ok(true)
    }
}
