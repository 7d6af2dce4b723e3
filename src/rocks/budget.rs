//! One memory budget for every database of the process.

use std::num::NonZero;
use std::thread::available_parallelism;

use rocksdb::{BlockBasedOptions, Cache, DBCompactionStyle, DBCompressionType, LogLevel, Options, WriteBufferManager};

/// Blocks that were read and rows that are not flushed yet share one cache. Cheap to clone: clones are the same budget.
#[derive(Clone)]
pub struct MemoryBudget {
    cache: Cache,
    buffers: WriteBufferManager,
}

/// Bytes of rows in one memtable, before it is flushed.
const MEMTABLE_BYTES: usize = 32 * 1024 * 1024;
/// The part of a memtable beside it that tells which keys it lacks: some 25 bits for each of 200,000 rows.
const MEMTABLE_FILTER: f64 = 0.02;
/// Values that are smaller lie beside their keys.
const APART_BYTES: u64 = 512;

/// Threads that flush and merge, for all databases of the process: a large merge in one must not keep the others from
/// theirs.
fn background_jobs() -> i32 {
    let cores = available_parallelism().map_or(1, NonZero::get);
    i32::try_from(cores.clamp(4, 16)).unwrap_or(4)
}

/// What a column family holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    /// Rows that are asked for by key, most often before there are any.
    Rows,
    /// Values of some kilobytes that never change. They are written once, to files of their own: what is put in order
    /// again and again are their keys. Nothing is collected in these files, as what is remembered stays.
    Values,
}

impl MemoryBudget {
    /// `cache_bytes` in all, of which unflushed rows take about `buffer_bytes`. Writers are never stalled by it: beyond
    /// that, memtables are flushed earlier.
    pub fn new(cache_bytes: usize, buffer_bytes: usize) -> Self {
        let cache = Cache::new_lru_cache(cache_bytes);
        let buffers = WriteBufferManager::new_write_buffer_manager_with_cache(buffer_bytes, false, cache.clone());
        MemoryBudget { cache, buffers }
    }

    /// Options of every database of ours.
    pub(super) fn database(&self) -> Options {
        let mut options = self.family(Holds::Rows);
        options.create_if_missing(true);
        options.create_missing_column_families(true);
        options.set_max_background_jobs(background_jobs());
        options.set_max_total_wal_size(8 * u64::try_from(MEMTABLE_BYTES).unwrap_or(u64::MAX));
        options.set_log_level(LogLevel::Warn);
        options.set_keep_log_file_num(2);
        options.set_stats_dump_period_sec(0);
        options
    }

    /// Options of a column family.
    ///
    /// Tables are merged with those of like size (universal compaction). Keys are digests, so every flush lies across all of
    /// them: in levels, each small flush would be merged into the whole next level again and again, and what that costs
    /// would grow with what is remembered. At 1.6 million records that was 106 µs of processor time and 12.4 KB written
    /// for each, against 67 µs and 6.6 KB. The price is disk: a merge of everything needs as much again while it runs. It runs
    /// when there is reason to, not when thirty days have passed, as it would by default: what is remembered stays.
    ///
    /// Indexes and filters stay with their open files and outside of the cache: a filter block larger than a shard of
    /// the cache would be read again at every get. They cost about 1.5 bytes per key.
    pub(super) fn family(&self, holds: Holds) -> Options {
        let mut table = BlockBasedOptions::default();
        table.set_block_cache(&self.cache);
        table.set_bloom_filter(10.0, false);
        let mut options = Options::default();
        options.set_block_based_table_factory(&table);
        options.set_compaction_style(DBCompactionStyle::Universal);
        options.set_periodic_compaction_seconds(0);
        options.set_compression_type(DBCompressionType::Lz4);
        options.set_write_buffer_manager(&self.buffers);
        options.set_write_buffer_size(MEMTABLE_BYTES);
        match holds {
            Holds::Rows => {
                // Without it every key that is not there is looked for in the memtable's list.
                options.set_memtable_whole_key_filtering(true);
                options.set_memtable_prefix_bloom_ratio(MEMTABLE_FILTER);
            }
            Holds::Values => {
                options.set_enable_blob_files(true);
                options.set_min_blob_size(APART_BYTES);
                options.set_blob_compression_type(DBCompressionType::Lz4);
            }
        }
        options
    }
}

impl Default for MemoryBudget {
    fn default() -> Self {
        MemoryBudget::new(128 * 1024 * 1024, 64 * 1024 * 1024)
    }
}
