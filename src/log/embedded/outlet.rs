//! A transactional writer.

use crate::event::limits::MESSAGE_MAX;
use crate::log::{Log, LogError, Outgoing, Outlet, Partition, partition_of};

use super::{Batch, Effect, Embedded, Fence, Store, Verb};

/// A writer under one transactional id. The open transaction lies in here: dropping the outlet gives it up.
pub struct EmbeddedOutlet<S: Store> {
    log: Embedded<S>,
    id: String,
    epoch: u64,
    open: Option<Transaction>,
    /// A verb failed: as with any log, nothing but dropping the outlet is right then.
    failed: bool,
}

#[derive(Default)]
struct Transaction {
    batch: Batch,
    fences: Vec<Fence>,
}

impl<S: Store> EmbeddedOutlet<S> {
    pub(super) fn open(log: Embedded<S>, id: String, epoch: u64) -> Self {
        EmbeddedOutlet { log, id, epoch, open: None, failed: false }
    }

    fn transaction(&mut self) -> Result<&mut Transaction, LogError> {
        self.open.as_mut().ok_or_else(|| LogError::Transaction(String::from("none is open")))
    }

    /// Does one verb, with the failure that a simulation wants of it.
    fn perform(&mut self, verb: Verb, act: impl FnOnce(&mut Self) -> Result<(), LogError>) -> Result<(), LogError> {
        if self.failed {
            return Err(LogError::Transaction(String::from("this outlet has failed")));
        }
        let fault = self.log.store().fault(verb);
        let outcome = match fault {
            Some(Effect::Before) => Err(LogError::Transaction(String::from("simulated, before"))),
            Some(Effect::Lose) => {
                for fence in self.open.iter().flat_map(|open| &open.fences) {
                    self.log.evict(&fence.group, &fence.member);
                }
                act(self)
            }
            Some(Effect::After) => {
                act(self).and_then(|()| Err(LogError::Transaction(String::from("simulated, after"))))
            }
            None => act(self),
        };
        self.failed = outcome.is_err();
        outcome
    }

    fn place(&self, record: &Outgoing) -> Result<Partition, LogError> {
        let name = record.name();
        let count = self.log.partitions(name)?;
        let by_key = || record.key.as_ref().map_or(0, |key| partition_of(key, count));
        let number = record.partition.unwrap_or_else(by_key);
        if number >= count {
            let problem = format!("partition {number} of {count}");
            return Err(LogError::Topic { topic: name.to_string(), problem });
        }
        Ok(Partition::of(name, number))
    }
}

impl<S: Store> Outlet for EmbeddedOutlet<S> {
    type Fence = Fence;

    fn begin(&mut self) -> Result<(), LogError> {
        self.perform(Verb::Begin, |this| {
            this.log.check_epoch(&this.id, this.epoch)?;
            if this.open.is_some() {
                return Err(LogError::Transaction(String::from("one is open already")));
            }
            this.open = Some(Transaction::default());
            Ok(())
        })
    }

    fn append(&mut self, record: Outgoing) -> Result<(), LogError> {
        self.perform(Verb::Append, |this| {
            this.log.check_epoch(&this.id, this.epoch)?;
            let size = size(&record);
            if size > MESSAGE_MAX {
                return Err(LogError::Record(format!("{size} bytes for {}, at most {MESSAGE_MAX}", record.name())));
            }
            let partition = this.place(&record)?;
            let created = this.log.now();
            this.transaction()?.batch.records.push((partition, created, record));
            Ok(())
        })
    }

    fn offsets(&mut self, group: &str, next: &[(Partition, u64)], fence: &Fence) -> Result<(), LogError> {
        self.perform(Verb::Offsets, |this| {
            this.log.check_epoch(&this.id, this.epoch)?;
            if next.is_empty() {
                return Err(LogError::Transaction(String::from("an empty list of offsets would not be fenced")));
            }
            if group != fence.group {
                return Err(LogError::Fenced(format!("a fence of group {} for group {group}", fence.group)));
            }
            let partitions: Vec<Partition> = next.iter().map(|(partition, _)| *partition).collect();
            this.log.groups(|coordinator| coordinator.check(fence, &partitions))?;
            let transaction = this.transaction()?;
            transaction.fences.push(fence.clone());
            let offsets = next.iter().map(|(partition, offset)| (group.to_owned(), *partition, *offset));
            transaction.batch.offsets.extend(offsets);
            Ok(())
        })
    }

    fn commit(&mut self) -> Result<(), LogError> {
        self.perform(Verb::Commit, |this| {
            this.transaction()?;
            let Some(Transaction { batch, fences }) = this.open.take() else { return Ok(()) };
            this.log.commit(&this.id, this.epoch, batch, &fences)
        })
    }

    fn abort(&mut self) -> Result<(), LogError> {
        if self.failed {
            return Err(LogError::Transaction(String::from("this outlet has failed")));
        }
        self.transaction()?;
        self.give_up();
        Ok(())
    }
}

impl<S: Store> EmbeddedOutlet<S> {
    fn give_up(&mut self) {
        if let Some(transaction) = self.open.take() {
            self.log.abandon(transaction.batch);
        }
    }
}

impl<S: Store> Drop for EmbeddedOutlet<S> {
    fn drop(&mut self) {
        self.give_up();
    }
}

fn size(record: &Outgoing) -> usize {
    let bytes = |part: &Option<Vec<u8>>| part.as_ref().map_or(0, Vec::len);
    let headers: usize = record.headers.iter().map(|(name, value)| name.len() + bytes(value)).sum();
    bytes(&record.key) + bytes(&record.value) + headers
}
