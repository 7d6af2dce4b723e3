//! States of partitions in one data folder: `state/{partition}`, snapshots in `snapshots/{partition}`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::ledger::state::{StateError, StatePosition, States};
use crate::telemetry::{Happening, Observer};

use super::{MemoryBudget, RocksState, Snapshots, StateIdentity, StoreCode, StoreError};

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
    fn restore(&self, identity: &StateIdentity, folder: &Path) -> Result<(), StoreError> {
        let partition = identity.partition;
        match self.snapshots(partition).restore(identity, folder, &self.budget) {
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
}

impl States for RocksStates {
    type State = RocksState;

    fn open(&self, ledger: &str, partition: u32) -> Result<RocksState, StateError> {
        let identity = StateIdentity { ledger: ledger.to_owned(), partition };
        let folder = self.folder(partition);
        if !folder.exists() {
            self.restore(&identity, &folder)?;
        }
        let opened = RocksState::open(&folder, &identity, &self.budget)?;
        if let Some((error, aside)) = opened.set_aside {
            let aside = aside.display();
            self.notice(&format!("the state of partition {partition} could not be used ({error}) and lies in {aside}"));
        }
        Ok(opened.state)
    }

    fn snapshot(&self, state: &RocksState, position: &StatePosition) -> Result<(), StateError> {
        self.snapshots(position.partition).take(state, false)?;
        Ok(())
    }
}
