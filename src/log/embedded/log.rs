//! The shared heart of an embedded log.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::event::{Millis, Topic, TopicName};
use crate::log::{Log, LogError, Partition, Range, StartAt};

use super::coordinator::Coordinator;
use super::{Batch, EmbeddedInlet, EmbeddedOutlet, EmbeddedReader, Fence, Store};

/// The time that records are stamped with.
pub type Clock = Arc<dyn Fn() -> Millis + Send + Sync>;

/// A log within one process, over the store `S`.
pub struct Embedded<S> {
    inner: Arc<Inner<S>>,
}

struct Inner<S> {
    pub store: S,
    gate: Mutex<()>,
    desk: Mutex<Desk>,
    news: Condvar,
}

struct Desk {
    coordinator: Coordinator,
    /// The epoch of the newest outlet per transactional id.
    epochs: BTreeMap<String, u64>,
    clock: Clock,
    /// Grows with everything that may let a waiting reader go on.
    version: u64,
}

impl<S> Clone for Embedded<S> {
    fn clone(&self) -> Self {
        Embedded { inner: Arc::clone(&self.inner) }
    }
}

/// What a lock guards is whole between any two statements here, so a panic elsewhere does not make it unusable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<S: Store> Embedded<S> {
    pub fn over(store: S, clock: Clock) -> Self {
        let desk = Desk { coordinator: Coordinator::default(), epochs: BTreeMap::new(), clock, version: 0 };
        let inner = Inner { store, gate: Mutex::new(()), desk: Mutex::new(desk), news: Condvar::new() };
        Embedded { inner: Arc::new(inner) }
    }

    /// The same log with another clock.
    pub fn with_clock(self, clock: Clock) -> Self {
        lock(&self.inner.desk).clock = clock;
        self
    }

    pub fn store(&self) -> &S {
        &self.inner.store
    }

    /// Makes the present holder of a member's name lose its assignment, as a session time-out does.
    pub fn evict(&self, group: &str, member: &str) {
        self.regroup(|coordinator| coordinator.evict(group, member));
    }

    pub(super) fn now(&self) -> Millis {
        let clock = Arc::clone(&lock(&self.inner.desk).clock);
        clock()
    }

    /// Changes the groups, between two commits.
    pub(super) fn regroup<T>(&self, change: impl FnOnce(&mut Coordinator) -> T) -> T {
        let _gate = lock(&self.inner.gate);
        let mut desk = lock(&self.inner.desk);
        let outcome = change(&mut desk.coordinator);
        self.announce(&mut desk);
        outcome
    }

    /// Looks at the groups, without waiting for a commit.
    pub(super) fn groups<T>(&self, look: impl FnOnce(&Coordinator) -> T) -> T {
        look(&lock(&self.inner.desk).coordinator)
    }

    pub(super) fn version(&self) -> u64 {
        lock(&self.inner.desk).version
    }

    /// Topics with their numbers of partitions, each once.
    pub(super) fn counted(&self, topics: &[TopicName]) -> Result<Vec<(TopicName, u32)>, LogError> {
        let counted = topics.iter().map(|name| Ok((*name, self.inner.store.partitions(*name)?)));
        let mut counted = counted.collect::<Result<Vec<_>, LogError>>()?;
        counted.sort_unstable();
        counted.dedup();
        Ok(counted)
    }

    /// Waits for news since `seen`; false when there is none until `deadline`.
    pub(super) fn wait(&self, seen: u64, deadline: Instant) -> bool {
        let mut desk = lock(&self.inner.desk);
        while desk.version == seen {
            if !self.inner.store.waits() {
                return false;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            desk = self.inner.news.wait_timeout(desk, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Refuses an outlet that a newer one of its id has fenced.
    pub(super) fn check_epoch(&self, id: &str, epoch: u64) -> Result<(), LogError> {
        if lock(&self.inner.desk).epochs.get(id) == Some(&epoch) {
            return Ok(());
        }
        Err(LogError::Fenced(format!("transactional id {id} was opened again")))
    }

    /// Commits one transaction, or refuses it whole.
    pub(super) fn commit(&self, id: &str, epoch: u64, mut batch: Batch, fences: &[Fence]) -> Result<(), LogError> {
        let _gate = lock(&self.inner.gate);
        self.check_epoch(id, epoch)?;
        for fence in fences {
            let of_group = batch.offsets.iter().filter(|(group, ..)| *group == fence.group);
            let partitions: Vec<Partition> = of_group.map(|(_, partition, _)| *partition).collect();
            self.groups(|coordinator| coordinator.check(fence, &partitions))?;
        }
        let appended = self.now();
        for (partition, timestamp, _) in &mut batch.records {
            if partition.topic == Topic::Control {
                *timestamp = appended;
            }
        }
        self.inner.store.commit(batch)?;
        self.announce(&mut lock(&self.inner.desk));
        Ok(())
    }

    pub(super) fn abandon(&self, batch: Batch) {
        let _gate = lock(&self.inner.gate);
        self.inner.store.abandon(batch);
        self.announce(&mut lock(&self.inner.desk));
    }

    /// Wakes whoever waits for records: something was written past the transactions.
    pub(in crate::log) fn nudge(&self) {
        self.announce(&mut lock(&self.inner.desk));
    }

    /// Whoever comes anew finds a store that works; no commit is under way.
    fn recover(&self, desk: &mut Desk) -> Result<(), LogError> {
        if self.inner.store.recover()? {
            // Who writes has looked at the log as it was before.
            desk.epochs.values_mut().for_each(|epoch| *epoch += 1);
            self.announce(desk);
        }
        Ok(())
    }

    fn announce(&self, desk: &mut Desk) {
        desk.version += 1;
        self.inner.news.notify_all();
    }
}

impl<S: Store> Log for Embedded<S> {
    type Inlet = EmbeddedInlet<S>;
    type Outlet = EmbeddedOutlet<S>;
    type Reader = EmbeddedReader<S>;

    fn partitions(&self, topic: impl Into<TopicName>) -> Result<u32, LogError> {
        self.inner.store.partitions(topic.into())
    }

    fn inlet<N: Into<TopicName> + Copy>(
        &self,
        group: &str,
        member: &str,
        topics: &[N],
        start: StartAt,
    ) -> Result<Self::Inlet, LogError> {
        let topics: Vec<TopicName> = topics.iter().map(|topic| (*topic).into()).collect();
        Ok(EmbeddedInlet::join(self.clone(), group, member, self.counted(&topics)?, start))
    }

    fn outlet(&self, transactional_id: &str) -> Result<Self::Outlet, LogError> {
        let _gate = lock(&self.inner.gate);
        let mut desk = lock(&self.inner.desk);
        self.recover(&mut desk)?;
        let epoch = desk.epochs.entry(transactional_id.to_owned()).or_insert(0);
        *epoch += 1;
        Ok(EmbeddedOutlet::open(self.clone(), transactional_id.to_owned(), *epoch))
    }

    fn reader(&self, start: &[(Partition, u64)]) -> Result<Self::Reader, LogError> {
        {
            let _gate = lock(&self.inner.gate);
            self.recover(&mut lock(&self.inner.desk))?;
        }
        EmbeddedReader::open(self.clone(), start)
    }

    fn range(&self, partition: Partition) -> Result<Range, LogError> {
        self.inner.store.range(partition)
    }

    fn committed(&self, group: &str, partition: Partition) -> Result<Option<u64>, LogError> {
        self.inner.store.committed(group, partition)
    }
}
