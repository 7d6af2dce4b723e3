//! What one batch reads and writes: the state below, a cache of what was recalled at once, and the rows written so far.

use std::any::Any;
use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::event::Digest;

use super::fold::FoldError;
use super::keys::Key;
use super::state::{Memo, Recall, Row};

/// The fold's view of the state within one batch.
pub struct Overlay<'s> {
    below: &'s dyn Recall,
    recalled: BTreeMap<Key, Option<Vec<u8>>>,
    written: Memo,
    /// Rows as they were read or written last: a batch comes back to the same ones, and parsing is dear.
    parsed: HashMap<Key, Box<dyn Any>>,
    /// Rows that the present step wrote.
    pub rows_written: usize,
}

impl<'s> Overlay<'s> {
    pub fn new(below: &'s dyn Recall) -> Self {
        let (recalled, parsed) = (BTreeMap::new(), HashMap::new());
        Overlay { below, recalled, written: Memo::default(), parsed, rows_written: 0 }
    }

    /// Recalls `keys` at once, sorted; later reads of them cost nothing.
    pub fn recall(&mut self, keys: impl IntoIterator<Item = Key>) -> Result<(), FoldError> {
        let known = |key: &Key| self.recalled.contains_key(key) || self.written.rows.contains_key(key);
        let mut keys: Vec<Key> = keys.into_iter().filter(|key| !known(key)).collect();
        keys.sort_unstable();
        keys.dedup();
        if keys.is_empty() {
            return Ok(());
        }
        let values = self.below.get_many(&keys)?;
        self.recalled.extend(keys.into_iter().zip(values));
        Ok(())
    }

    /// A row's bytes as of now.
    pub fn bytes(&mut self, key: &[u8]) -> Result<Option<&[u8]>, FoldError> {
        if !self.written.rows.contains_key(key) && !self.recalled.contains_key(key) {
            self.recall([key.to_vec()])?;
        }
        let row = self.written.rows.get(key).or_else(|| self.recalled.get(key));
        Ok(row.and_then(|row| row.as_deref()))
    }

    /// A row as of now.
    pub fn get<T: DeserializeOwned + Clone + 'static>(&mut self, key: &[u8]) -> Result<Option<T>, FoldError> {
        if let Some(row) = self.parsed.get(key).and_then(|row| row.downcast_ref::<T>()) {
            return Ok(Some(row.clone()));
        }
        let Some(bytes) = self.bytes(key)? else { return Ok(None) };
        let row: T = serde_json::from_slice(bytes).map_err(|_| FoldError::Row)?;
        self.parsed.insert(key.to_vec(), Box::new(row.clone()));
        Ok(Some(row))
    }

    pub fn put<T: Serialize + Clone + 'static>(&mut self, key: Key, value: &T) -> Result<(), FoldError> {
        if self.store(key.clone(), value)? {
            self.parsed.insert(key, Box::new(value.clone()));
        }
        Ok(())
    }

    /// The same for a row that is not read again soon. Returns whether it changed.
    pub fn store<T: Serialize>(&mut self, key: Key, value: &T) -> Result<bool, FoldError> {
        let bytes = serde_json::to_vec(value).map_err(|_| FoldError::Row)?;
        let changed = self.bytes(&key)? != Some(bytes.as_slice());
        if changed {
            self.put_bytes(key, bytes);
        }
        Ok(changed)
    }

    pub fn put_bytes(&mut self, key: Key, bytes: Vec<u8>) {
        self.rows_written += 1;
        self.parsed.remove(&key);
        self.written.rows.insert(key, Some(bytes));
    }

    pub fn remove(&mut self, key: Key) {
        self.rows_written += 1;
        self.parsed.remove(&key);
        self.written.rows.insert(key, None);
    }

    /// Rows under `prefix` after `after`, as of now.
    pub fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Row>, FoldError> {
        let inside = |key: &[u8]| key.starts_with(prefix) && after.is_none_or(|after| key > after);
        let start = after.map_or(prefix, |after| after.max(prefix)).to_vec();
        let written = self.written.rows.range(start..).take_while(|(key, _)| key.starts_with(prefix));
        let written: BTreeMap<&Key, &Option<Vec<u8>>> = written.filter(|(key, _)| inside(key)).collect();
        let removed = written.values().filter(|value| value.is_none()).count();
        let mut rows: BTreeMap<Key, Vec<u8>> = self.below.scan(prefix, after, limit + removed)?.into_iter().collect();
        // Rows below end where `limit + removed` were found; a written row beyond that end is still in order.
        for (key, value) in written {
            match value {
                Some(value) => rows.insert(key.clone(), value.clone()),
                None => rows.remove(key),
            };
        }
        Ok(rows.into_iter().take(limit).collect())
    }

    pub fn put_blob(&mut self, digest: Digest, bytes: Vec<u8>) {
        self.written.blobs.insert(digest, bytes);
    }

    pub fn blob(&self, digest: Digest) -> Result<Option<Vec<u8>>, FoldError> {
        match self.written.blobs.get(&digest) {
            Some(bytes) => Ok(Some(bytes.clone())),
            None => Ok(self.below.blob(digest)?),
        }
    }

    pub fn into_memo(self) -> Memo {
        self.written
    }
}
