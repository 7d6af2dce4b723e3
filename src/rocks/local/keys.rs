//! The keys of a local log. Topic names have no NUL, so one after them ends them; numbers are big-endian, so that the
//! order of keys is the order of offsets.
//!
//! | family | key | value |
//! |---|---|---|
//! | `records` | topic NUL partition offset | `format::encode` |
//! | `offsets` | group NUL topic NUL partition | next offset, 8 bytes |
//! | `meta` | `format` | format, decimal |
//! | `meta` | `topics` | JSON: partitions per topic name |
//! | `meta` | `end` NUL topic NUL partition | offset of the next record, 8 bytes |

use crate::event::TopicName;
use crate::log::Partition;
use crate::rocks::budget::Holds;

pub const RECORDS: &str = "records";
pub const OFFSETS: &str = "offsets";
pub const META: &str = "meta";
pub const FAMILIES: [(&str, Holds); 3] = [(RECORDS, Holds::Values), (OFFSETS, Holds::Rows), (META, Holds::Rows)];

pub const FORMAT: &str = "format";
pub const TOPICS: &str = "topics";

pub fn partition(partition: Partition) -> Vec<u8> {
    let mut key = partition.name().to_string().into_bytes();
    key.push(0);
    key.extend(partition.number.to_be_bytes());
    key
}

pub fn record(of: Partition, offset: u64) -> Vec<u8> {
    let mut key = partition(of);
    key.extend(offset.to_be_bytes());
    key
}

pub fn offset(group: &str, of: Partition) -> Vec<u8> {
    let mut key = group.as_bytes().to_vec();
    key.push(0);
    key.extend(partition(of));
    key
}

pub fn end(of: Partition) -> Vec<u8> {
    let mut key = ENDS.to_vec();
    key.extend(partition(of));
    key
}

/// Prefix of the ends of all partitions.
pub const ENDS: &[u8] = b"end\0";

/// The partition whose end a key of `meta` names.
pub fn of_end(key: &[u8]) -> Option<Partition> {
    let (name, number) = key.strip_prefix(ENDS)?.split_last_chunk::<4>()?;
    let name = std::str::from_utf8(name.strip_suffix(&[0])?).ok()?;
    Some(Partition::of(TopicName::parse(name)?, u32::from_be_bytes(*number)))
}

/// The number in the last eight bytes of a key, or in a value.
pub fn number(bytes: &[u8]) -> Option<u64> {
    bytes.last_chunk::<8>().map(|last| u64::from_be_bytes(*last))
}
