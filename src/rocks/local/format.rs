//! A stored record: a version, the time stamp, key, value, headers. Lengths are 4 bytes, and `u32::MAX` is "absent".

use crate::event::Millis;
use crate::log::{Header, Outgoing, Partition, Record};

const VERSION: u8 = 1;
const ABSENT: u32 = u32::MAX;

pub fn encode(timestamp: Millis, record: &Outgoing) -> Vec<u8> {
    let mut bytes = vec![VERSION];
    bytes.extend(timestamp.0.to_be_bytes());
    put(&mut bytes, record.key.as_deref());
    put(&mut bytes, record.value.as_deref());
    for (name, value) in &record.headers {
        put(&mut bytes, Some(name.as_bytes()));
        put(&mut bytes, value.as_deref());
    }
    bytes
}

/// Records are below `limits::MESSAGE_MAX`, so every length fits.
fn put(bytes: &mut Vec<u8>, part: Option<&[u8]>) {
    let length = part.map_or(ABSENT, |part| u32::try_from(part.len()).unwrap_or(ABSENT));
    bytes.extend(length.to_be_bytes());
    bytes.extend(part.unwrap_or_default());
}

/// `None` when the bytes are no record of a version that is known.
pub fn decode(partition: Partition, offset: u64, bytes: &[u8]) -> Option<Record> {
    let (version, rest) = bytes.split_first()?;
    if *version != VERSION {
        return None;
    }
    let (timestamp, mut rest) = rest.split_first_chunk::<8>()?;
    let timestamp = Millis(i64::from_be_bytes(*timestamp));
    let key = take(&mut rest)?;
    let value = take(&mut rest)?;
    let mut headers: Vec<Header> = Vec::new();
    while !rest.is_empty() {
        let name = String::from_utf8(take(&mut rest)??).ok()?;
        headers.push((name, take(&mut rest)?));
    }
    Some(Record { partition, offset, timestamp, key, value, headers })
}

fn take(rest: &mut &[u8]) -> Option<Option<Vec<u8>>> {
    let (length, after) = rest.split_first_chunk::<4>()?;
    let length = u32::from_be_bytes(*length);
    if length == ABSENT {
        *rest = after;
        return Some(None);
    }
    let (part, after) = after.split_at_checked(usize::try_from(length).ok()?)?;
    *rest = after;
    Some(Some(part.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Topic;

    const PARTITION: Partition = Partition::shared(Topic::Ledger, 1);

    fn record(key: Option<&[u8]>, value: Option<&[u8]>, headers: &[(&str, Option<&[u8]>)]) -> Outgoing {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), value.map(<[u8]>::to_vec))).collect();
        let (key, value) = (key.map(<[u8]>::to_vec), value.map(<[u8]>::to_vec));
        Outgoing { topic: PARTITION.topic, owner: None, partition: Some(PARTITION.number), key, value, headers }
    }

    #[test]
    fn absent_and_empty_are_different_and_headers_keep_order_and_repeats() {
        let cases = [
            record(None, None, &[]),
            record(Some(b""), Some(b""), &[]),
            record(Some(b"k"), None, &[("b", Some(b"1")), ("a", None), ("b", Some(b""))]),
        ];
        for case in cases {
            let stored = decode(PARTITION, 7, &encode(Millis(-5), &case)).unwrap();
            assert_eq!((stored.offset, stored.timestamp), (7, Millis(-5)));
            assert_eq!((stored.key, stored.value, stored.headers), (case.key, case.value, case.headers));
        }
    }

    #[test]
    fn a_cut_record_is_never_read_as_another() {
        let whole = record(Some(b"key"), Some(b"value"), &[("name", Some(b"header"))]);
        let bytes = encode(Millis(1), &whole);
        let without_headers = encode(Millis(1), &Outgoing { headers: Vec::new(), ..whole });
        for cut in 0..bytes.len() {
            let read = decode(PARTITION, 0, &bytes[..cut]);
            assert_eq!(read.is_some(), cut == without_headers.len(), "cut at {cut}");
        }
        assert!(decode(PARTITION, 0, &[&[2], &bytes[1..]].concat()).is_none(), "a version that is not known");
    }
}
