//! A group member's reading side.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::event::TopicName;
use crate::log::{Assignment, Gather, Gathered, Inlet, LogError, Partition, Record, StartAt};

use super::coordinator::Standing;
use super::{Effect, Embedded, Fence, Store, Verb};

/// A member of a group. Dropping it leaves the group, as closing does: within one process nobody else can notice that
/// a member is gone.
pub struct EmbeddedInlet<S: Store> {
    log: Embedded<S>,
    group: String,
    member: String,
    topics: Vec<(TopicName, u32)>,
    start: StartAt,
    incarnation: u64,
    held: Option<Held>,
    /// The assignment was given up by itself: the next `gather` says so.
    given_up: bool,
    /// A newer member took the name: this one never comes back.
    replaced: bool,
}

/// What is owned since the last `Assigned`.
struct Held {
    generation: u64,
    places: BTreeMap<Partition, Place>,
    /// The partition that was served last: the others come first next time.
    last: Option<Partition>,
}

struct Place {
    next: u64,
    paused: bool,
}

/// What `gather` has so far.
#[derive(Default)]
struct Harvest {
    records: Vec<Record>,
    bytes: usize,
}

impl<S: Store> EmbeddedInlet<S> {
    pub(super) fn join(
        log: Embedded<S>,
        group: &str,
        member: &str,
        topics: Vec<(TopicName, u32)>,
        start: StartAt,
    ) -> Self {
        let incarnation = log.regroup(|coordinator| coordinator.join(group, member, &topics));
        let (group, member) = (group.to_owned(), member.to_owned());
        EmbeddedInlet { log, group, member, topics, start, incarnation, held: None, given_up: false, replaced: false }
    }

    fn standing(&self) -> Standing {
        self.log.groups(|coordinator| coordinator.standing(&self.group, &self.member, self.incarnation))
    }

    fn fence_of(&self, generation: u64) -> Fence {
        let (group, member) = (self.group.clone(), self.member.clone());
        Fence { group, member, incarnation: self.incarnation, generation }
    }

    /// Serves the group: what there is to tell before any record is read.
    fn serve(&mut self) -> Result<Option<Gathered>, LogError> {
        if std::mem::take(&mut self.given_up) {
            return Ok(Some(Gathered::Revoked { lost: false }));
        }
        loop {
            match self.standing() {
                Standing::Holding | Standing::Waiting => return Ok(None),
                Standing::Asked => {
                    self.held = None;
                    self.log.regroup(|c| c.surrender(&self.group, &self.member, self.incarnation));
                    return Ok(Some(Gathered::Revoked { lost: false }));
                }
                Standing::Gone { replaced } => {
                    self.replaced |= replaced;
                    if self.held.take().is_some() {
                        return Ok(Some(Gathered::Revoked { lost: true }));
                    }
                    if self.replaced {
                        return Err(LogError::Fenced(format!("another member took the name {}", self.member)));
                    }
                    self.incarnation = self.log.regroup(|c| c.join(&self.group, &self.member, &self.topics));
                }
                Standing::Offered { generation, partitions } => {
                    if let Some(assigned) = self.take(generation, &partitions)? {
                        return Ok(Some(Gathered::Assigned(assigned)));
                    }
                }
            }
        }
    }

    /// Takes an offer. When a start cannot be decided, the offer stands and the next `gather` tries again.
    fn take(&mut self, generation: u64, partitions: &[Partition]) -> Result<Option<Vec<Assignment>>, LogError> {
        let mut assigned = Vec::with_capacity(partitions.len());
        for partition in partitions.iter().copied() {
            let committed = self.log.store().committed(&self.group, partition)?;
            let start = (self.start)(partition, committed)?;
            assigned.push(Assignment { partition, start, committed });
        }
        let fence = self.fence_of(generation);
        if !self.log.regroup(|coordinator| coordinator.take(&fence)) {
            return Ok(None);
        }
        let places = assigned.iter().map(|one| (one.partition, Place { next: one.start, paused: false })).collect();
        self.held = Some(Held { generation, places, last: None });
        Ok(Some(assigned))
    }

    /// Reads what is there, one partition after the other, beginning after the one that was served last.
    fn reap(&mut self, limits: Gather, harvest: &mut Harvest) -> Result<(), LogError> {
        let Some(held) = &mut self.held else { return Ok(()) };
        let mut order: Vec<Partition> = held.places.keys().copied().collect();
        let served = held.last.and_then(|last| order.iter().position(|partition| *partition > last));
        order.rotate_left(served.unwrap_or(0));
        for partition in order {
            let (records, bytes) =
                (limits.records.saturating_sub(harvest.records.len()), limits.bytes.saturating_sub(harvest.bytes));
            if records == 0 || bytes == 0 {
                break;
            }
            let Some(place) = held.places.get_mut(&partition).filter(|place| !place.paused) else { continue };
            let chunk = self.log.store().read(partition, place.next, records, bytes)?;
            place.next = chunk.next;
            if !chunk.records.is_empty() {
                held.last = Some(partition);
            }
            harvest.bytes += chunk.records.iter().map(Record::size).sum::<usize>();
            harvest.records.extend(chunk.records);
        }
        Ok(())
    }

    fn owned(&mut self, partition: Partition) -> Result<&mut Place, LogError> {
        let place = self.held.as_mut().and_then(|held| held.places.get_mut(&partition));
        place.ok_or_else(|| LogError::Fenced(format!("{partition} is not assigned")))
    }
}

impl<S: Store> Inlet for EmbeddedInlet<S> {
    type Fence = Fence;

    fn gather(&mut self, limits: Gather) -> Result<Gathered, LogError> {
        let mut deadline = later(limits.wait);
        let fault = self.log.store().fault(Verb::Gather);
        match fault {
            Some(Effect::Lose) => self.log.evict(&self.group, &self.member),
            Some(Effect::Before | Effect::After) => return Err(LogError::Unreachable(String::from("simulated"))),
            None => {}
        }
        let mut harvest = Harvest::default();
        loop {
            let seen = self.log.version();
            // Records of an assignment that is asked back are returned first; the next call tells.
            if harvest.records.is_empty() {
                if let Some(news) = self.serve()? {
                    return Ok(news);
                }
            } else if self.standing() != Standing::Holding {
                break;
            }
            let empty = harvest.records.is_empty();
            self.reap(limits, &mut harvest)?;
            if empty && !harvest.records.is_empty() {
                deadline = later(limits.linger);
            }
            let full = harvest.records.len() >= limits.records || harvest.bytes >= limits.bytes;
            if full || !self.log.wait(seen, deadline) {
                break;
            }
        }
        Ok(Gathered::Records(harvest.records))
    }

    fn subscribe(&mut self, topics: &[TopicName]) -> Result<(), LogError> {
        let topics = self.log.counted(topics)?;
        if self.standing() == (Standing::Gone { replaced: true }) {
            return Err(LogError::Fenced(format!("another member took the name {}", self.member)));
        }
        self.topics = topics;
        self.given_up = self.held.take().is_some();
        self.incarnation = self.log.regroup(|c| c.join(&self.group, &self.member, &self.topics));
        Ok(())
    }

    fn fence(&self) -> Option<Fence> {
        let held = self.held.as_ref().filter(|held| !held.places.is_empty())?;
        let fence = self.fence_of(held.generation);
        self.log.groups(|coordinator| coordinator.check(&fence, &[])).ok().map(|()| fence)
    }

    fn committed(&mut self, partitions: &[Partition]) -> Result<Vec<Option<u64>>, LogError> {
        partitions.iter().map(|partition| self.log.store().committed(&self.group, *partition)).collect()
    }

    fn seek(&mut self, partition: Partition, offset: u64) -> Result<(), LogError> {
        self.owned(partition)?.next = offset;
        Ok(())
    }

    fn pause(&mut self, partition: Partition) -> Result<(), LogError> {
        self.owned(partition)?.paused = true;
        Ok(())
    }

    fn resume(&mut self, partition: Partition) -> Result<(), LogError> {
        self.owned(partition)?.paused = false;
        Ok(())
    }

    fn keep_alive(&mut self) -> Result<bool, LogError> {
        Ok(!self.given_up && self.standing() == Standing::Holding)
    }

    fn close(self) -> Result<(), LogError> {
        drop(self);
        Ok(())
    }
}

impl<S: Store> Drop for EmbeddedInlet<S> {
    fn drop(&mut self) {
        self.log.regroup(|coordinator| coordinator.leave(&self.group, &self.member, self.incarnation));
    }
}

/// Now and `wait`; a wait beyond what a clock can tell is a day.
pub(super) fn later(wait: std::time::Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(wait).unwrap_or_else(|| now + std::time::Duration::from_secs(86_400))
}
