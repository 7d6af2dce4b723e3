//! Base64 as DSSE wants it: either alphabet, padded or not; never mixed alphabets, white space or non-zero pad bits,
//! which would give one envelope two spellings (DSSE protocol v1.0.2, and RFC 4648 section 3.5).

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig, Simd};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

const LENIENT_PADDING: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const ONE_SPELLING: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::RequireCanonical);
static STANDARD: LazyLock<Simd> = LazyLock::new(|| Simd::standard(LENIENT_PADDING));
static URL_SAFE: LazyLock<Simd> = LazyLock::new(|| Simd::url_safe(LENIENT_PADDING));
static PADDED: LazyLock<Simd> = LazyLock::new(|| Simd::standard(ONE_SPELLING));

/// Text that is not base64 under the rule above.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not base64 of one alphabet with zero pad bits")]
pub struct NotBase64;

/// Decodes either alphabet.
pub fn decode(text: &str) -> Result<Vec<u8>, NotBase64> {
    decode_either(text).map(|(bytes, _)| bytes)
}

/// The same, with whether the text is in the URL-safe alphabet alone.
pub fn decode_either(text: &str) -> Result<(Vec<u8>, bool), NotBase64> {
    // Where neither `-` nor `_` occurs, what the one refuses the other refuses as well.
    let url_safe = |_| URL_SAFE.decode(text).map(|bytes| (bytes, true));
    STANDARD.decode(text).map(|bytes| (bytes, false)).or_else(url_safe).map_err(|_| NotBase64)
}

/// Decodes either alphabet; `None` where the bytes are not so many. What is as it should be needs no memory of its own.
pub fn decode_array<const N: usize>(text: &str) -> Result<Option<[u8; N]>, NotBase64> {
    let mut room = [0; 64];
    let exact = STANDARD.decode_slice(text, &mut room).ok().and_then(|count| room.get(..count)?.try_into().ok());
    if exact.is_some() { Ok(exact) } else { decode(text).map(|bytes| bytes.try_into().ok()) }
}

/// Decodes the standard alphabet with its padding, and no other spelling.
pub fn decode_padded(text: &str) -> Result<Vec<u8>, NotBase64> {
    PADDED.decode(text).map_err(|_| NotBase64)
}

/// Standard alphabet, padded.
pub fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Bytes that travel as base64 in our own JSON records.
pub mod serde_bytes {
    use serde::{Deserializer, Serialize, Serializer};

    use super::Written;

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        Written(bytes).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        crate::event::text::read(deserializer, super::decode)
    }
}

/// The same for bytes that may be absent (a Kafka key, a null value).
pub mod serde_optional {
    use serde::{Deserializer, Serializer};

    use super::Written;

    pub fn serialize<S: Serializer>(bytes: &Option<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
        match bytes {
            Some(bytes) => serializer.serialize_some(&Written(bytes)),
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<u8>>, D::Error> {
        crate::event::text::read_optional(deserializer, super::decode)
    }
}

/// Bytes, written as their base64.
struct Written<'a>(&'a [u8]);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // What people read is JSON; in other forms, a value of JSON is no text.
        match quoted(self.0).filter(|_| serializer.is_human_readable()) {
            Some(json) => json.serialize(serializer),
            None => serializer.serialize_str(&encode(self.0)),
        }
    }
}

/// The JSON string of bytes. No letter of base64 needs an escape: a writer that is given a string looks at every one.
fn quoted(bytes: &[u8]) -> Option<Box<RawValue>> {
    let mut text = vec![b'"'; base64::encoded_len(bytes.len(), true)? + 2];
    let letters = text.len() - 1;
    STANDARD.encode_slice(bytes, text.get_mut(1..letters)?).ok()?;
    RawValue::from_string(String::from_utf8(text).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use base64::engine::GeneralPurpose;
    use proptest::prelude::*;

    use super::*;

    /// The same rule without the vector instructions of the machine.
    fn plainly(text: &[u8]) -> Result<(Vec<u8>, bool), NotBase64> {
        let of = |alphabet| GeneralPurpose::new(alphabet, LENIENT_PADDING).decode(text);
        let standard = of(&base64::alphabet::STANDARD).map(|bytes| (bytes, false));
        standard.or_else(|_| of(&base64::alphabet::URL_SAFE).map(|bytes| (bytes, true))).map_err(|_| NotBase64)
    }

    #[test]
    fn every_byte_at_every_place_is_taken_or_refused_as_without_vectors() {
        let bytes: Vec<u8> = (0..=250).collect();
        for text in [encode(&bytes), encode(&bytes).replace('+', "-").replace('/', "_")] {
            for at in 0..text.len() {
                for byte in 0..=127 {
                    let mut other = text.clone().into_bytes();
                    other[at] = byte;
                    let other = String::from_utf8(other).unwrap();
                    assert_eq!(decode_either(&other), plainly(other.as_bytes()), "{byte} at {at}");
                    let one_spelling = decode(&other).ok().filter(|bytes| encode(bytes) == other);
                    assert_eq!(decode_padded(&other).ok(), one_spelling, "{byte} at {at}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_the_same(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let text = encode(&bytes);
            prop_assert_eq!(decode_either(&text), Ok((bytes.clone(), false)));
            prop_assert_eq!(plainly(text.as_bytes()), Ok((bytes.clone(), false)));
            let (first, others): (Vec<u8>, [&str; 3]) = (bytes.iter().copied().take(32).collect(), ["", "=", "+"]);
            for other in others {
                let text = encode(&first) + other;
                prop_assert_eq!(decode_array::<32>(&text), decode(&text).map(|bytes| bytes.try_into().ok()));
            }
            let json = quoted(&bytes).unwrap();
            prop_assert_eq!(json.get(), serde_json::to_string(&text).unwrap());
            prop_assert_eq!(serde_bytes::deserialize(&mut serde_json::Deserializer::from_str(json.get())).unwrap(), bytes.clone());
            let row = rmp_serde::to_vec(&Written(&bytes)).unwrap();
            prop_assert_eq!(rmp_serde::from_slice::<String>(&row).unwrap(), text);
        }
    }
}
