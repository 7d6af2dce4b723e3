//! RFC 8785 canonical JSON, for values that are compared or signed. What is verified is never re-serialised.

use serde_json::Value;

use super::Digest;

/// A number that a double cannot hold exactly: its canonical form would be another number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a number of the document cannot be held exactly by a double")]
pub struct InexactNumber;

/// The canonical bytes of a value that this program built itself.
pub fn of_own_value(value: &Value) -> Vec<u8> {
    serde_json_canonicalizer::to_vec(value).unwrap_or_default()
}

/// The canonical digest of a JSON document that passed the strict scan (`json::check`).
///
/// Integers beyond 2^53 are refused, and so is any number whose shortest double form differs in value from its text:
/// two different documents must never share a canonical digest.
pub fn canonical_digest(text: &[u8]) -> Result<Digest, InexactNumber> {
    if !super::json::numbers_are_exact(text) {
        return Err(InexactNumber);
    }
    let value: Value = serde_json::from_slice(text).map_err(|_| InexactNumber)?;
    let bytes = serde_json_canonicalizer::to_vec(&value).map_err(|_| InexactNumber)?;
    Ok(Digest::of(&bytes))
}
