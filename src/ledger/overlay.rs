//! What one batch reads and writes: the state below, as far as it was asked, and everything as the batch leaves it.
//!
//! A batch comes back to the same rows again and again. Each is read once, handed out by reference count, and written once,
//! at the end, where it differs from what the state has.

use std::any::Any;
use std::collections::{BTreeMap, HashMap};
use std::iter::Peekable;
use std::ops::Bound;
use std::rc::Rc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::event::Digest;

use super::fold::FoldError;
use super::keys::Key;
use super::packed;
use super::state::{Memo, Recall, Row};

/// The fold's view of the state within one batch.
pub struct Overlay<'s> {
    below: &'s dyn Recall,
    rows: HashMap<Key, Slot>,
    /// Entries of lists that the batch wrote, in order: only these are scanned.
    entries: BTreeMap<Key, Option<Vec<u8>>>,
    blobs: BTreeMap<Digest, Vec<u8>>,
}

/// One row.
struct Slot {
    /// What the state below has.
    below: Option<Vec<u8>>,
    now: Now,
}

/// A row as of now.
enum Now {
    /// As below, and nobody has read it.
    Below,
    /// As below.
    Read(Rc<dyn Any>),
    /// Written by the batch.
    Written(Rc<dyn Packed>),
    /// The same, by who does not read it again.
    Bytes(Vec<u8>),
    Removed,
}

/// A value that can be written as a row.
trait Packed {
    fn to_bytes(&self) -> Result<Vec<u8>, FoldError>;
    fn to_any(self: Rc<Self>) -> Rc<dyn Any>;
}

impl<T: Serialize + 'static> Packed for T {
    fn to_bytes(&self) -> Result<Vec<u8>, FoldError> {
        packed::write(self)
    }

    fn to_any(self: Rc<Self>) -> Rc<dyn Any> {
        self
    }
}

impl<'s> Overlay<'s> {
    pub fn new(below: &'s dyn Recall) -> Self {
        Overlay { below, rows: HashMap::new(), entries: BTreeMap::new(), blobs: BTreeMap::new() }
    }

    /// Recalls `keys` at once, sorted; later reads of them cost nothing.
    pub fn recall(&mut self, keys: impl IntoIterator<Item = Key>) -> Result<(), FoldError> {
        let mut keys: Vec<Key> = keys.into_iter().filter(|key| !self.rows.contains_key(key)).collect();
        keys.sort_unstable();
        keys.dedup();
        if keys.is_empty() {
            return Ok(());
        }
        let values = self.below.get_many(&keys)?;
        let slots = values.into_iter().map(|below| Slot { below, now: Now::Below });
        self.rows.extend(keys.into_iter().zip(slots));
        Ok(())
    }

    fn slot(&mut self, key: &[u8]) -> Result<&mut Slot, FoldError> {
        if !self.rows.contains_key(key) {
            self.recall([key.to_vec()])?;
        }
        self.rows.get_mut(key).ok_or(FoldError::Row)
    }

    /// A row as of now.
    pub fn get<T: DeserializeOwned + 'static>(&mut self, key: &[u8]) -> Result<Option<Rc<T>>, FoldError> {
        let slot = self.slot(key)?;
        let row = match (&slot.now, &slot.below) {
            (Now::Removed, _) | (Now::Below, None) => return Ok(None),
            (Now::Read(row), _) => Rc::clone(row),
            (Now::Written(row), _) => Rc::clone(row).to_any(),
            (Now::Bytes(bytes), _) => return packed::read(bytes).map(|row| Some(Rc::new(row))),
            (Now::Below, Some(bytes)) => {
                let row = Rc::new(packed::read::<T>(bytes)?);
                slot.now = Now::Read(Rc::clone(&row) as Rc<dyn Any>);
                row
            }
        };
        row.downcast().map(Some).map_err(|_| FoldError::Row)
    }

    /// Whether a row is there.
    pub fn has(&mut self, key: &[u8]) -> Result<bool, FoldError> {
        let slot = self.slot(key)?;
        Ok(match slot.now {
            Now::Below => slot.below.is_some(),
            Now::Removed => false,
            Now::Read(_) | Now::Written(_) | Now::Bytes(_) => true,
        })
    }

    pub fn put<T: Serialize + 'static>(&mut self, key: &[u8], value: T) -> Result<(), FoldError> {
        self.put_shared(key, Rc::new(value))
    }

    pub fn put_shared<T: Serialize + 'static>(&mut self, key: &[u8], value: Rc<T>) -> Result<(), FoldError> {
        self.slot(key)?.now = Now::Written(value);
        Ok(())
    }

    /// A row that was not there before and is not read by the fold: the state is not asked for it.
    pub fn put_new(&mut self, key: Key, bytes: Vec<u8>) {
        self.rows.insert(key, Slot { below: None, now: Now::Bytes(bytes) });
    }

    pub fn remove(&mut self, key: &[u8]) -> Result<(), FoldError> {
        self.slot(key)?.now = Now::Removed;
        Ok(())
    }

    /// An entry of a list: a row that is found by a scan. The value is small, mostly nothing.
    pub fn enter(&mut self, key: Key, value: Vec<u8>) {
        self.entries.insert(key, Some(value));
    }

    pub fn strike(&mut self, key: Key) {
        self.entries.insert(key, None);
    }

    /// The value of an entry as of now.
    pub fn entry(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>, FoldError> {
        if let Some(written) = self.entries.get(key) {
            return Ok(written.clone());
        }
        Ok(self.slot(key)?.below.clone())
    }

    /// Entries under `prefix` after `after`, as of now. Reads no more of what is below, nor of what was written, than it
    /// gives: a sweep asks for the next one of a list that its own batch has filled.
    pub fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Row>, FoldError> {
        let from = after.filter(|after| *after >= prefix).map_or(Bound::Included(prefix), Bound::Excluded);
        let written = self.entries.range::<[u8], _>((from, Bound::Unbounded));
        let mut written = written.take_while(|(key, _)| key.starts_with(prefix)).peekable();
        let mut last = after.map(<[u8]>::to_vec);
        let mut rows = Vec::new();
        while rows.len() < limit {
            let wanted = limit - rows.len();
            let below = self.below.scan(prefix, last.as_deref(), wanted)?;
            let ended = below.len() < wanted;
            for (key, value) in below {
                take_before(&mut written, Some(&key), limit, &mut rows);
                last = Some(key.clone());
                match written.next_if(|(written, _)| **written == key) {
                    Some((_, written)) => rows.extend(written.clone().map(|value| (key, value))),
                    None => rows.push((key, value)),
                }
            }
            if ended {
                take_before(&mut written, None, limit, &mut rows);
                break;
            }
        }
        rows.truncate(limit);
        Ok(rows)
    }

    pub fn put_blob(&mut self, digest: Digest, bytes: Vec<u8>) {
        self.blobs.insert(digest, bytes);
    }

    pub fn blob(&self, digest: Digest) -> Result<Option<Vec<u8>>, FoldError> {
        match self.blobs.get(&digest) {
            Some(bytes) => Ok(Some(bytes.clone())),
            None => Ok(self.below.blob(digest)?),
        }
    }

    /// What the batch changed.
    pub fn into_memo(self) -> Result<Memo, FoldError> {
        let mut rows = self.entries;
        for (key, slot) in self.rows {
            let now = match slot.now {
                Now::Below | Now::Read(_) => continue,
                Now::Written(row) => Some(row.to_bytes()?),
                Now::Bytes(bytes) => Some(bytes),
                Now::Removed => None,
            };
            if now != slot.below {
                rows.insert(key, now);
            }
        }
        Ok(Memo { rows, blobs: self.blobs })
    }
}

/// Written entries before `key`, or to the end, until `rows` has `limit`.
fn take_before<'w>(
    written: &mut Peekable<impl Iterator<Item = (&'w Key, &'w Option<Vec<u8>>)>>,
    key: Option<&Key>,
    limit: usize,
    rows: &mut Vec<Row>,
) {
    while rows.len() < limit
        && let Some((key, value)) = written.next_if(|(written, _)| key.is_none_or(|key| *written < key))
    {
        rows.extend(value.clone().map(|value| (key.clone(), value)));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::event::Digest;
    use crate::ledger::state::{MemoryState, State as _, StatePosition};

    fn state(rows: &BTreeMap<Key, Vec<u8>>) -> MemoryState {
        let mut state = MemoryState::default();
        let (ledger, last_digest) = (String::new(), Digest::of(b""));
        let at = StatePosition { ledger, partition: 0, seq: 1, next_offset: 1, last_offset: 0, last_digest };
        let rows = rows.iter().map(|(key, value)| (key.clone(), Some(value.clone()))).collect();
        state.remember(Memo { rows, ..Memo::default() }, &at).unwrap();
        state
    }

    fn key() -> impl Strategy<Value = Key> {
        proptest::collection::vec(0u8..3, 1..5)
    }

    proptest! {
        #[test]
        fn a_scan_gives_what_is_below_with_what_was_written_over_it(
            below in proptest::collection::btree_map(key(), Just(vec![0]), 0..20),
            written in proptest::collection::vec((key(), any::<bool>()), 0..20),
            prefix in key(),
            after in proptest::option::of(key()),
            limit in 1usize..8,
        ) {
            let state = state(&below);
            let mut overlay = Overlay::new(&state);
            let mut now = below.clone();
            for (key, entered) in written {
                if entered {
                    now.insert(key.clone(), vec![1]);
                    overlay.enter(key, vec![1]);
                } else {
                    now.remove(&key);
                    overlay.strike(key);
                }
            }
            let inside = |key: &Key| key.starts_with(&prefix) && after.as_ref().is_none_or(|after| key > after);
            let expected: Vec<Row> = now.into_iter().filter(|(key, _)| inside(key)).take(limit).collect();
            prop_assert_eq!(overlay.scan(&prefix, after.as_deref(), limit).unwrap(), expected);
        }
    }
}
