//! States in memory that outlive their workers, as a folder outlives a process.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use attestream::event::Digest;
use attestream::ledger::state::{Memo, MemoryState, Recall, Row, State, StateError, StatePosition, States};

/// The states of one instance.
#[derive(Clone, Default)]
pub struct KeptStates(Arc<Mutex<BTreeMap<u32, Arc<Mutex<MemoryState>>>>>);

impl KeptStates {
    pub fn hash(&self, partition: u32) -> Option<Digest> {
        let kept = self.0.lock().unwrap();
        Some(kept.get(&partition)?.lock().unwrap().state_hash().unwrap())
    }
}

pub struct Kept(Arc<Mutex<MemoryState>>);

impl States for KeptStates {
    type State = Kept;

    fn open(&self, _ledger: &str, partition: u32) -> Result<Kept, StateError> {
        Ok(Kept(Arc::clone(self.0.lock().unwrap().entry(partition).or_default())))
    }

    fn snapshot(&self, _state: &Kept, _position: &StatePosition) -> Result<(), StateError> {
        Ok(())
    }
}

impl Recall for Kept {
    fn get_many(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, StateError> {
        self.0.lock().unwrap().get_many(keys)
    }

    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Row>, StateError> {
        self.0.lock().unwrap().scan(prefix, after, limit)
    }

    fn blob(&self, digest: Digest) -> Result<Option<Vec<u8>>, StateError> {
        self.0.lock().unwrap().blob(digest)
    }
}

impl State for Kept {
    fn position(&self) -> Result<Option<StatePosition>, StateError> {
        self.0.lock().unwrap().position()
    }

    fn remember(&mut self, memo: Memo, position: &StatePosition) -> Result<(), StateError> {
        self.0.lock().unwrap().remember(memo, position)
    }

    fn state_hash(&self) -> Result<Digest, StateError> {
        self.0.lock().unwrap().state_hash()
    }
}
