//! Stage 2: folds ledger partitions and publishes what comes of it, exactly once.
//!
//! The order of one batch, and what a crash after each step leaves:
//! 1. *gather*: nothing.
//! 2. *fold* on an overlay: nothing.
//! 3. *begin, append outputs and positions, add offsets*: an open transaction, which the next outlet of the same id or
//!    the broker aborts; readers never see it.
//! 4. *commit*: outputs and offsets together. The state is behind: the next start folds the difference silently.
//! 5. *state batch*: state and position in one RocksDB write. Up to date.
//!
//! Every error on that path goes one way: drop the outlet, open another under the same id (which settles what was
//! open), read the committed offsets again, fold silently up to them, go on. A start is the same without the drop.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::event::{Owner, Topic};
use crate::ledger::state::{State as _, States};
use crate::ledger::{Folding, Publication};
use crate::log::{Assignment, Gathered, Inlet, Log, LogError, Outgoing, Outlet, Partition, Record, StartAt};
use crate::telemetry::{Happening, Observer, Point, Role};

use super::catch_up::{CatchUpError, catch_up, positions};
use super::genesis::{check_partitions, position_record, read};
use super::partition::{Fold, FoldedBatch, Halt, NotReady, Owned};
use super::worker::{Backoff, Stop, WorkerSettings};

/// Partitions whose start could not be found, noted inside the rebalance.
type Lost = Arc<Mutex<Vec<u32>>>;

/// The worker of stage 2. One thread, one inlet, one outlet.
pub struct LedgerWorker<L: Log, S: States> {
    log: L,
    states: S,
    settings: WorkerSettings,
    observer: Arc<dyn Observer>,
    fold: Fold,
    ledger: String,
    owned: BTreeMap<u32, Owned<S::State>>,
    /// Partitions that stopped, and why.
    stopped: BTreeMap<u32, NotReady>,
    /// Partitions whose state was looked at since they were assigned: once has to do.
    mended: BTreeSet<u32>,
    lost: Lost,
}

/// One membership of the group: the way in and out.
pub struct Membership<L: Log> {
    inlet: L::Inlet,
    /// `None` only while another takes its place.
    outlet: Option<L::Outlet>,
}

impl<L: Log, S: States> LedgerWorker<L, S> {
    /// Reads genesis, and refuses a ledger of another shape.
    pub fn new(log: L, states: S, settings: WorkerSettings, observer: Arc<dyn Observer>) -> Result<Self, LogError> {
        let genesis = read(&log)?.ok_or_else(|| LogError::Topic {
            topic: Topic::Control.name().to_owned(),
            problem: "has no genesis; run `attestream ledger init`".to_owned(),
        })?;
        check_partitions(&log, &genesis)?;
        let fold: Fold = |folding: &mut Folding<'_>, record| folding.fold(record);
        let (ledger, owned, stopped, mended) = (genesis.ledger, BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        let lost = Lost::default();
        Ok(LedgerWorker { log, states, settings, observer, fold, ledger, owned, stopped, mended, lost })
    }

    /// Replaces the fold: tests plant a record that makes it panic.
    pub fn with_fold(mut self, fold: Fold) -> Self {
        self.fold = fold;
        self
    }

    /// Runs until `stop`. Returns only an error that no retry can mend.
    pub fn run(&mut self, stop: &Stop) -> Result<(), LogError> {
        let mut backoff = Backoff::new(&self.settings.pace);
        while !stop.is_stopped() {
            match self.serve(stop, &mut backoff) {
                Ok(()) => {}
                Err(error @ (LogError::Configuration(_) | LogError::Record(_))) => return Err(error),
                Err(error) => backoff.wait(Role::Ledger, &*self.observer, stop, &error.to_string()),
            }
        }
        Ok(())
    }

    fn serve(&mut self, stop: &Stop, backoff: &mut Backoff) -> Result<(), LogError> {
        let mut membership = self.join()?;
        while !stop.is_stopped() {
            self.turn(&mut membership)?;
            backoff.reset();
        }
        self.owned.clear();
        membership.inlet.close()
    }

    /// Begins a membership of the group.
    pub fn join(&mut self) -> Result<Membership<L>, LogError> {
        let role = Role::Ledger;
        self.owned.clear();
        let outlet = self.log.outlet(&self.settings.transactional_id(role))?;
        let start = start_at(self.log.clone(), Arc::clone(&self.lost));
        let group = self.settings.group(role);
        let inlet = self.log.inlet(&group, &self.settings.member, &[Topic::Ledger], start)?;
        Ok(Membership { inlet, outlet: Some(outlet) })
    }

    /// One turn of the loop: a batch, a rebalance, or neither. After an error the membership is over.
    pub fn turn(&mut self, membership: &mut Membership<L>) -> Result<(), LogError> {
        let role = Role::Ledger;
        let Membership { inlet, outlet } = membership;
        match inlet.gather(self.settings.limits())? {
            Gathered::Records(records) if records.is_empty() => Ok(()),
            Gathered::Records(records) => {
                self.pass(Point::Gathered);
                let open = outlet.as_mut().ok_or_else(|| LogError::Transaction("no outlet is open".to_owned()))?;
                if let Err(error) = self.batch(inlet, open, records) {
                    drop(outlet.take());
                    *outlet = Some(self.recover(inlet, &error)?);
                }
                Ok(())
            }
            Gathered::Assigned(assigned) => self.assigned(inlet, &assigned),
            Gathered::Revoked { lost } => {
                self.observer.happened(&Happening::Rebalanced { role, owned: 0, lost });
                self.owned.clear();
                Ok(())
            }
        }
    }

    fn pass(&self, point: Point) {
        self.observer.happened(&Happening::Passed { role: Role::Ledger, point });
    }

    fn assigned(&mut self, inlet: &mut L::Inlet, assigned: &[Assignment]) -> Result<(), LogError> {
        self.observer.happened(&Happening::Rebalanced { role: Role::Ledger, owned: assigned.len(), lost: false });
        self.owned.clear();
        self.stopped.clear();
        self.mended.clear();
        for assignment in assigned {
            self.open(inlet, assignment.partition.number, assignment.start)?;
        }
        Ok(())
    }

    /// Opens a partition's state and brings it up to where the group stands.
    fn open(&mut self, inlet: &mut L::Inlet, number: u32, start: u64) -> Result<(), LogError> {
        if self.lost.lock().unwrap_or_else(PoisonError::into_inner).contains(&number) {
            return self.stop(inlet, number, NotReady::PositionLost);
        }
        let state = self.states.open(&self.ledger, number).and_then(|state| Owned::new(number, state, start));
        match state {
            Ok(owned) => {
                self.owned.insert(number, owned);
                self.bring_up(inlet, number, start)
            }
            Err(error) => {
                self.observer.happened(&Happening::Notice { text: &error.to_string() });
                self.stop(inlet, number, NotReady::StateFailed)
            }
        }
    }

    fn bring_up(&mut self, inlet: &mut L::Inlet, number: u32, committed: u64) -> Result<(), LogError> {
        let Some(owned) = self.owned.get_mut(&number) else { return Ok(()) };
        let begun = Instant::now();
        match catch_up(&self.log, owned, committed, self.fold, &mut || inlet.keep_alive()) {
            Ok(records) => {
                let took = begun.elapsed();
                self.observer.happened(&Happening::CaughtUp { partition: number, records, took });
                Ok(())
            }
            Err(CatchUpError::NotReady(code)) => self.stop(inlet, number, code),
            Err(CatchUpError::Log(error)) => Err(error),
        }
    }

    /// A partition that cannot go on stays where it is; the others go on. A state that is damaged is first replaced by what
    /// a snapshot and the ledger have, once.
    fn stop(&mut self, inlet: &mut L::Inlet, number: u32, code: NotReady) -> Result<(), LogError> {
        let seq = self.owned.get(&number).map_or(0, Owned::seq);
        let known = self.owned.remove(&number).map(|owned| owned.next);
        if matches!(code, NotReady::StateBroken | NotReady::StateFailed) && self.mended.insert(number) {
            match self.states.mend(&self.ledger, number, code == NotReady::StateBroken) {
                Ok(true) => return self.again(inlet, number, known),
                Ok(false) => {}
                Err(error) => self.observer.happened(&Happening::Notice { text: &error.to_string() }),
            }
        }
        self.observer.happened(&Happening::Stopped { partition: number, code: code.code(), seq });
        self.stopped.insert(number, code);
        inlet.pause(Partition::of(Topic::Ledger, number))
    }

    /// Opens a partition whose state was replaced, and reads on from where the group stands.
    fn again(&mut self, inlet: &mut L::Inlet, number: u32, known: Option<u64>) -> Result<(), LogError> {
        let partition = Partition::of(Topic::Ledger, number);
        let committed = inlet.committed(&[partition])?.into_iter().next().flatten();
        let start = match committed.or(known) {
            Some(start) => start,
            None => self.log.range(partition)?.first,
        };
        self.open(inlet, number, start)?;
        if self.owned.contains_key(&number) { inlet.seek(partition, start) } else { Ok(()) }
    }

    /// Folds a batch, commits its outputs and offsets, then remembers it.
    fn batch(&mut self, inlet: &mut L::Inlet, outlet: &mut L::Outlet, records: Vec<Record>) -> Result<(), LogError> {
        let begun = Instant::now();
        let mut by_partition: BTreeMap<u32, Vec<Record>> = BTreeMap::new();
        for record in records {
            by_partition.entry(record.partition.number).or_default().push(record);
        }
        let mut batches: Vec<(u32, FoldedBatch)> = Vec::new();
        for (number, records) in by_partition {
            let Some(owned) = self.owned.get_mut(&number) else { continue };
            let topic = Topic::Ledger;
            let count = u64::try_from(records.len()).unwrap_or(0);
            self.observer.happened(&Happening::Received { role: Role::Ledger, topic: topic.into(), records: count });
            batches.push((number, owned.fold(&records, self.fold, false)));
        }
        let folded: Vec<&FoldedBatch> =
            batches.iter().map(|(_, batch)| batch).filter(|batch| batch.position.is_some()).collect();
        if !folded.is_empty() {
            let fence = inlet.fence().ok_or_else(|| LogError::Fenced("the assignment is lost".to_owned()))?;
            let outputs = self.transact(outlet, &fence, &folded)?;
            let records = folded.iter().map(|batch| batch.steps.len()).sum::<usize>();
            let (records, outputs) = (u64::try_from(records).unwrap_or(0), u64::try_from(outputs).unwrap_or(0));
            let took = begun.elapsed();
            self.observer.happened(&Happening::Committed { role: Role::Ledger, records, outputs, took });
        }
        for (number, batch) in batches {
            self.remember(inlet, number, batch)?;
        }
        self.pass(Point::Remembered);
        Ok(())
    }

    /// Steps 3 and 4.
    fn transact(
        &self,
        outlet: &mut L::Outlet,
        fence: &<L::Inlet as Inlet>::Fence,
        batches: &[&FoldedBatch],
    ) -> Result<usize, LogError> {
        let mut outputs = 0;
        outlet.begin()?;
        self.pass(Point::Begun);
        for batch in batches {
            for publication in batch.steps.iter().flat_map(|step| &step.publish) {
                outlet.append(outgoing(publication))?;
                outputs += 1;
            }
            if let Some(position) = batch.published_position() {
                outlet.append(position_record(&position))?;
            }
        }
        self.pass(Point::Appended);
        let next = |batch: &&FoldedBatch| {
            let position = batch.position.as_ref()?;
            Some((Partition::of(Topic::Ledger, position.partition), position.next_offset))
        };
        // At least one offset is always there: a batch without any was not brought here. An empty list is not fenced.
        let offsets: Vec<(Partition, u64)> = batches.iter().filter_map(next).collect();
        outlet.offsets(&self.settings.group(Role::Ledger), &offsets, fence)?;
        self.pass(Point::OffsetsAdded);
        self.pass(Point::Committing);
        outlet.commit()?;
        self.pass(Point::Committed);
        Ok(outputs)
    }

    /// Step 5, for one partition. Where the state cannot be written, the partition stops: its log is right, and the next
    /// start folds the difference.
    fn remember(&mut self, inlet: &mut L::Inlet, number: u32, batch: FoldedBatch) -> Result<(), LogError> {
        let halt = batch.halt;
        self.count(&batch);
        let Some(owned) = self.owned.get_mut(&number) else { return Ok(()) };
        if batch.position.is_none() {
            return self.halt(inlet, number, halt);
        }
        if let Err(error) = owned.remember(batch) {
            self.observer.happened(&Happening::Notice { text: &error.to_string() });
            return self.stop(inlet, number, NotReady::StateFailed);
        }
        self.observer.happened(&Happening::Folded { partition: number, seq: owned.seq() });
        self.snapshot(number);
        self.halt(inlet, number, halt)
    }

    fn halt(&mut self, inlet: &mut L::Inlet, number: u32, halt: Option<Halt>) -> Result<(), LogError> {
        match halt {
            None => Ok(()),
            Some(Halt::Retry { offset }) => inlet.seek(Partition::of(Topic::Ledger, number), offset),
            Some(Halt::Stop { code, .. }) => self.stop(inlet, number, code),
        }
    }

    fn count(&self, batch: &FoldedBatch) {
        let mut fates: BTreeMap<&'static str, u64> = BTreeMap::new();
        for step in &batch.steps {
            *fates.entry(step.fate.as_str()).or_default() += 1;
            for (status, reason) in &step.verdicts {
                self.observer.happened(&Happening::Verdict { status, reason: reason.as_deref() });
            }
            for (alarm, origin) in &step.alarms {
                self.observer.happened(&Happening::Alarm { alarm, origin });
            }
        }
        for (fate, records) in fates {
            self.observer.happened(&Happening::Fates { role: Role::Ledger, fate, records });
        }
    }

    fn snapshot(&mut self, number: u32) {
        let every = self.settings.snapshot_every;
        let Some(owned) = self.owned.get_mut(&number) else { return };
        if every == 0 || owned.since_snapshot < every {
            return;
        }
        owned.since_snapshot = 0;
        let Some(position) = owned.position.clone() else { return };
        let error = self.states.snapshot(&owned.state, &position).err().map(|error| error.to_string());
        let (partition, seq) = (number, position.seq);
        self.observer.happened(&Happening::Snapshot { partition, seq, error: error.as_deref() });
        self.pass(Point::Snapshotted);
    }

    /// The one recovery path, once the outlet is dropped.
    fn recover(&mut self, inlet: &mut L::Inlet, error: &LogError) -> Result<L::Outlet, LogError> {
        let why = error.to_string();
        self.observer.happened(&Happening::Recovering { role: Role::Ledger, why: &why });
        let outlet = self.log.outlet(&self.settings.transactional_id(Role::Ledger))?;
        let numbers: Vec<u32> = self.owned.keys().copied().collect();
        let partitions: Vec<Partition> = numbers.iter().map(|number| Partition::of(Topic::Ledger, *number)).collect();
        let committed = inlet.committed(&partitions)?;
        for (partition, committed) in partitions.into_iter().zip(committed) {
            let known = self.owned.get(&partition.number).map_or(0, |owned| owned.next);
            let committed = committed.unwrap_or(known);
            self.bring_up(inlet, partition.number, committed)?;
            if self.owned.contains_key(&partition.number) {
                inlet.seek(partition, committed)?;
            }
        }
        Ok(outlet)
    }

    /// State hashes of the owned partitions, for tests and the doctor.
    pub fn state_hashes(&self) -> Vec<(u32, crate::event::Digest)> {
        self.owned.iter().filter_map(|(number, owned)| Some((*number, owned.state.state_hash().ok()?))).collect()
    }
}

/// Where a partition starts: what the group committed, else the position, else, on an empty ledger, its beginning.
fn start_at<L: Log>(log: L, lost: Lost) -> StartAt {
    Box::new(move |partition, committed| {
        let mut lost = lost.lock().unwrap_or_else(PoisonError::into_inner);
        lost.retain(|number| *number != partition.number);
        if let Some(committed) = committed {
            return Ok(committed);
        }
        let position = positions(&log)?.into_iter().find(|position| position.partition == partition.number);
        if let Some(position) = position {
            return Ok(position.next_offset);
        }
        let range = log.range(partition)?;
        if range.end > range.first {
            lost.push(partition.number);
        }
        Ok(range.first)
    })
}

fn outgoing(publication: &Publication) -> Outgoing {
    let header = |(name, value): &(&'static str, String)| ((*name).to_owned(), Some(value.clone().into_bytes()));
    Outgoing {
        topic: publication.topic,
        owner: publication.owner.as_ref().map(Owner::of),
        partition: publication.partition,
        key: Some(publication.key.clone()),
        value: Some(publication.value.clone()),
        headers: publication.headers.iter().map(header).collect(),
    }
}
