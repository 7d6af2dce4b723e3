//! Base64 as DSSE wants it: either alphabet, padded or not; never mixed alphabets, white space or non-zero pad bits,
//! which would give one envelope two spellings (DSSE protocol v1.0.2, and RFC 4648 section 3.5).

use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, general_purpose};

const LENIENT_PADDING: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::STANDARD, LENIENT_PADDING);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::URL_SAFE, LENIENT_PADDING);

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

/// Standard alphabet, padded.
pub fn encode(bytes: &[u8]) -> String {
    general_purpose::STANDARD.encode(bytes)
}

/// Bytes that travel as base64 in our own JSON records.
pub mod serde_bytes {
    use serde::{Deserializer, Serializer};

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        crate::event::text::read(deserializer, super::decode)
    }
}

/// The same for bytes that may be absent (a Kafka key, a null value).
pub mod serde_optional {
    use serde::{Deserializer, Serializer};

    pub fn serialize<S: Serializer>(bytes: &Option<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
        match bytes {
            Some(bytes) => serializer.serialize_some(&super::encode(bytes)),
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<u8>>, D::Error> {
        crate::event::text::read_optional(deserializer, super::decode)
    }
}
