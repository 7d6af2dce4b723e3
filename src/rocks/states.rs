//! States of partitions in one data folder: `state/{partition}`, snapshots in `snapshots/{partition}`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::ledger::state::{StateError, StatePosition, States};
use crate::telemetry::{Happening, Observer};

use super::{Care, MemoryBudget, RocksState, Snapshots, StateIdentity, StoreCode, StoreError, set_aside};

/// The states of one process. Clones are the same folder.
#[derive(Clone)]
pub struct RocksStates {
    data: PathBuf,
    keep: usize,
    budget: MemoryBudget,
    observer: Arc<dyn Observer>,
}

impl RocksStates {
    /// States below `data`, with the last `keep` snapshots of each. What had to be set aside or was refused is told to
    /// the observer.
    pub fn new(data: &Path, keep: usize, budget: MemoryBudget, observer: Arc<dyn Observer>) -> Self {
        RocksStates { data: data.to_owned(), keep, budget, observer }
    }

    fn folder(&self, partition: u32) -> PathBuf {
        self.data.join("state").join(partition.to_string())
    }

    fn snapshots(&self, partition: u32) -> Snapshots {
        Snapshots::new(&self.data.join("snapshots").join(partition.to_string()), self.keep)
    }

    fn notice(&self, text: &str) {
        self.observer.happened(&Happening::Notice { text });
    }

    /// Puts the newest good snapshot where there is no state. None at all is no fault: the ledger has everything.
    fn restore(&self, identity: &StateIdentity, folder: &Path, care: Care) -> Result<(), StoreError> {
        let partition = identity.partition;
        match self.snapshots(partition).restore(identity, folder, &self.budget, care) {
            Ok(restored) => {
                for (path, error) in &restored.refused {
                    self.notice(&format!("snapshot {} was not used: {error}", path.display()));
                }
                let (seq, from) = (restored.manifest.position.seq, restored.from.display());
                self.notice(&format!("state of partition {partition} was restored from {from}, {seq} records folded"));
                Ok(())
            }
            Err(error) if error.code == StoreCode::SnapshotAbsent => {
                if !error.detail.is_empty() {
                    self.notice(&format!("no snapshot of partition {partition} can be used: {}", error.detail));
                }
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Sets a state aside that cannot be used, and restores a snapshot of which every row was read: what damaged the one
    /// may have damaged the other, as they share files.
    fn replace(&self, identity: &StateIdentity, folder: &Path, why: &StoreError) -> Result<(), StoreError> {
        let aside = set_aside(folder)?;
        let (partition, aside) = (identity.partition, aside.display());
        self.notice(&format!("the state of partition {partition} could not be used ({why}) and lies in {aside}"));
        self.restore(identity, folder, Care::Rows)?;
        if !folder.exists() {
            // An empty state is better than a snapshot that was refused, which an opening without one would take.
            drop(RocksState::open_own(folder, identity, &self.budget)?);
        }
        Ok(())
    }
}

impl States for RocksStates {
    type State = RocksState;

    fn open(&self, ledger: &str, partition: u32) -> Result<RocksState, StateError> {
        let identity = StateIdentity { ledger: ledger.to_owned(), partition };
        let folder = self.folder(partition);
        if !folder.exists() {
            self.restore(&identity, &folder, Care::Files)?;
        }
        match RocksState::open_own(&folder, &identity, &self.budget) {
            Ok(state) => Ok(state),
            Err(error) if matches!(error.code, StoreCode::Foreign | StoreCode::Future | StoreCode::Corrupt) => {
                self.replace(&identity, &folder, &error)?;
                Ok(RocksState::open_own(&folder, &identity, &self.budget)?)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn mend(&self, ledger: &str, partition: u32, broken: bool) -> Result<bool, StateError> {
        let identity = StateIdentity { ledger: ledger.to_owned(), partition };
        let folder = self.folder(partition);
        let read = RocksState::open_own(&folder, &identity, &self.budget).and_then(|state| state.read_through());
        let error = match read {
            Err(error) if error.code == StoreCode::Corrupt => error,
            Err(error) => return Err(error.into()),
            Ok(()) if broken => StoreError::new(StoreCode::Corrupt, "what it holds contradicts itself"),
            Ok(()) => return Ok(false),
        };
        self.replace(&identity, &folder, &error)?;
        Ok(true)
    }

    fn snapshot(&self, state: &RocksState, position: &StatePosition) -> Result<(), StateError> {
        self.snapshots(position.partition).take(state, false)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::{Mutex, PoisonError};

    use super::*;
    use crate::event::Digest;
    use crate::ledger::state::{Memo, State};

    #[derive(Default)]
    struct Notices(Mutex<Vec<String>>);

    impl Observer for Notices {
        fn happened(&self, happening: &Happening<'_>) {
            if let Happening::Notice { text } = happening {
                self.0.lock().unwrap_or_else(PoisonError::into_inner).push((*text).to_owned());
            }
        }
    }

    fn at(ledger: &str, seq: u64) -> StatePosition {
        let last_digest = Digest::of(b"");
        StatePosition {
            ledger: ledger.to_owned(),
            partition: 2,
            seq,
            next_offset: seq,
            last_offset: seq - 1,
            last_digest,
        }
    }

    fn memo(n: u8) -> Memo {
        Memo { rows: [(vec![n], Some(vec![n]))].into(), ..Memo::default() }
    }

    #[test]
    fn a_lost_folder_is_restored_from_the_newest_good_snapshot_and_another_ledgers_is_set_aside() {
        let folder = tempfile::tempdir().unwrap();
        let notices = Arc::new(Notices::default());
        let observer = Arc::clone(&notices) as Arc<dyn Observer>;
        let states = RocksStates::new(folder.path(), 2, MemoryBudget::new(8 << 20, 4 << 20), observer);
        let said = || std::mem::take(&mut *notices.0.lock().unwrap());

        let mut state = states.open("a", 2).unwrap();
        assert_eq!((state.position().unwrap(), said()), (None, Vec::new()));
        for seq in 1..=2 {
            state.remember(memo(u8::try_from(seq).unwrap()), &at("a", seq)).unwrap();
            states.snapshot(&state, &at("a", seq)).unwrap();
        }
        let hash = state.state_hash().unwrap();
        state.remember(memo(3), &at("a", 3)).unwrap();
        drop(state);
        assert_eq!(states.open("a", 2).unwrap().position().unwrap(), Some(at("a", 3)), "as it was left");

        fs::remove_dir_all(folder.path().join("state")).unwrap();
        let restored = states.open("a", 2).unwrap();
        assert_eq!((restored.position().unwrap(), restored.state_hash().unwrap()), (Some(at("a", 2)), hash));
        drop(restored);
        assert!(said().concat().contains("was restored from"));

        fs::remove_dir_all(folder.path().join("state")).unwrap();
        let newest = folder.path().join("snapshots/2/snapshot-00000000000000000002-0000");
        let manifest = fs::read_dir(&newest).unwrap().map(|entry| entry.unwrap().path()).find(|path| path.is_file());
        fs::write(manifest.unwrap(), b"{}").unwrap();
        let restored = states.open("a", 2).unwrap();
        assert_eq!(restored.position().unwrap(), Some(at("a", 1)), "the older one, where the newest is damaged");
        drop(restored);
        assert!(said().concat().contains("was not used: snapshot-broken"));

        let other = states.open("b", 2).unwrap();
        assert_eq!(other.position().unwrap(), None, "never the state of another ledger");
        assert!(said().concat().contains("store-foreign"));
        assert!(folder.path().join("state/2.aside-1").is_dir());
    }

    /// A row that fills most of its table, so that the middle of the file is in it.
    fn large(n: u8) -> Memo {
        let value = (0..3_000u32).flat_map(|at| *Digest::of(&at.to_be_bytes()).as_bytes()).collect();
        Memo { rows: [(vec![n], Some(value))].into(), ..Memo::default() }
    }

    #[test]
    fn a_state_that_cannot_be_read_gives_way_to_a_snapshot_that_can_or_to_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let notices = Arc::new(Notices::default());
        let observer = Arc::clone(&notices) as Arc<dyn Observer>;
        let states = RocksStates::new(folder.path(), 2, MemoryBudget::new(8 << 20, 4 << 20), observer);
        let mut state = states.open("a", 2).unwrap();
        for seq in 1..=2 {
            state.remember(large(u8::try_from(seq).unwrap()), &at("a", seq)).unwrap();
            states.snapshot(&state, &at("a", seq)).unwrap();
        }
        drop(state);
        assert!(!states.mend("a", 2, false).unwrap(), "nothing is wrong with it");

        let dir = folder.path().join("state/2");
        let tables = || {
            let paths = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path());
            let size = |path: &PathBuf| fs::metadata(path).unwrap().len();
            let mut large: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|e| e == "sst")).collect();
            large.retain(|path| size(path) > 50_000);
            large.sort();
            large
        };
        // In place: the snapshots have the same file, and the older one has not this one.
        let harm = |path: &Path| {
            let mut bytes = fs::read(path).unwrap();
            let middle = bytes.len() / 2;
            if let Some(byte) = bytes.get_mut(middle) {
                *byte ^= 1;
            }
            fs::write(path, bytes).unwrap();
        };
        harm(tables().last().unwrap());
        assert!(states.open("a", 2).is_ok(), "RocksDB opens it: nobody has read there");
        assert!(states.mend("a", 2, false).unwrap());
        assert_eq!(states.open("a", 2).unwrap().position().unwrap(), Some(at("a", 1)));

        // The one that is left is harmed before a snapshot is taken, whose digests are then those of the harm.
        harm(tables().last().unwrap());
        let state = states.open("a", 2).unwrap();
        states.snapshot(&state, &at("a", 1)).unwrap();
        drop(state);
        notices.0.lock().unwrap().clear();
        assert!(states.mend("a", 2, false).unwrap());
        assert_eq!(states.open("a", 2).unwrap().position().unwrap(), None, "{:?}", notices.0.lock().unwrap());
    }
}
