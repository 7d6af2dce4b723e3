//! Identity is the SHA-256 of immutable bytes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use super::text;

/// A SHA-256 digest. Printed and serialised as `sha256:` and 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

/// Text that is not `^sha256:[A-Fa-f0-9]{64}$`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a digest of the form sha256:<64 hex digits>")]
pub struct NotADigest;

impl Digest {
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Digest(bytes)
    }

    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Digest(Sha256::digest(bytes).into())
    }

    /// The digest of the concatenation of `parts`.
    pub fn of_parts(parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(part);
        }
        Digest(hash.finalize().into())
    }

    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// 64 lower-case hex digits, without the algorithm.
    pub fn hex(&self) -> String {
        hex(&self.0)
    }

    /// Reads 64 hex digits of either case, without the algorithm.
    pub fn from_hex(text: &str) -> Result<Self, NotADigest> {
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let pairs: &[[u8; 2]; 32] = pairs.try_into().map_err(|_| NotADigest)?;
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(pairs) {
            *byte = from_digits(*pair).ok_or(NotADigest)?;
        }
        if rest.is_empty() { Ok(Digest(bytes)) } else { Err(NotADigest) }
    }

    /// As it is printed, for a reader of text that wants it in one piece.
    fn with_text<T>(&self, read: impl FnOnce(&str) -> T) -> T {
        let mut text = *b"sha256:0000000000000000000000000000000000000000000000000000000000000000";
        let (pairs, _) = text.split_at_mut(ALGORITHM.len()).1.as_chunks_mut::<2>();
        for (pair, byte) in pairs.iter_mut().zip(&self.0) {
            *pair = digits(*byte);
        }
        read(std::str::from_utf8(&text).unwrap_or_default())
    }
}

const ALGORITHM: &str = "sha256:";

/// The two digits of a byte.
fn digits(byte: u8) -> [u8; 2] {
    let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
    [digit(byte >> 4), digit(byte & 15)]
}

fn from_digits([high, low]: [u8; 2]) -> Option<u8> {
    let nibble = |b: u8| match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'a'..=b'f' => Some(b - b'a' + 10),
        b'A'..=b'F' => Some(b - b'A' + 10),
        _ => None,
    };
    Some(nibble(high)? << 4 | nibble(low)?)
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    let text: Vec<[u8; 2]> = bytes.iter().map(|byte| digits(*byte)).collect();
    String::from_utf8(text.into_flattened()).unwrap_or_default()
}

/// Hex of either case; `None` where it is not hex or of odd length.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|pair| from_digits(*pair)).collect()
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.with_text(|text| f.write_str(text))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<Self, NotADigest> {
        Digest::from_hex(text.strip_prefix(ALGORITHM).ok_or(NotADigest)?)
    }
}

/// Text where people read it, 32 bytes in our own rows.
impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            self.with_text(|text| serializer.serialize_str(text))
        } else {
            serializer.serialize_bytes(&self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            text::read(deserializer, str::parse)
        } else {
            text::read_bytes(deserializer, |bytes| bytes.try_into().map(Digest).map_err(|_| NotADigest))
        }
    }
}
