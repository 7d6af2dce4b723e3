//! Content-derived event identity.

use serde_json::json;

use super::{Digest, Kind, Subject, Tenant, jcs};

/// `evt_` + lower-case base32 (RFC 4648, no padding) of SHA-256 over the JCS of `{tenant, kind, subject, document}`.
pub type EventId = String;

/// The identity of an event. `subject` is the one that the producer stated or the document names, else `None`; so the
/// same input has the same id on every path, and nobody can take another's.
pub fn event_id(tenant: &Tenant, kind: Kind, subject: Option<&Subject>, document: Digest) -> EventId {
    let value = json!({ "tenant": tenant, "kind": kind, "subject": subject, "document": document });
    let canonical = jcs::of_own_value(&value);
    format!("evt_{}", base32(Digest::of(&canonical).as_bytes()))
}

fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut text = String::with_capacity(bytes.len() * 8 / 5 + 1);
    let (mut buffer, mut bits) = (0u32, 0u32);
    let mut emit = |index: u32| {
        let index = usize::try_from(index & 31).unwrap_or_default();
        text.push(char::from(ALPHABET.get(index).copied().unwrap_or(b'a')));
    };
    for byte in bytes {
        buffer = buffer << 8 | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            emit(buffer >> bits);
        }
    }
    if bits > 0 {
        emit(buffer << (5 - bits));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base32_is_rfc_4648_in_lower_case() {
        assert_eq!(base32(b"foobar"), "mzxw6ytboi");
        assert_eq!(base32(b"foo"), "mzxw6");
    }

    #[test]
    fn the_same_input_has_the_same_id_and_another_tenant_another() {
        let (acme, other) = (Tenant::new("acme").unwrap(), Tenant::new("other").unwrap());
        let document = Digest::of(b"{}");
        let id = event_id(&acme, Kind::Sbom, None, document);
        assert_eq!(id, event_id(&acme, Kind::Sbom, None, document));
        assert_ne!(id, event_id(&other, Kind::Sbom, None, document));
        assert_eq!(id.len(), 4 + 52);
    }
}
