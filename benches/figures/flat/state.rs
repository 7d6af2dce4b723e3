//! States that remember, built by folding once for all rounds.
//!
//! A state lies in `target/bench/states/`, in a folder named for its shape; `made.json` is written last, so what lacks it
//! is unfinished and is made again. Nothing that is measured writes to it: each measurement works on tables that are
//! linked, beside copies of the few files that change. They go when they were measured, unless `--keep` was asked.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use attestream::event::{Digest, Millis, Topic};
use attestream::ledger::control::{Position, system_tenant};
use attestream::ledger::record::{Body, ControlCopy};
use attestream::ledger::state::{Memo, State, StatePosition};
use attestream::ledger::{Folding, LedgerRecord};
use attestream::log::{Log, Outgoing, Partition, Reader};
use attestream::rocks::{MemoryBudget, RocksState, StateIdentity};
use serde::{Deserialize, Serialize};

use super::remembered::{Remembered, Shape};
use crate::Outcome;
use crate::admission::genesis;
use crate::report::{float, folder, progress};
use crate::restore::identity;
use crate::spent::{Start, memory};
use crate::whole::{LEDGER, Plant};

/// Rises whenever other rows or bytes would be remembered of the same shape: what was kept before is of no use then.
const SHAPE_VERSION: u32 = 3;
/// Events that are made, and records that are folded, at once.
const MADE_AT_ONCE: u64 = 4_000;

/// What a kept state says of itself.
#[derive(Serialize, Deserialize)]
struct Made {
    at: Millis,
    seq: u64,
    /// Bytes that were resident at most while it was made.
    resident: u64,
}

/// A state that remembers.
#[derive(Debug, Clone)]
pub struct Kept {
    dir: PathBuf,
    pub events: u64,
    pub shape: Shape,
    /// When its ledger was born.
    pub at: Millis,
    seq: u64,
    pub resident: u64,
}

impl Kept {
    /// The kept state of this shape, or one that is made now.
    pub fn of(shape: Shape, events: u64) -> Outcome<Self> {
        let Shape { tenants, components: [few, many], attested_every } = shape;
        let name = format!("v{SHAPE_VERSION}-t{tenants}-c{few}-{many}-a{attested_every}-{events}");
        let dir = folder()?.join("states").join(name);
        if let Ok(made) = fs::read(dir.join("made.json")) {
            let Made { at, seq, resident } = serde_json::from_slice(&made)?;
            return Ok(Kept { dir, events, shape, at, seq, resident });
        }
        if dir.exists() {
            fs::remove_dir_all(&dir)?;
        }
        fs::create_dir_all(&dir)?;
        let at = crate::whole::now();
        let seq = build(&dir.join("db"), shape, events, at)?;
        let resident = memory("VmHWM")?;
        fs::write(dir.join("made.json"), serde_json::to_vec_pretty(&Made { at, seq, resident })?)?;
        Ok(Kept { dir, events, shape, at, seq, resident })
    }

    /// Bytes on disk.
    pub fn bytes(&self) -> Outcome<u64> {
        let entries = fs::read_dir(self.dir.join("db"))?;
        entries.map(|entry| Ok(entry?.metadata()?.len())).sum()
    }

    /// Gives a plant this state instead of the empty one: it has folded the one record that is in the plant's ledger.
    pub fn give<L: Log>(&self, plant: &Plant<L>) -> Outcome<()> {
        link(&self.dir.join("db"), &plant.state())?;
        let first = plant.log.reader(&[(Partition::of(Topic::Ledger, 0), 0)])?.read(1, Duration::from_secs(5))?;
        let first = first.first().ok_or("the ledger begins with genesis")?;
        let position = StatePosition {
            ledger: LEDGER.to_owned(),
            partition: 0,
            seq: self.seq,
            next_offset: first.offset + 1,
            last_offset: first.offset,
            last_digest: Digest::of(first.value.as_deref().unwrap_or_default()),
        };
        let mut state = open(&plant.state(), &identity())?;
        state.remember(Memo::default(), &position)?;
        drop(state);
        // The group has committed nothing yet: the position stands in, as where Kafka dropped an idle group's offsets.
        let next_offset = position.next_offset;
        let told = Position { ledger: LEDGER.to_owned(), partition: 0, seq: self.seq, next_offset };
        let key = Some(format!("{LEDGER}/0").into_bytes());
        let (topic, value) = (Topic::Positions, Some(serde_json::to_vec(&told)?));
        plant.send(std::iter::once(Outgoing { topic, owner: None, partition: None, key, value, headers: Vec::new() }))
    }
}

/// The state in a folder, or a new one.
pub fn open(dir: &Path, identity: &StateIdentity) -> Outcome<RocksState> {
    let opened = RocksState::open(dir, identity, &MemoryBudget::default())?;
    match opened.set_aside {
        None => Ok(opened.state),
        Some((why, _)) => Err(why.into()),
    }
}

/// Removes all kept states.
pub fn forget() -> Outcome<()> {
    Ok(fs::remove_dir_all(folder()?.join("states"))?)
}

/// The hash of all rows of a state that nobody has open.
pub fn hash(dir: &Path, identity: &StateIdentity) -> Outcome<Digest> {
    Ok(RocksState::open(dir, identity, &MemoryBudget::default())?.state.state_hash()?)
}

/// Tables and files of large values never change: they are linked. The rest is copied.
fn link(from: &Path, to: &Path) -> Outcome<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let from = entry?.path();
        let name = from.file_name().ok_or("a file has a name")?;
        if name == "LOCK" {
            continue;
        }
        if from.extension().is_some_and(|extension| extension == "sst" || extension == "blob") {
            fs::hard_link(&from, to.join(name))?;
        } else {
            fs::copy(&from, to.join(name))?;
        }
    }
    Ok(())
}

/// Folds a ledger of so many events into a new state; gives the number of records. One thread makes what another folds.
fn build(dir: &Path, shape: Shape, events: u64, at: Millis) -> Outcome<u64> {
    let remembered = Remembered::new(shape, at)?;
    let copy = ControlCopy { seq: 0, record: genesis(remembered.inputs()) };
    let born = LedgerRecord::new(system_tenant(), Body::Control(Box::new(copy)));
    let mut state = open(dir, &identity())?;
    // Where it stands in a log is told when it is given to a plant.
    let (ledger, last_digest) = (LEDGER.to_owned(), Digest::of(b""));
    let mut at = StatePosition { ledger, partition: 0, seq: 0, next_offset: 0, last_offset: 0, last_digest };
    fold(&mut state, &mut at, &[born])?;
    let start = Start::now()?;
    let (sender, receiver) = sync_channel(2);
    std::thread::scope(|scope| -> Outcome<()> {
        scope.spawn(move || {
            let mut first = 0;
            while first < events {
                let end = events.min(first + MADE_AT_ONCE);
                if sender.send(remembered.records(first..end)).is_err() {
                    break;
                }
                first = end;
            }
        });
        let mut said = (at.seq, Instant::now());
        for made in receiver {
            fold(&mut state, &mut at, &made?)?;
            if said.1.elapsed() > Duration::from_secs(20) {
                let rate = float(usize::try_from(at.seq - said.0)?) / said.1.elapsed().as_secs_f64();
                let mib = memory("VmRSS")? >> 20;
                progress(&format!("{} records remembered, lately {rate:.0} a second, {mib} MiB resident", at.seq));
                said = (at.seq, Instant::now());
            }
        }
        Ok(())
    })?;
    settle()?;
    let took = start.spent()?;
    progress(&format!(
        "{events} events are remembered after {:.0} s, {:.0} s of processor time",
        took.wall.as_secs_f64(),
        took.cpu.as_secs_f64()
    ));
    Ok(at.seq)
}

/// The silent fold: nothing is published, and the offsets of where the state stands remain.
pub fn fold(state: &mut RocksState, at: &mut StatePosition, ledger: &[LedgerRecord]) -> Outcome<()> {
    let mut folding = Folding::begin(state, at.partition, at.seq)?.silently();
    folding.prefetch(ledger)?;
    for record in ledger {
        folding.fold(record)?;
    }
    at.seq = folding.seq();
    let memo = folding.finish()?;
    Ok(state.remember(memo, at)?)
}

/// Waits until RocksDB has put its tables in order: until this process does next to nothing.
pub fn settle() -> Outcome<()> {
    loop {
        let start = Start::now()?;
        std::thread::sleep(Duration::from_secs(1));
        let took = start.spent()?;
        if took.cpu.as_secs_f64() < 0.02 * took.wall.as_secs_f64() {
            return Ok(());
        }
    }
}
