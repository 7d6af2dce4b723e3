//! One memory budget for every database of the process.

use rocksdb::{BlockBasedOptions, Cache, DBCompressionType, LogLevel, Options, WriteBufferManager};

/// Blocks that were read and rows that are not flushed yet share one cache. Cheap to clone: clones are the same budget.
#[derive(Clone)]
pub struct MemoryBudget {
    cache: Cache,
    buffers: WriteBufferManager,
}

/// Bytes of rows in one memtable, before it is flushed.
const MEMTABLE_BYTES: usize = 32 * 1024 * 1024;

impl MemoryBudget {
    /// `cache_bytes` in all, of which unflushed rows take about `buffer_bytes`. Writers are never stalled by it: beyond
    /// that, memtables are flushed earlier.
    pub fn new(cache_bytes: usize, buffer_bytes: usize) -> Self {
        let cache = Cache::new_lru_cache(cache_bytes);
        let buffers = WriteBufferManager::new_write_buffer_manager_with_cache(buffer_bytes, false, cache.clone());
        MemoryBudget { cache, buffers }
    }

    /// Options of every database and column family of ours.
    ///
    /// Indexes and filters stay with their open files and outside of the cache: a filter block larger than a shard of
    /// the cache would be read again at every get. They cost about 1.5 bytes per key.
    pub(super) fn options(&self) -> Options {
        let mut table = BlockBasedOptions::default();
        table.set_block_cache(&self.cache);
        table.set_bloom_filter(10.0, false);
        let mut options = Options::default();
        options.create_if_missing(true);
        options.create_missing_column_families(true);
        options.set_block_based_table_factory(&table);
        options.set_compression_type(DBCompressionType::Lz4);
        options.set_write_buffer_manager(&self.buffers);
        options.set_write_buffer_size(MEMTABLE_BYTES);
        options.set_max_total_wal_size(8 * u64::try_from(MEMTABLE_BYTES).unwrap_or(u64::MAX));
        options.set_log_level(LogLevel::Warn);
        options.set_keep_log_file_num(2);
        options.set_stats_dump_period_sec(0);
        options
    }
}

impl Default for MemoryBudget {
    fn default() -> Self {
        MemoryBudget::new(128 * 1024 * 1024, 64 * 1024 * 1024)
    }
}
