//! Tells a write-ahead log whose last batch is torn from one that is damaged before it.
//!
//! A batch is synced before the next one is written, so a loss of power can harm the last one only, in any way: cut off,
//! zeros, old bytes in the middle. That batch was never acknowledged and is dropped. Where a whole batch begins after
//! the first harm, the harm is no torn write, and going on would drop batches that were acknowledged: that is an error.
//! RocksDB's recovery modes either refuse both or drop in both cases (a length that lies is "the end" to some of them).
//!
//! The format is RocksDB's log format: blocks of 32 KiB; a record is masked CRC-32C (4 bytes), length (2), kind (1),
//! payload; it never crosses a block; fewer than 7 bytes at the end of a block are padding. A batch is one FULL record
//! or FIRST, MIDDLE …, LAST.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use crate::rocks::{StoreCode, StoreError};

const BLOCK: usize = 32 * 1024;
const HEADER: usize = 7;
const FULL: u8 = 1;
const FIRST: u8 = 2;

/// Refuses the folder of a database when one of its write-ahead logs is damaged before its last batch.
pub fn check(dir: &Path) -> Result<(), StoreError> {
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "log") {
            paths.push(path);
        }
    }
    paths.sort_unstable();
    let newest = paths.last().cloned();
    for path in paths {
        let bytes = match fs::read(&path) {
            // A process that has the database open may remove one; the lock will tell.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            other => other?,
        };
        let Some(harm) = harm(&bytes) else { continue };
        let followed =
            newest.as_ref() != Some(&path) && bytes.get(harm..).is_some_and(|rest| rest.iter().any(|b| *b != 0));
        if followed || begins_after(&bytes, harm) {
            let detail = format!("{} at {harm}, before acknowledged batches", path.display());
            return Err(StoreError::new(StoreCode::Corrupt, detail));
        }
    }
    Ok(())
}

/// Where the first thing lies that is no whole record; `None` when the log is whole.
fn harm(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let left = BLOCK - at % BLOCK;
        if left < HEADER {
            at += left;
        }
        if at >= bytes.len() {
            return None;
        }
        match record_at(bytes, at) {
            Some((_, end)) => at = end,
            None => return Some(at),
        }
    }
}

/// Whether a batch begins anywhere after `harm`. The kind is looked at first: few places are worth a checksum.
fn begins_after(bytes: &[u8], harm: usize) -> bool {
    let begins = |at: &usize| matches!(bytes.get(at + HEADER - 1), Some(&FULL | &FIRST));
    (harm + 1..bytes.len()).filter(begins).any(|at| record_at(bytes, at).is_some())
}

/// The kind and the end of the record that lies whole at `at`.
fn record_at(bytes: &[u8], at: usize) -> Option<(u8, usize)> {
    let (stored, rest) = bytes.get(at..)?.split_first_chunk::<4>()?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let length = usize::from(u16::from_le_bytes(*length));
    let kind = *rest.first()?;
    if kind == 0 || HEADER + length > BLOCK - at % BLOCK {
        return None;
    }
    let summed = rest.get(..=length)?;
    (u32::from_le_bytes(*stored) == masked(crc32c(summed))).then_some((kind, at + HEADER + length))
}

/// RocksDB stores checksums masked, because a checksum over checksums is weak.
fn masked(crc: u32) -> u32 {
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}

fn crc32c(bytes: &[u8]) -> u32 {
    static TABLE: LazyLock<[u32; 256]> = LazyLock::new(|| {
        let shift = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 };
        std::array::from_fn(|byte| (0..8).fold(u32::try_from(byte).unwrap_or_default(), shift))
    });
    let step = |crc: u32, byte: &u8| {
        let [low, ..] = crc.to_le_bytes();
        TABLE.get(usize::from(low ^ byte)).copied().unwrap_or_default() ^ crc >> 8
    };
    !bytes.iter().fold(u32::MAX, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3720, B.4.
    #[test]
    fn crc32c_agrees_with_its_vectors() {
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
        assert_eq!(crc32c(&(0..32).collect::<Vec<u8>>()), 0x46dd_794e);
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }

    fn push(log: &mut Vec<u8>, kind: u8, payload: &[u8]) {
        let summed = [&[kind], payload].concat();
        log.extend(masked(crc32c(&summed)).to_le_bytes());
        log.extend(u16::try_from(payload.len()).unwrap().to_le_bytes());
        log.extend(summed);
    }

    #[test]
    fn harm_is_found_where_it_is_and_what_begins_after_it() {
        let mut log = Vec::new();
        push(&mut log, FULL, b"one");
        let second = log.len();
        push(&mut log, FULL, b"two");
        let third = log.len();
        push(&mut log, FIRST, b"thr");
        push(&mut log, 4, b"ee");
        assert_eq!(harm(&log), None);
        for at in second..third {
            for bit in 0..8 {
                let mut harmed = log.clone();
                harmed[at] ^= 1 << bit;
                assert_eq!(harm(&harmed), Some(second));
                assert!(begins_after(&harmed, second));
            }
        }
        let mut torn = log.clone();
        torn[third + 1] ^= 1;
        assert_eq!(harm(&torn), Some(third));
        assert!(!begins_after(&torn, third), "the end of a torn batch is no batch");
    }
}
