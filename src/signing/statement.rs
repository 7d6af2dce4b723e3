//! Builders: an in-toto Statement v1, a DSSE envelope over it, a Sigstore bundle v0.3 around that. We sign canonical
//! payloads.

use serde_json::{Value, json};

use super::log::in_bundle;
use super::{Signer, SigningError};
use crate::event::{Subject, base64, jcs};
use crate::evidence::{LogEntry, pae};

/// The payload type of in-toto statements.
pub const IN_TOTO: &str = "application/vnd.in-toto+json";

/// Sets a member of an object.
pub(super) fn put(object: &mut Value, name: &str, member: Value) {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), member);
    }
}

/// A statement about subjects, canonical.
pub fn statement(subjects: &[Subject], predicate_type: &str, predicate: &Value) -> Vec<u8> {
    jcs::of_own_value(&json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": subjects.iter().map(subject).collect::<Vec<_>>(),
        "predicateType": predicate_type,
        "predicate": predicate,
    }))
}

fn subject(of: &Subject) -> Value {
    let mut value = json!({ "digest": of.digest });
    if let Some(name) = of.name.as_ref().or(of.purl.as_ref()) {
        put(&mut value, "name", json!(name));
    }
    value
}

/// An envelope with one signature.
#[derive(Debug, Clone)]
pub struct Sealed {
    pub payload_type: String,
    pub payload: Vec<u8>,
    pub keyid: Option<String>,
    pub signature: Vec<u8>,
}

impl Sealed {
    /// Signs a payload.
    pub fn seal(payload_type: &str, payload: Vec<u8>, signer: &Signer) -> Result<Self, SigningError> {
        let signature = signer.sign(&pae(payload_type, &payload))?;
        Ok(Sealed { payload_type: payload_type.to_owned(), payload, keyid: None, signature })
    }

    /// The envelope's JSON.
    pub fn envelope(&self) -> Value {
        let mut signature = json!({ "sig": base64::encode(&self.signature) });
        if let Some(keyid) = &self.keyid {
            put(&mut signature, "keyid", json!(keyid));
        }
        json!({
            "payload": base64::encode(&self.payload),
            "payloadType": self.payload_type,
            "signatures": [signature],
        })
    }
}

/// A bundle of a key's signature.
pub fn bundle(envelope: &Value, hint: &str, entries: &[LogEntry]) -> Value {
    json!({
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {
            "publicKey": { "hint": hint },
            "tlogEntries": entries.iter().map(in_bundle).collect::<Vec<_>>(),
        },
        "dsseEnvelope": envelope,
    })
}
