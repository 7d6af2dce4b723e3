//! A record of a topic as one line of JSON: what `GET …/records` and `attestream tail` show.

use serde::{Deserialize, Serialize};

use crate::event::{Millis, base64};
use crate::log::Record;

/// A record, with bytes as text where they are UTF-8 and as base64 where they are not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Line {
    pub topic: String,
    pub partition: u32,
    pub offset: u64,
    pub timestamp: Millis,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Text>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<HeaderLine>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Text>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeaderLine {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Text>,
}

/// Bytes in JSON: a string, or `{"base64": …}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Text {
    Utf8(String),
    Base64 {
        #[serde(with = "base64::serde_bytes")]
        base64: Vec<u8>,
    },
}

impl Text {
    pub fn of(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Text::Utf8(text.to_owned()),
            Err(_) => Text::Base64 { base64: bytes.to_owned() },
        }
    }

    pub fn bytes(&self) -> &[u8] {
        match self {
            Text::Utf8(text) => text.as_bytes(),
            Text::Base64 { base64 } => base64,
        }
    }
}

impl Line {
    pub fn of(record: &Record) -> Self {
        let text = |bytes: &Option<Vec<u8>>| bytes.as_deref().map(Text::of);
        let header = |(name, value): &(String, Option<Vec<u8>>)| HeaderLine { name: name.clone(), value: text(value) };
        Line {
            topic: record.partition.name().to_string(),
            partition: record.partition.number,
            offset: record.offset,
            timestamp: record.timestamp,
            key: text(&record.key),
            headers: record.headers.iter().map(header).collect(),
            value: text(&record.value),
        }
    }

    /// The line's bytes, with its end.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    pub fn header(&self, name: &str) -> Option<&Text> {
        self.headers.iter().find(|header| header.name == name)?.value.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Topic;
    use crate::log::Partition;

    #[test]
    fn bytes_of_any_kind_come_back() {
        let partition = Partition::of(Topic::Verified, 3);
        for value in [None, Some(b"".to_vec()), Some(b"{\"a\":\"\xc3\xa9\"}".to_vec()), Some(vec![0xff, 0, 0x80])] {
            let headers = vec![("n".to_owned(), None), ("n".to_owned(), value.clone())];
            let timestamp = Millis(1_700_000_000_123);
            let record = Record { partition, offset: 9, timestamp, key: value.clone(), value: value.clone(), headers };
            let bytes = Line::of(&record).to_bytes();
            assert_eq!(bytes.iter().filter(|byte| **byte == b'\n').count(), 1);
            let line: Line = serde_json::from_slice(&bytes).unwrap();
            assert_eq!(line.value.as_ref().map(|text| text.bytes().to_vec()), value);
            assert_eq!(line.key.as_ref().map(|text| text.bytes().to_vec()), value);
            assert_eq!(line, Line::of(&record));
        }
    }
}
