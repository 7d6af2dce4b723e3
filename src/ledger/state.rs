//! The port to the state that a fold remembers, and its in-memory twin. `rocks::state` is the durable one.
//!
//! State is a cache of the ledger that is never ahead of it: a [`Memo`] is written only after the transaction that
//! carries its outputs committed, in one atomic batch with the position that it brings the state to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::event::Digest;

/// The state could not be read or written: the disk, never the input.
#[derive(Debug, thiserror::Error)]
#[error("the state failed: {0}")]
pub struct StateError(pub String);

/// A stored row: key and value.
pub type Row = (Vec<u8>, Vec<u8>);

/// Reading what was remembered.
pub trait Recall {
    /// Values of `keys`, which are sorted and unique, in their order. Asked once per batch.
    fn get_many(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, StateError>;

    /// Rows whose key begins with `prefix` and lies after `after`, in key order, at most `limit`.
    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Row>, StateError>;

    /// Bytes kept by digest. They are outside the state hash: replay rebuilds them.
    fn blob(&self, digest: Digest) -> Result<Option<Vec<u8>>, StateError>;
}

/// Where the state stands in its ledger partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StatePosition {
    /// The ledger's id, from genesis.
    pub ledger: String,
    pub partition: u32,
    /// Records folded so far.
    pub seq: u64,
    /// Offset of the next record to fold, and of the last one folded. Bookkeeping: never in a record or a hash.
    pub next_offset: u64,
    pub last_offset: u64,
    /// SHA-256 of the value of the last record folded.
    pub last_digest: Digest,
}

/// What one batch adds to the state: written atomically, or not at all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memo {
    /// Final value per row; `None` removes it.
    pub rows: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    pub blobs: BTreeMap<Digest, Vec<u8>>,
}

/// A fold's state.
pub trait State: Recall {
    /// `None` before the first record.
    fn position(&self) -> Result<Option<StatePosition>, StateError>;

    /// Writes `memo` and `position` in one atomic batch.
    fn remember(&mut self, memo: Memo, position: &StatePosition) -> Result<(), StateError>;

    /// SHA-256 over all rows in key order (each as 4-byte big-endian length and bytes of key, then of value), and the
    /// position's `ledger`, `partition` and `seq`; not over blobs nor offsets.
    fn state_hash(&self) -> Result<Digest, StateError>;
}

/// The in-memory twin.
#[derive(Debug, Clone, Default)]
pub struct MemoryState {
    rows: BTreeMap<Vec<u8>, Vec<u8>>,
    blobs: BTreeMap<Digest, Vec<u8>>,
    position: Option<StatePosition>,
}

impl Recall for MemoryState {
    fn get_many(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, StateError> {
        Ok(keys.iter().map(|key| self.rows.get(key).cloned()).collect())
    }

    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Row>, StateError> {
        let start = after.map_or(prefix, |after| after.max(prefix));
        let rows = self.rows.range(start.to_vec()..);
        let rows = rows.filter(|(key, _)| after.is_none_or(|after| key.as_slice() > after));
        Ok(rows
            .take_while(|(key, _)| key.starts_with(prefix))
            .take(limit)
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect())
    }

    fn blob(&self, digest: Digest) -> Result<Option<Vec<u8>>, StateError> {
        Ok(self.blobs.get(&digest).cloned())
    }
}

impl State for MemoryState {
    fn position(&self) -> Result<Option<StatePosition>, StateError> {
        Ok(self.position.clone())
    }

    fn remember(&mut self, memo: Memo, position: &StatePosition) -> Result<(), StateError> {
        for (key, value) in memo.rows {
            match value {
                Some(value) => self.rows.insert(key, value),
                None => self.rows.remove(&key),
            };
        }
        self.blobs.extend(memo.blobs);
        self.position = Some(position.clone());
        Ok(())
    }

    fn state_hash(&self) -> Result<Digest, StateError> {
        let mut hash = StateHash::default();
        for (key, value) in &self.rows {
            hash.row(key, value);
        }
        Ok(hash.finish(self.position.as_ref()))
    }
}

/// The state hash, row by row in key order: one definition for every state.
#[derive(Default)]
pub struct StateHash(sha2::Sha256);

impl StateHash {
    pub fn row(&mut self, key: &[u8], value: &[u8]) {
        use sha2::Digest as _;
        for part in [key, value] {
            self.0.update(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
            self.0.update(part);
        }
    }

    pub fn finish(mut self, position: Option<&StatePosition>) -> Digest {
        use sha2::Digest as _;
        if let Some(position) = position {
            self.0.update(position.ledger.as_bytes());
            self.0.update(position.partition.to_be_bytes());
            self.0.update(position.seq.to_be_bytes());
        }
        Digest::from_bytes(self.0.finalize().into())
    }
}

/// Where states of partitions live. Two implementations: in memory, and RocksDB databases in a folder.
pub trait States: Send {
    type State: State + Send;

    /// Opens the state of a partition of a ledger, empty or as it was left; restores it from the newest good snapshot
    /// where there is none. A state of another ledger or partition is never opened.
    fn open(&self, ledger: &str, partition: u32) -> Result<Self::State, StateError>;

    /// Looks at a state that failed or is `broken` (rows contradict each other), and that nobody has open. Where it is
    /// damaged it is set aside, never deleted, and the next opening begins with a snapshot that can be read whole, or with
    /// nothing. Whether it did so. Asked at most once per assignment.
    fn mend(&self, ledger: &str, partition: u32, broken: bool) -> Result<bool, StateError> {
        let _ = (ledger, partition, broken);
        Ok(false)
    }

    /// Writes a snapshot of a state, which then survives the loss of its folder.
    fn snapshot(&self, state: &Self::State, position: &StatePosition) -> Result<(), StateError>;
}

/// States in memory, and their snapshots. Clones are the same states, as after a restart of the worker that held one.
#[derive(Debug, Clone, Default)]
pub struct MemoryStates(Arc<Mutex<Shelves>>);

type Shelf = (String, u32);

#[derive(Debug, Default)]
struct Shelves {
    states: BTreeMap<Shelf, SharedState>,
    snapshots: BTreeMap<Shelf, MemoryState>,
}

/// A state that outlives whoever opened it.
#[derive(Debug, Clone, Default)]
pub struct SharedState(Arc<Mutex<MemoryState>>);

impl MemoryStates {
    /// Loses a state, as the loss of its folder does: the next opening begins with the snapshot.
    pub fn lose(&self, ledger: &str, partition: u32) {
        hold(&self.0).states.remove(&(ledger.to_owned(), partition));
    }
}

impl States for MemoryStates {
    type State = SharedState;

    fn open(&self, ledger: &str, partition: u32) -> Result<SharedState, StateError> {
        let shelf = (ledger.to_owned(), partition);
        let mut shelves = hold(&self.0);
        let snapshot = shelves.snapshots.get(&shelf).cloned().unwrap_or_default();
        let state = shelves.states.entry(shelf).or_insert_with(|| SharedState(Arc::new(Mutex::new(snapshot))));
        Ok(state.clone())
    }

    fn mend(&self, ledger: &str, partition: u32, broken: bool) -> Result<bool, StateError> {
        if broken {
            self.lose(ledger, partition);
        }
        Ok(broken)
    }

    fn snapshot(&self, state: &SharedState, position: &StatePosition) -> Result<(), StateError> {
        let shelf = (position.ledger.clone(), position.partition);
        let copy = hold(&state.0).clone();
        hold(&self.0).snapshots.insert(shelf, copy);
        Ok(())
    }
}

impl Recall for SharedState {
    fn get_many(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, StateError> {
        hold(&self.0).get_many(keys)
    }

    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Row>, StateError> {
        hold(&self.0).scan(prefix, after, limit)
    }

    fn blob(&self, digest: Digest) -> Result<Option<Vec<u8>>, StateError> {
        hold(&self.0).blob(digest)
    }
}

impl State for SharedState {
    fn position(&self) -> Result<Option<StatePosition>, StateError> {
        hold(&self.0).position()
    }

    fn remember(&mut self, memo: Memo, position: &StatePosition) -> Result<(), StateError> {
        hold(&self.0).remember(memo, position)
    }

    fn state_hash(&self) -> Result<Digest, StateError> {
        hold(&self.0).state_hash()
    }
}

/// What a lock guards here is whole between any two calls.
fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_state_comes_back_as_its_snapshot_was() {
        let states = MemoryStates::default();
        let at = |seq: u64| StatePosition {
            ledger: "l".to_owned(),
            partition: 1,
            seq,
            next_offset: seq,
            last_offset: seq - 1,
            last_digest: Digest::of(b""),
        };
        let memo = |n: u8| Memo { rows: [(vec![n], Some(vec![n]))].into(), ..Memo::default() };
        let mut state = states.open("l", 1).unwrap();
        state.remember(memo(1), &at(1)).unwrap();
        states.snapshot(&state, &at(1)).unwrap();
        let hash = state.state_hash().unwrap();
        state.remember(memo(2), &at(2)).unwrap();
        assert_eq!(states.clone().open("l", 1).unwrap().position().unwrap(), Some(at(2)), "a restart");
        states.lose("l", 1);
        let restored = states.open("l", 1).unwrap();
        assert_eq!((restored.position().unwrap(), restored.state_hash().unwrap()), (Some(at(1)), hash));
        assert_eq!(states.open("l", 2).unwrap().position().unwrap(), None);
        assert_eq!(states.open("m", 1).unwrap().position().unwrap(), None);
    }
}
