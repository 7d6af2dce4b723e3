//! An input that cannot be processed: unchanged, with its code, to `events.dead-letter`.

use super::admit::Input;
use crate::event::Tenant;

/// What goes to the dead-letter topic (headers `__streams.errors.*` as in KIP-1034).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    pub code: &'static str,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

/// The tenant under which dead letters that belong to none keep their bytes.
pub const NOBODY: &str = "0.nobody";

/// Header that carries the stable code.
pub const CODE: &str = "attestream-error-code";
/// Headers of a dead letter whose bytes lie in the object store.
pub const REFERENCE: &str = "attestream-reference";
/// What the reference holds: `value`, or `record` for key, headers and value as JSON.
pub const REFERENCE_OF: &str = "attestream-reference-of";

/// The tenant of dead letters that belong to none.
pub fn nobody() -> Tenant {
    Tenant::new(NOBODY).unwrap_or_else(|_| unreachable!("the name is valid"))
}

/// The headers that say where the record lay and why it is here.
pub fn headers(input: &Input<'_>, code: &'static str) -> Vec<(String, Option<Vec<u8>>)> {
    let text = |name: &str, value: String| (name.to_owned(), Some(value.into_bytes()));
    vec![
        text("__streams.errors.exception", "io.attestream.Refused".to_owned()),
        text("__streams.errors.message", code.to_owned()),
        text("__streams.errors.topic", input.name().to_string()),
        text("__streams.errors.partition", input.partition.to_string()),
        text("__streams.errors.offset", input.offset.to_string()),
        text(CODE, code.to_owned()),
    ]
}
