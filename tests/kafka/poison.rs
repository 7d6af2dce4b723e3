//! A record that no client library would write, written byte by byte as Kafka's protocol has it (Produce version 3,
//! record batch version 2).

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use attestream::event::Topic;
use attestream::log::{Inlet as _, Partition};

use crate::broker;
use crate::port::{join, read, take};

/// A header name that is not UTF-8 comes from a broken producer; reading it must not end the worker.
#[test]
fn a_header_name_that_is_not_text_is_no_poison_pill() {
    let Some(cluster) = broker::shared() else { return };
    let settings = cluster.settings();
    let input = Partition::of(Topic::SbomSubmitted, 0);
    let log = cluster.log_with(settings.clone(), &[(input.topic, 1)]);
    let topic = format!("{}{}", settings.topic_prefix, input.topic);
    produce(cluster.brokers(), &topic, &[(b"plain", b"1"), (b"na\xefve", b"2"), (b"after", b"3")]);

    let (mut inlet, _) = join(&log, "group", "one", &[input.topic]);
    for records in [take(&mut inlet, 1), read(&log, &[input])] {
        assert_eq!(records[0].value.as_deref(), Some(&b"value"[..]));
        let headers = [("plain", Some("1")), ("\u{fffd}", None), ("after", Some("3"))];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.map(Vec::from)));
        assert_eq!(records[0].headers, headers);
    }
    assert!(inlet.keep_alive().unwrap());
}

fn produce(brokers: &str, topic: &str, headers: &[(&[u8], &[u8])]) {
    let batch = batch(headers);
    let mut request = Vec::new();
    request.extend(0i16.to_be_bytes()); // Produce
    request.extend(3i16.to_be_bytes());
    request.extend(7i32.to_be_bytes()); // correlation
    request.extend((-1i16).to_be_bytes()); // no client id
    request.extend((-1i16).to_be_bytes()); // no transactional id
    request.extend((-1i16).to_be_bytes()); // acks: all
    request.extend(30_000i32.to_be_bytes());
    request.extend(1i32.to_be_bytes());
    request.extend(i16::try_from(topic.len()).unwrap().to_be_bytes());
    request.extend(topic.as_bytes());
    request.extend(1i32.to_be_bytes());
    request.extend(0i32.to_be_bytes()); // partition
    request.extend(i32::try_from(batch.len()).unwrap().to_be_bytes());
    request.extend(batch);

    let mut stream = TcpStream::connect(brokers).unwrap();
    stream.write_all(&i32::try_from(request.len()).unwrap().to_be_bytes()).unwrap();
    stream.write_all(&request).unwrap();
    let mut size = [0; 4];
    stream.read_exact(&mut size).unwrap();
    let mut answer = vec![0; usize::try_from(i32::from_be_bytes(size)).unwrap()];
    stream.read_exact(&mut answer).unwrap();
    // correlation, one topic, its name, one partition, its number, and then the error code.
    let code = 4 + 4 + 2 + topic.len() + 4 + 4;
    assert_eq!(answer[code..code + 2], [0, 0], "{answer:?}");
}

fn batch(headers: &[(&[u8], &[u8])]) -> Vec<u8> {
    let mut record = vec![0]; // attributes
    varint(&mut record, 0); // time stamp
    varint(&mut record, 0); // offset
    varint(&mut record, -1); // no key
    bytes(&mut record, b"value");
    varint(&mut record, i64::try_from(headers.len()).unwrap());
    for (name, value) in headers {
        bytes(&mut record, name);
        bytes(&mut record, value);
    }
    let mut body = Vec::new();
    body.extend(0i16.to_be_bytes()); // attributes: not compressed
    body.extend(0i32.to_be_bytes()); // last offset
    body.extend(1_700_000_000_000i64.to_be_bytes());
    body.extend(1_700_000_000_000i64.to_be_bytes());
    body.extend((-1i64).to_be_bytes()); // no producer id
    body.extend((-1i16).to_be_bytes());
    body.extend((-1i32).to_be_bytes());
    body.extend(1i32.to_be_bytes());
    bytes(&mut body, &record);

    let mut batch = Vec::new();
    batch.extend(0i64.to_be_bytes()); // base offset
    batch.extend(i32::try_from(4 + 1 + 4 + body.len()).unwrap().to_be_bytes());
    batch.extend((-1i32).to_be_bytes()); // leader epoch
    batch.push(2); // version
    batch.extend(crc32c(&body).to_be_bytes());
    batch.extend(body);
    batch
}

fn bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    varint(out, i64::try_from(bytes.len()).unwrap());
    out.extend(bytes);
}

/// Zig-zag, seven bits at a time.
fn varint(out: &mut Vec<u8>, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)).cast_unsigned();
    while rest >= 0x80 {
        out.push(u8::try_from(rest & 0x7f).unwrap() | 0x80);
        rest >>= 7;
    }
    out.push(u8::try_from(rest).unwrap());
}

fn crc32c(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 };
    !bytes.iter().fold(!0u32, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}
