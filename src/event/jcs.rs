//! RFC 8785 canonical JSON, for values that are compared or signed. What is verified is never re-serialised.

use serde_json::Value;

use super::Digest;
use super::json::{Form, traits};

/// A number that a double cannot hold exactly: its canonical form would be another number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a number of the document cannot be held exactly by a double")]
pub struct InexactNumber;

/// The canonical bytes of a value that this program built itself.
pub fn of_own_value(value: &Value) -> Vec<u8> {
    serde_json_canonicalizer::to_vec(value).unwrap_or_default()
}

/// A number as the canonical form writes it (RFC 8785, section 3.2.2.3).
pub fn of_double(double: f64) -> Vec<u8> {
    of_own_value(&Value::from(double))
}

/// The canonical digest of a JSON document that passed the strict scan (`json::check`).
///
/// Integers beyond 2^53 are refused, and so is any number whose shortest double form differs in value from its text:
/// two different documents must never share a canonical digest. A document that is canonical already is not written anew.
pub fn canonical_digest(text: &[u8]) -> Result<Digest, InexactNumber> {
    let traits = traits(text).filter(|traits| traits.numbers_exact).ok_or(InexactNumber)?;
    if traits.form == Form::Canonical {
        return Ok(Digest::of(text));
    }
    let value: Value = serde_json::from_slice(text).map_err(|_| InexactNumber)?;
    let bytes = serde_json_canonicalizer::to_vec(&value).map_err(|_| InexactNumber)?;
    Ok(Digest::of(&bytes))
}

/// Whether `text` is JSON in its RFC 8785 form.
pub fn is_canonical(text: &[u8]) -> bool {
    match traits(text).map(|traits| traits.form) {
        Some(Form::Canonical) => true,
        Some(Form::Unsure) => serde_json::from_slice(text).is_ok_and(|value| of_own_value(&value) == text),
        Some(Form::Other) | None => false,
    }
}
