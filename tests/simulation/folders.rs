//! State folders of instances, and the store of snapshots that they share.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use attestream::event::Digest;
use attestream::ledger::state::{Memo, MemoryState, Recall, Row, State, StateError, StatePosition, States};

/// Batches that a power failure can take back.
const UNSYNCED: usize = 3;

/// Snapshots by partition, the newest last. They outlive every folder.
#[derive(Clone, Default)]
pub struct Depot(Arc<Mutex<BTreeMap<u32, Vec<MemoryState>>>>);

/// One instance's folder. Clones are the same folder.
#[derive(Clone, Default)]
pub struct Folder {
    shelf: Arc<Mutex<Shelf>>,
    depot: Depot,
}

#[derive(Default)]
struct Shelf {
    kept: BTreeMap<u32, Kept>,
    refused: u64,
    restored: u64,
}

#[derive(Default)]
struct Kept {
    state: MemoryState,
    /// What takes back the last batches: former values, and the position that they belong to.
    undo: VecDeque<(Memo, Option<StatePosition>)>,
    held: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a folder of another ledger says that it belongs to.
pub const ANOTHER: &str = "01ANOTHERLEDGER";

/// What may happen to a folder while no process holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Harm {
    Lost,
    /// The last batches were not synced.
    Behind,
    /// It says that it has folded what is not in the log.
    Ahead,
    /// It was folded from another log.
    Foreign,
    /// It says that it belongs to another ledger.
    OtherLedger,
}

impl Folder {
    pub fn new(depot: &Depot) -> Self {
        Folder { shelf: Arc::default(), depot: depot.clone() }
    }

    /// How often it was refused since the last time, because another held it or it was another ledger's; and restored.
    pub fn take_counts(&self) -> (u64, u64) {
        let mut shelf = lock(&self.shelf);
        (std::mem::take(&mut shelf.refused), std::mem::take(&mut shelf.restored))
    }

    /// Hashes of what lies in it, with their positions.
    pub fn states(&self) -> Vec<(StatePosition, Digest)> {
        let shelf = lock(&self.shelf);
        let of = |kept: &Kept| Some((kept.state.position().unwrap()?, kept.state.state_hash().unwrap()));
        shelf.kept.values().filter_map(of).collect()
    }

    /// Does harm to every state in it. Nobody holds it.
    pub fn harm(&self, harm: Harm, depth: usize) {
        let mut shelf = lock(&self.shelf);
        if harm == Harm::Lost {
            return shelf.kept.clear();
        }
        for kept in shelf.kept.values_mut() {
            kept.harm(harm, depth);
        }
    }
}

impl Kept {
    fn harm(&mut self, harm: Harm, depth: usize) {
        if harm == Harm::Behind {
            return (0..depth).for_each(|_| self.back());
        }
        let Some(mut position) = self.state.position().unwrap() else { return };
        match harm {
            Harm::Ahead => {
                position.next_offset += 100_000;
                position.last_offset += 100_000;
            }
            Harm::Foreign => position.last_digest = Digest::of(b"of another log"),
            _ => position.ledger = ANOTHER.to_owned(),
        }
        self.undo.clear();
        self.state.remember(Memo::default(), &position).unwrap();
    }

    fn back(&mut self) {
        match self.undo.pop_back() {
            Some((memo, Some(position))) => self.state.remember(memo, &position).unwrap(),
            Some((_, None)) => self.state = MemoryState::default(),
            None => {}
        }
    }

    fn remember(&mut self, memo: Memo, position: &StatePosition) -> Result<(), StateError> {
        let keys: Vec<Vec<u8>> = memo.rows.keys().cloned().collect();
        let former = self.state.get_many(&keys)?;
        let former = Memo { rows: keys.into_iter().zip(former).collect(), ..Memo::default() };
        self.undo.push_back((former, self.state.position()?));
        if self.undo.len() > UNSYNCED {
            self.undo.pop_front();
        }
        self.state.remember(memo, position)
    }
}

/// A state that a process has open.
pub struct Held {
    folder: Folder,
    partition: u32,
}

impl Held {
    fn with<T>(&self, act: impl FnOnce(&mut Kept) -> T) -> T {
        act(lock(&self.folder.shelf).kept.get_mut(&self.partition).unwrap())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(kept) = lock(&self.folder.shelf).kept.get_mut(&self.partition) {
            kept.held = false;
        }
    }
}

impl States for Folder {
    type State = Held;

    fn open(&self, ledger: &str, partition: u32) -> Result<Held, StateError> {
        let mut shelf = lock(&self.shelf);
        let Shelf { kept, refused, restored } = &mut *shelf;
        if kept.get(&partition).is_some_and(|kept| kept.held) {
            *refused += 1;
            return Err(StateError("another process has it open".to_owned()));
        }
        let foreign = |kept: &Kept| kept.state.position().unwrap().is_some_and(|position| position.ledger != ledger);
        if kept.get(&partition).is_some_and(foreign) {
            *refused += 1;
            kept.remove(&partition);
        }
        let entry = kept.entry(partition).or_insert_with(|| {
            let newest = lock(&self.depot.0).get(&partition).and_then(|taken| taken.last().cloned());
            *restored += u64::from(newest.is_some());
            Kept { state: newest.unwrap_or_default(), ..Kept::default() }
        });
        entry.held = true;
        Ok(Held { folder: self.clone(), partition })
    }

    fn snapshot(&self, state: &Held, position: &StatePosition) -> Result<(), StateError> {
        let copy = state.with(|kept| kept.state.clone());
        assert_eq!(copy.position()?.as_ref(), Some(position), "a snapshot is of what was remembered");
        let mut depot = lock(&self.depot.0);
        let taken = depot.entry(state.partition).or_default();
        taken.push(copy);
        if taken.len() > 2 {
            taken.remove(0);
        }
        Ok(())
    }
}

impl Recall for Held {
    fn get_many(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, StateError> {
        self.with(|kept| kept.state.get_many(keys))
    }

    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Row>, StateError> {
        self.with(|kept| kept.state.scan(prefix, after, limit))
    }

    fn blob(&self, digest: Digest) -> Result<Option<Vec<u8>>, StateError> {
        self.with(|kept| kept.state.blob(digest))
    }
}

impl State for Held {
    fn position(&self) -> Result<Option<StatePosition>, StateError> {
        self.with(|kept| kept.state.position())
    }

    fn remember(&mut self, memo: Memo, position: &StatePosition) -> Result<(), StateError> {
        self.with(|kept| kept.remember(memo, position))
    }

    fn state_hash(&self) -> Result<Digest, StateError> {
        self.with(|kept| kept.state.state_hash())
    }
}
