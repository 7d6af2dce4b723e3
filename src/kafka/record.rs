//! Names and records between the port and librdkafka.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rdkafka::message::{BorrowedHeaders, BorrowedMessage, Header as KafkaHeader, Headers as _, OwnedHeaders};
use rdkafka::{Message as _, Offset, TopicPartitionList};

use crate::event::{Millis, Owner, TopicName};
use crate::log::{Header, LogError, Partition, Record};

/// The prefix before every name on the cluster.
#[derive(Debug, Clone)]
pub(super) struct Names {
    prefix: std::sync::Arc<str>,
}

impl Names {
    pub(super) fn new(prefix: &str) -> Self {
        Names { prefix: prefix.into() }
    }

    pub(super) fn of(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    pub(super) fn topic(&self, topic: impl Into<TopicName>) -> String {
        self.of(&topic.into().to_string())
    }

    /// The partition of ours that a name and a number on the cluster stand for.
    pub(super) fn partition(&self, topic: &str, number: i32) -> Result<Partition, LogError> {
        // Only what this process asked for comes back, so every owner is known.
        let known = topic.strip_prefix(&*self.prefix).and_then(TopicName::split).zip(u32::try_from(number).ok());
        let known = known.and_then(|((owner, topic), number)| match owner {
            None => Some(Partition { topic, owner: None, number }),
            Some(owner) => Owner::known(&owner).map(|owner| Partition { topic, owner: Some(owner), number }),
        });
        known.ok_or_else(|| LogError::Topic { topic: topic.into(), problem: "it is none of ours".into() })
    }

    /// A list of partitions with offsets (absent: none).
    pub(super) fn list(
        &self,
        partitions: impl IntoIterator<Item = (Partition, Option<u64>)>,
    ) -> Result<TopicPartitionList, LogError> {
        let mut list = TopicPartitionList::new();
        for (partition, offset) in partitions {
            let offset = offset.map_or(Ok(Offset::Invalid), |offset| raw_offset(offset).map(Offset::Offset))?;
            list.add_partition_offset(&self.topic(partition.name()), raw_number(partition.number)?, offset)
                .map_err(|error| super::error::of(&partition.to_string(), &error))?;
        }
        Ok(list)
    }

    pub(super) fn record(&self, message: &BorrowedMessage<'_>) -> Result<Record, LogError> {
        let partition = self.partition(message.topic(), message.partition())?;
        let offset = u64::try_from(message.offset())
            .map_err(|_| LogError::Record(format!("{partition}: offset {}", message.offset())))?;
        Ok(Record {
            partition,
            offset,
            timestamp: Millis(message.timestamp().to_millis().unwrap_or_default()),
            key: message.key().map(Vec::from),
            value: message.payload().map(Vec::from),
            headers: message.headers().map(headers).unwrap_or_default(),
        })
    }
}

pub(super) fn raw_number(number: u32) -> Result<i32, LogError> {
    i32::try_from(number).map_err(|_| LogError::Record(format!("partition {number}")))
}

pub(super) fn raw_offset(offset: u64) -> Result<i64, LogError> {
    i64::try_from(offset).map_err(|_| LogError::Record(format!("offset {offset}")))
}

/// Hole: rdkafka panics on a header whose name is not UTF-8. A Kafka header name is a string by definition, but a broken
/// producer can write anything, and a panic on each read of that record would be a poison pill that no fate can end. Such
/// a header is read as U+FFFD without a value.
fn headers(headers: &BorrowedHeaders) -> Vec<Header> {
    let read = |index: usize| {
        let header = catch_unwind(AssertUnwindSafe(|| {
            let header = headers.try_get(index)?;
            Some((header.key.to_owned(), header.value.map(Vec::from)))
        }));
        header.unwrap_or_else(|_| Some(("\u{fffd}".to_owned(), None)))
    };
    (0..headers.count()).filter_map(read).collect()
}

pub(super) fn owned_headers(headers: &[Header]) -> Option<OwnedHeaders> {
    if headers.is_empty() {
        return None;
    }
    let list = OwnedHeaders::new_with_capacity(headers.len());
    Some(
        headers
            .iter()
            .fold(list, |list, (name, value)| list.insert(KafkaHeader { key: name, value: value.as_deref() })),
    )
}
