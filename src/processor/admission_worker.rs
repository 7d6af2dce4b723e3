//! Stage 1: admits inputs to the ledger, answers asks, and, where it owns control, copies control to every partition.
//!
//! It has no state. A transaction carries the ledger records and dead letters of a batch and the offsets of its inputs,
//! so each input is admitted or dead-lettered once, whatever crashes. The order and the way back are those of the ledger
//! worker, without the state batch.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use crate::admission::answer::Unanswered;
use crate::admission::ports::Objects;
use crate::admission::{Admission, Fate, Input, Outcome, TrustTable, answer};
use crate::event::{Millis, Owner, Tenant, Topic, TopicName, partition_of};
use crate::ledger::checkpoint::CheckpointSeen;
use crate::ledger::control::system_tenant;
use crate::ledger::record::{Body, LedgerRecord, Work};
use crate::log::{Assignment, Gathered, Inlet, Log, LogError, Outgoing, Outlet, Partition, Record};
use crate::telemetry::{Happening, Observer, Point, Role};
use crate::verdict::SignedCheckpoint;

use super::Backlog;
use super::control_owner::{self, ControlOwner};
use super::control_view::{CONTROL, ControlView};
use super::genesis::{check_partitions, outgoing};
use super::seen::SeenCheckpoints;
use super::subscription::Subscription;
use super::throttle::{Throttle, Why};
use super::worker::{Backoff, Stop, WorkerSettings};

/// The clock that stamps `admittedAt` and ticks.
pub type Clock = Arc<dyn Fn() -> Millis + Send + Sync>;

/// The worker of stage 1. One thread, one inlet, one outlet; verification runs on the rayon pool.
pub struct AdmissionWorker<L: Log> {
    log: L,
    objects: Arc<dyn Objects>,
    settings: WorkerSettings,
    observer: Arc<dyn Observer>,
    clock: Clock,
    partitions: u32,
    owned: Vec<Partition>,
    throttle: Throttle,
    /// Where the control owner stands; `None` while this worker does not own control.
    control: Option<ControlOwner>,
    /// Checkpoints that are in the ledger already, as far as this worker remembers.
    seen: SeenCheckpoints,
}

/// One membership of the group: the way in and out, and control as it was read.
pub struct Membership<L: Log> {
    inlet: L::Inlet,
    /// `None` only while another takes its place.
    outlet: Option<L::Outlet>,
    view: ControlView<L>,
    subscription: Subscription,
}

/// What a batch comes to.
#[derive(Default)]
struct Worked {
    outputs: Vec<Outgoing>,
    offsets: BTreeMap<Partition, u64>,
    fates: BTreeMap<&'static str, u64>,
    records: u64,
    control_seq: Option<u64>,
}

impl<L: Log> AdmissionWorker<L> {
    pub fn new(
        log: L,
        objects: Arc<dyn Objects>,
        settings: WorkerSettings,
        observer: Arc<dyn Observer>,
        clock: Clock,
    ) -> Self {
        let (owned, throttle, seen) = (Vec::new(), Throttle::default(), SeenCheckpoints::default());
        AdmissionWorker { log, objects, settings, observer, clock, partitions: 0, owned, throttle, control: None, seen }
    }

    /// Takes the fold's backlog into account, which somebody else looks at.
    pub fn with_backlog(mut self, backlog: Arc<Backlog>) -> Self {
        self.throttle = Throttle::new(backlog);
        self
    }

    /// Runs until `stop`. Returns only an error that no retry can mend.
    pub fn run(&mut self, stop: &Stop) -> Result<(), LogError> {
        let mut backoff = Backoff::new(&self.settings.pace);
        while !stop.is_stopped() {
            match self.serve(stop, &mut backoff) {
                Ok(()) => {}
                Err(error @ (LogError::Configuration(_) | LogError::Record(_))) => return Err(error),
                Err(error) => backoff.wait(Role::Admission, &*self.observer, stop, &error.to_string()),
            }
        }
        Ok(())
    }

    fn serve(&mut self, stop: &Stop, backoff: &mut Backoff) -> Result<(), LogError> {
        let mut membership = self.join()?;
        while !stop.is_stopped() {
            self.turn(&mut membership, stop)?;
            backoff.reset();
        }
        membership.inlet.close()
    }

    /// Begins a membership: control is read to its end before anything is consumed.
    pub fn join(&mut self) -> Result<Membership<L>, LogError> {
        let role = Role::Admission;
        self.forget();
        let view = ControlView::open(&self.log, &*self.observer)?;
        let Some(genesis) = view.table.genesis().cloned() else {
            let problem = "has no genesis; run `attestream ledger init`".to_owned();
            return Err(LogError::Topic { topic: Topic::Control.name().to_owned(), problem });
        };
        check_partitions(&self.log, &genesis)?;
        self.partitions = genesis.partitions;
        let outlet = self.log.outlet(&self.settings.transactional_id(role))?;
        let subscription = Subscription::shared();
        let log = self.log.clone();
        // Nothing is in the log before the first commit that this group has not to read.
        let start = Box::new(move |partition, committed: Option<u64>| match committed {
            Some(committed) => Ok(committed),
            None => Ok(log.range(partition)?.first),
        });
        let group = self.settings.group(role);
        let inlet = self.log.inlet(&group, &self.settings.member, subscription.topics(), start)?;
        Ok(Membership { inlet, outlet: Some(outlet), view, subscription })
    }

    /// One turn of the loop: a batch, a rebalance, or neither. After an error the membership is over.
    pub fn turn(&mut self, membership: &mut Membership<L>, stop: &Stop) -> Result<(), LogError> {
        let role = Role::Admission;
        let Membership { inlet, outlet, view, subscription } = membership;
        let gathered = inlet.gather(self.settings.limits())?;
        let open = outlet.as_mut().ok_or_else(|| LogError::Transaction("no outlet is open".to_owned()))?;
        let outcome = match gathered {
            Gathered::Records(records) if records.is_empty() => self.idle(inlet, open, view),
            Gathered::Records(records) => self.batch(inlet, open, view, &records, stop),
            Gathered::Assigned(assigned) => {
                self.assigned(&assigned, subscription.topics())?;
                view.read_to_end(&*self.observer)?;
                Ok(())
            }
            Gathered::Revoked { lost } => {
                self.observer.happened(&Happening::Rebalanced { role, owned: 0, lost });
                self.forget();
                Ok(())
            }
        };
        if let Err(error) = outcome {
            drop(outlet.take());
            *outlet = Some(self.recover(inlet, &error)?);
        }
        if !self.owned.is_empty() {
            self.pause_and_resume(inlet, &view.table)?;
            if let Some(topics) = subscription.next(&self.log, &view.table, &*self.observer)? {
                inlet.subscribe(topics)?;
            }
        }
        Ok(())
    }

    /// Nothing is owned.
    fn forget(&mut self) {
        self.control = None;
        self.owned.clear();
        self.throttle.revoked();
    }

    fn assigned(&mut self, assigned: &[Assignment], topics: &[TopicName]) -> Result<(), LogError> {
        let (role, owned) = (Role::Admission, assigned.len());
        self.observer.happened(&Happening::Rebalanced { role, owned, lost: false });
        self.owned = assigned.iter().map(|assignment| assignment.partition).collect();
        let mut counts: BTreeMap<Owner, u32> = BTreeMap::new();
        for name in topics {
            if let Some(owner) = name.owner {
                *counts.entry(owner).or_default() += self.log.partitions(*name)?;
            }
        }
        self.throttle.assigned(&self.owned, &counts, self.partitions, (self.clock)());
        let control = assigned.iter().find(|assignment| assignment.partition == CONTROL);
        let start = control.map(|assignment| assignment.start);
        self.control = start.map(|start| ControlOwner::at(&self.log, start, &self.settings.pace)).transpose()?;
        Ok(())
    }

    /// Tenants with topics of their own wait and go on between two batches.
    fn pause_and_resume(&mut self, inlet: &mut L::Inlet, table: &TrustTable) -> Result<(), LogError> {
        for turn in self.throttle.turns(table, (self.clock)()) {
            for partition in &turn.partitions {
                match turn.now {
                    Some(_) => inlet.pause(*partition)?,
                    None => inlet.resume(*partition)?,
                }
            }
            self.observer.happened(&Happening::Throttled {
                tenant: turn.owner.as_str(),
                before: turn.before.map(Why::as_str),
                now: turn.now.map(Why::as_str),
                partitions: turn.partitions.len(),
            });
        }
        Ok(())
    }

    fn pass(&self, point: Point) {
        self.observer.happened(&Happening::Passed { role: Role::Admission, point });
    }

    fn batch(
        &mut self,
        inlet: &mut L::Inlet,
        outlet: &mut L::Outlet,
        view: &mut ControlView<L>,
        records: &[Record],
        stop: &Stop,
    ) -> Result<(), LogError> {
        self.pass(Point::Gathered);
        let begun = Instant::now();
        view.glance(&*self.observer)?;
        self.tell_age(view);
        let worked = self.work(inlet, view, records, stop)?;
        let Some(worked) = worked else { return Ok(()) };
        self.transact(inlet, outlet, &worked)?;
        self.throttle.spend(records, (self.clock)());
        let outputs = u64::try_from(worked.outputs.len()).unwrap_or(0);
        let took = begun.elapsed();
        let (role, records) = (Role::Admission, worked.records);
        self.observer.happened(&Happening::Committed { role, records, outputs, took });
        for (fate, records) in worked.fates {
            self.observer.happened(&Happening::Fates { role, fate, records });
        }
        if let (Some(owner), Some(seq)) = (&mut self.control, worked.control_seq) {
            owner.seq = seq;
            owner.next = worked.offsets.get(&CONTROL).copied().unwrap_or(owner.next);
        }
        self.tick(inlet, outlet)
    }

    fn idle(
        &mut self,
        inlet: &mut L::Inlet,
        outlet: &mut L::Outlet,
        view: &mut ControlView<L>,
    ) -> Result<(), LogError> {
        // A new tenant's own topics are not read yet, so no record of theirs would make anybody look.
        view.glance(&*self.observer)?;
        self.tell_age(view);
        self.tick(inlet, outlet)
    }

    /// A root that nobody renews is one whose keys may be gone: an old one is worth an alert.
    fn tell_age(&self, view: &ControlView<L>) {
        if let Some(since) = view.root_since {
            let milliseconds = (self.clock)().0.saturating_sub(since.0);
            self.observer.happened(&Happening::TrustRootAge { milliseconds });
        }
    }

    /// The outputs of a batch, in its order. `None` when the worker was stopped while an ask had to wait.
    fn work(
        &mut self,
        inlet: &mut L::Inlet,
        view: &mut ControlView<L>,
        records: &[Record],
        stop: &Stop,
    ) -> Result<Option<Worked>, LogError> {
        let mut outcomes = self.admit_all(&view.table, records)?;
        if outcomes.iter().flatten().any(|outcome| outcome.doubtful) {
            let before = view.table.position();
            view.read_to_end(&*self.observer)?;
            if view.table.position() != before {
                let doubtful = |(record, outcome): (&Record, Option<Outcome>)| match outcome {
                    Some(outcome) if outcome.doubtful => self.admit_one(&view.table, record),
                    outcome => Ok(outcome),
                };
                outcomes = records.iter().zip(outcomes).map(doubtful).collect::<Result<_, _>>()?;
            }
        }
        let mut worked = Worked::default();
        let mut received: BTreeMap<TopicName, u64> = BTreeMap::new();
        for (record, outcome) in records.iter().zip(outcomes) {
            *received.entry(record.partition.name()).or_default() += 1;
            worked.records += 1;
            worked.offsets.insert(record.partition, record.offset + 1);
            match (record.partition.topic, outcome) {
                (Topic::Control, _) => self.copy_control(record, &mut worked),
                (Topic::Work, _) => match self.answer_work(inlet, view, record, stop)? {
                    Some(answer) => self.put_answer(answer, &mut worked),
                    None => return Ok(None),
                },
                (_, Some(outcome)) => self.put_outcome(record, outcome, &mut worked),
                (_, None) => {}
            }
        }
        for (topic, records) in received {
            self.observer.happened(&Happening::Received { role: Role::Admission, topic, records });
        }
        Ok(Some(worked))
    }

    /// Parses, verifies and normalises a batch on all cores; the order is kept by index.
    fn admit_all(&self, table: &TrustTable, records: &[Record]) -> Result<Vec<Option<Outcome>>, LogError> {
        records.par_iter().map(|record| self.admit_one(table, record)).collect()
    }

    fn admit_one(&self, table: &TrustTable, record: &Record) -> Result<Option<Outcome>, LogError> {
        if matches!(record.partition.topic, Topic::Control | Topic::Work) {
            return Ok(None);
        }
        let admission = Admission { table, objects: &*self.objects, now: (self.clock)() };
        let outcome = admission.admit(&input_of(record));
        outcome.map(Some).map_err(|error| LogError::Storage(error.to_string()))
    }

    fn put_outcome(&mut self, record: &Record, outcome: Outcome, worked: &mut Worked) {
        for checkpoint in outcome.checkpoints {
            self.put_checkpoint(checkpoint, worked);
        }
        match outcome.fate {
            Fate::Admitted { tenant, records } => {
                *worked.fates.entry("admitted").or_default() += 1;
                for written in records {
                    worked.outputs.push(self.to_ledger(&tenant, written.value));
                }
            }
            Fate::DeadLetter(letter) => {
                *worked.fates.entry("dead-lettered").or_default() += 1;
                let (topic, partition) = (record.partition.name(), record.partition.number);
                let (offset, code) = (record.offset, letter.code);
                self.observer.happened(&Happening::DeadLettered { topic, partition, offset, code });
                worked.outputs.push(Outgoing {
                    topic: Topic::DeadLetter,
                    owner: None,
                    partition: None,
                    key: letter.key,
                    value: letter.value,
                    headers: letter.headers,
                });
            }
        }
    }

    /// A checkpoint that is new to this worker goes to the system tenant's ledger.
    fn put_checkpoint(&mut self, checkpoint: SignedCheckpoint, worked: &mut Worked) {
        if !self.seen.insert(checkpoint.identity()) {
            return;
        }
        let seen = CheckpointSeen { admitted_at: (self.clock)(), checkpoint };
        let record = LedgerRecord::new(system_tenant(), Body::Checkpoint(Box::new(seen)));
        worked.outputs.push(self.to_ledger(&record.tenant, record.to_bytes()));
    }

    fn put_answer(&self, answer: LedgerRecord, worked: &mut Worked) {
        *worked.fates.entry("answered").or_default() += 1;
        worked.outputs.push(self.to_ledger(&answer.tenant, answer.to_bytes()));
    }

    fn to_ledger(&self, tenant: &Tenant, value: Vec<u8>) -> Outgoing {
        let key = tenant.as_str().as_bytes();
        outgoing(Topic::Ledger, partition_of(key, self.partitions), key, value)
    }

    /// Answers an ask under exactly the pair that it names; waits for a trust digest that control has not brought yet.
    fn answer_work(
        &self,
        inlet: &mut L::Inlet,
        view: &mut ControlView<L>,
        record: &Record,
        stop: &Stop,
    ) -> Result<Option<LedgerRecord>, LogError> {
        let Ok(Work::Verify(work)) = serde_json::from_slice(record.value.as_deref().unwrap_or_default()) else {
            return Err(LogError::Record(format!("{} at {} is no work", record.partition, record.offset)));
        };
        let mut backoff = Backoff::new(&self.settings.pace);
        loop {
            match answer(&work, &view.table, &*self.objects, (self.clock)()) {
                Ok(answer) => return Ok(Some(answer)),
                Err(Unanswered::TrustUnknown) => {
                    view.read_to_end(&*self.observer)?;
                    let known = view.table.by_digest(work.pair.trust);
                    if known.is_none_or(|trust| trust.pair.epoch < work.pair.epoch) {
                        let why = Unanswered::TrustUnknown.to_string();
                        backoff.wait(Role::Admission, &*self.observer, stop, &why);
                    }
                }
                Err(error) => backoff.wait(Role::Admission, &*self.observer, stop, &error.to_string()),
            }
            if stop.is_stopped() || !inlet.keep_alive()? {
                return Ok(None);
            }
        }
    }

    /// Copies a control record to every ledger partition, in the transaction that commits its offset: every partition
    /// sees one order, once.
    fn copy_control(&self, record: &Record, worked: &mut Worked) {
        let Some(owner) = &self.control else { return };
        let (next, copies) = control_owner::copies(record, worked.control_seq.unwrap_or(owner.seq), self.partitions);
        worked.control_seq = Some(next);
        match copies {
            Ok(copies) => {
                *worked.fates.entry("copied").or_default() += 1;
                worked.outputs.extend(copies);
            }
            Err(why) => {
                *worked.fates.entry("dropped").or_default() += 1;
                self.observer.happened(&Happening::ControlDropped { why });
            }
        }
    }

    /// The owner's tick: a control record in a transaction of its own that sends the control offset again, so that an
    /// owner who is one no longer is fenced.
    fn tick(&mut self, inlet: &mut L::Inlet, outlet: &mut L::Outlet) -> Result<(), LogError> {
        let now = (self.clock)();
        let Some(owner) = &mut self.control else { return Ok(()) };
        let Some(tick) = owner.tick(self.settings.tick, now) else { return Ok(()) };
        let offsets = BTreeMap::from([(CONTROL, owner.next)]);
        let worked = Worked { outputs: vec![tick], offsets, ..Worked::default() };
        self.transact(inlet, outlet, &worked)
    }

    fn transact(&self, inlet: &mut L::Inlet, outlet: &mut L::Outlet, worked: &Worked) -> Result<(), LogError> {
        let fence = inlet.fence().ok_or_else(|| LogError::Fenced("the assignment is lost".to_owned()))?;
        outlet.begin()?;
        self.pass(Point::Begun);
        for output in &worked.outputs {
            outlet.append(output.clone())?;
        }
        self.pass(Point::Appended);
        // A batch always has the offsets of its records: never an empty, unfenced list.
        let offsets: Vec<(Partition, u64)> = worked.offsets.iter().map(|(p, next)| (*p, *next)).collect();
        outlet.offsets(&self.settings.group(Role::Admission), &offsets, &fence)?;
        self.pass(Point::OffsetsAdded);
        self.pass(Point::Committing);
        outlet.commit()?;
        self.pass(Point::Committed);
        Ok(())
    }

    /// The one recovery path, once the outlet is dropped: a new one settles what was open, then the committed offsets say
    /// where to read on.
    fn recover(&mut self, inlet: &mut L::Inlet, error: &LogError) -> Result<L::Outlet, LogError> {
        let why = error.to_string();
        self.observer.happened(&Happening::Recovering { role: Role::Admission, why: &why });
        // What the lost transaction carried may not be in the ledger.
        self.seen = SeenCheckpoints::default();
        // A new membership reads every committed offset again.
        let outlet = self.log.outlet(&self.settings.transactional_id(Role::Admission))?;
        let partitions = self.owned.clone();
        for (partition, committed) in partitions.iter().zip(inlet.committed(&partitions)?) {
            let next = match committed {
                Some(next) => next,
                None => self.log.range(*partition)?.first,
            };
            inlet.seek(*partition, next)?;
            if *partition == CONTROL {
                self.control = Some(ControlOwner::at(&self.log, next, &self.settings.pace)?);
            }
        }
        Ok(outlet)
    }
}

fn input_of(record: &Record) -> Input<'_> {
    Input {
        topic: record.partition.topic,
        owner: record.partition.owner,
        partition: record.partition.number,
        offset: record.offset,
        timestamp: record.timestamp,
        key: record.key.as_deref(),
        value: record.value.as_deref(),
        headers: &record.headers,
    }
}
