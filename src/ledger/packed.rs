//! How the value of a row is written: MessagePack, members by name. The same value has the same bytes, as every map in a
//! row is ordered; digests and times are bytes and numbers here, not text.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::event::Digest;

use super::fold::FoldError;

pub fn write<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, FoldError> {
    let mut bytes = Vec::with_capacity(512);
    let mut writer = rmp_serde::Serializer::new(&mut bytes).with_struct_map();
    value.serialize(&mut writer).map_err(|_| FoldError::Row)?;
    Ok(bytes)
}

pub fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, FoldError> {
    rmp_serde::from_slice(bytes).map_err(|_| FoldError::Row)
}

/// The digest of a value: equal values alone have equal ones.
pub fn digest<T: Serialize + ?Sized>(value: &T) -> Result<Digest, FoldError> {
    write(value).map(|bytes| Digest::of(&bytes))
}

/// Lists of byte strings.
pub mod strings {
    use serde::{Deserializer, Serializer};

    use super::Bytes;

    pub fn serialize<S: Serializer>(list: &[Vec<u8>], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(list.iter().map(|bytes| Bytes(bytes.as_slice())))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Vec<u8>>, D::Error> {
        let list: Vec<Bytes<Vec<u8>>> = serde::Deserialize::deserialize(deserializer)?;
        Ok(list.into_iter().map(|Bytes(bytes)| bytes).collect())
    }
}

struct Bytes<T>(T);

impl Serialize for Bytes<&[u8]> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl<'de> serde::Deserialize<'de> for Bytes<Vec<u8>> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = |bytes: &[u8]| Ok::<_, &str>(Bytes(bytes.to_vec()));
        crate::event::text::read_bytes(deserializer, read)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::event::{Digest, Millis};
    use crate::ledger::rows::{AboutRow, RankedHead};
    use crate::verdict::result::{Check, CheckOutcome, RestsOn};

    /// What is stored must be read by later versions: where this changes, `STATE_FORMAT` does.
    #[test]
    fn values_have_the_bytes_that_they_always_had() {
        let head = RankedHead { first: vec![vec![0, 255]], spilled: 3 };
        let row = AboutRow { attestations: BTreeMap::from([(5, head)]), events: RankedHead::default() };
        let bytes = write(&row).unwrap();
        let text = b"\x82\xacattestations\x81\x05\x82\xa5first\x91\xc4\x02\x00\xff\xa7spilled\x03\xa6events\x82\xa5first\x90\xa7spilled\x00";
        assert_eq!(bytes, text);
        assert_eq!(read::<AboutRow>(&bytes).unwrap(), row);
        assert!(read::<AboutRow>(&bytes[..bytes.len() - 1]).is_err());
    }

    #[test]
    fn what_is_text_in_records_is_bytes_and_numbers_here() {
        let digest = Digest::from_bytes([7; 32]);
        assert_eq!(write(&digest).unwrap(), [&[0xc4, 32][..], &[7; 32]].concat());
        assert_eq!(read::<Digest>(&write(&digest).unwrap()).unwrap(), digest);
        assert_eq!(write(&Millis(-1)).unwrap(), [0xff]);
        assert_eq!(read::<Millis>(&[0xff]).unwrap(), Millis(-1));
        for on in [RestsOn::Unresolved(None), RestsOn::Unresolved(Some(digest)), RestsOn::Key(digest), RestsOn::Rules] {
            assert_eq!(read::<RestsOn>(&write(&on).unwrap()).unwrap(), on);
        }
        for code in [None, Some("key-unknown".into()), Some(crate::verdict::result::Code::read("of-a-newer-verifier"))]
        {
            let check = Check { check: "key".into(), outcome: CheckOutcome::Pass, code };
            assert_eq!(read::<Check>(&write(&check).unwrap()).unwrap(), check);
        }
    }
}
