//! DSSE envelopes (secure-systems-lab/dsse, protocol v1.0.2).

use std::borrow::Cow;

use super::artifact::{Artifact, Message};
use super::{Fault, Refusal};
use crate::event::outline::Value;
use crate::event::{Digest, base64, json, limits};

/// An envelope. Its payload is decoded once; what is hashed, verified and parsed is the same buffer (rule P3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// SHA-256 of the envelope's bytes as received.
    pub digest: Digest,
    pub payload_type: String,
    pub payload: Vec<u8>,
    pub signatures: Vec<Signature>,
    /// Whether a signature or the payload came in the URL-safe alphabet.
    pub url_safe: bool,
    /// The file that is signed instead of a payload, where the bundle has a message signature. Never so in an event.
    pub file: Option<Artifact>,
}

/// One signature of an envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// A hint that nothing authenticates; empty and absent are the same.
    pub keyid: Option<String>,
    pub sig: Vec<u8>,
    /// The certificate that SLSA's generator writes beside a signature, DER.
    pub cert: Option<Vec<u8>>,
}

struct Wire<'a> {
    payload_type: Cow<'a, str>,
    payload: Cow<'a, str>,
    signatures: Vec<WireSignature<'a>>,
}

struct WireSignature<'a> {
    keyid: Option<Cow<'a, str>>,
    sig: Cow<'a, str>,
    cert: Option<Cow<'a, str>>,
}

impl<'a> Wire<'a> {
    fn read(value: Value<'_, 'a>) -> Option<Self> {
        let object = value.object()?;
        Some(Wire {
            payload_type: object.needed("payloadType", Value::text)?,
            payload: object.needed("payload", Value::text)?,
            signatures: object.needed("signatures", |list| list.list(WireSignature::read))?,
        })
    }
}

impl<'a> WireSignature<'a> {
    fn read(value: Value<'_, 'a>) -> Option<Self> {
        let object = value.object()?;
        // A member that is there is a string: `null` is none.
        let text = |name: &str| object.defaulted(name, |value| value.text().map(Some));
        Some(WireSignature { keyid: text("keyid")?, sig: object.needed("sig", Value::text)?, cert: text("cert")? })
    }
}

impl Envelope {
    /// Reads an envelope that came by itself.
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        if bytes.len() > limits::RECORD_MAX {
            return Err(Fault::Limit.into());
        }
        Ok(Self::of_digest(json::outline_folded(bytes, usize::MAX)?.root(), Some(Digest::of(bytes)))?)
    }

    /// Reads an envelope inside a document.
    pub(super) fn read(value: Value<'_, '_>) -> Result<Self, Fault> {
        Self::of_digest(value, None)
    }

    /// The same, where the digest may be known.
    pub(super) fn of_digest(value: Value<'_, '_>, digest: Option<Digest>) -> Result<Self, Fault> {
        let wire = Wire::read(value).ok_or(Fault::Field)?;
        if wire.signatures.is_empty() {
            return Err(Fault::Unsigned);
        }
        if wire.signatures.len() > limits::SIGNATURES_MAX {
            return Err(Fault::Limit);
        }
        let mut url_safe = false;
        let mut signatures = Vec::with_capacity(wire.signatures.len());
        for signature in wire.signatures {
            signatures.push(signature.decode(&mut url_safe)?);
        }
        Ok(Envelope {
            digest: digest.unwrap_or_else(|| Digest::of(value.raw().as_bytes())),
            payload_type: wire.payload_type.into_owned(),
            payload: decode(&wire.payload, &mut url_safe)?,
            signatures,
            url_safe,
            file: None,
        })
    }

    /// The bytes that are signed, as far as they are known: of a file that is given by digest alone, none.
    pub fn pae(&self) -> Vec<u8> {
        match &self.file {
            Some(file) => file.bytes.clone().unwrap_or_default(),
            None => pae(&self.payload_type, &self.payload),
        }
    }

    /// What is signed.
    pub fn message(&self) -> Message<'_> {
        match &self.file {
            Some(file) => Message::File(file),
            None => Message::Bytes(self.pae().into()),
        }
    }
}

impl WireSignature<'_> {
    fn decode(self, url_safe: &mut bool) -> Result<Signature, Fault> {
        let sig = decode(&self.sig, url_safe)?;
        if sig.is_empty() {
            return Err(Fault::Unsigned);
        }
        let keyid = self.keyid.filter(|keyid| !keyid.is_empty()).map(Cow::into_owned);
        let cert = self.cert.filter(|pem| pem.len() <= 2 * limits::CERTIFICATE_MAX);
        let cert = cert.and_then(|pem| super::pem::decode(&pem, "CERTIFICATE"));
        Ok(Signature { keyid, sig, cert })
    }
}

fn decode(text: &str, url_safe: &mut bool) -> Result<Vec<u8>, Fault> {
    let (bytes, own) = base64::decode_either(text).map_err(|_| Fault::Base64)?;
    *url_safe |= own;
    Ok(bytes)
}

/// Pre-authentication encoding (rule D1): `DSSEv1 LEN(type) type LEN(body) body`, lengths in bytes.
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pae_is_that_of_the_specification() {
        let bytes = pae("http://example.com/HelloWorld", b"hello world");
        assert_eq!(bytes, b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
        assert_eq!(pae("é", b""), "DSSEv1 2 é 0 ".as_bytes());
    }

    #[test]
    fn each_fault_of_an_envelope_has_its_code() {
        let field = Err(Refusal::Evidence(Fault::Field));
        let cases: &[(&str, Result<(), Refusal>)] = &[
            (r#"{"payloadType":"t","payload":"e30","signatures":[{"sig":"AA=="}]}"#, Ok(())),
            (r#"{"payloadType":"t","payload":"e30","signatures":[{"sig":"_-8","keyid":null}]}"#, field),
            (r#"{"payloadType":"t","payload":"e30","signatures":[{"sig":"_-8","keyid":""}]}"#, Ok(())),
            (r#"{"payloadType":"t","payload":"e30","signatures":[]}"#, Err(Fault::Unsigned.into())),
            (r#"{"payloadType":"t","payload":"e30","signatures":[{"sig":""}]}"#, Err(Fault::Unsigned.into())),
            (r#"{"payloadType":"t","payload":"e31","signatures":[{"sig":"AA"}]}"#, Err(Fault::Base64.into())),
            (r#"{"payloadType":"t","payload":"e3 0","signatures":[{"sig":"AA"}]}"#, Err(Fault::Base64.into())),
            (r#"{"payloadType":"t","payload":"+_","signatures":[{"sig":"AA"}]}"#, Err(Fault::Base64.into())),
            (r#"{"payloadType":"t","signatures":[{"sig":"AA"}]}"#, field),
            (r#"{"payloadType":7,"payload":"e30","signatures":[{"sig":"AA"}]}"#, field),
            (r#"{"payloadType":"t","payload":"e30","signatures":[["k","AA","c"]]}"#, field),
            (r#"["t","e30",[{"sig":"AA"}]]"#, field),
            (
                r#"{"payloadType":"t","payloadType":"u","payload":"e30","signatures":[{"sig":"AA"}]}"#,
                Err(json::Fault::DuplicateMember.into()),
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(&Envelope::parse(text.as_bytes()).map(|_| ()), expected, "{text}");
        }
        let many = vec![r#"{"sig":"AA"}"#; limits::SIGNATURES_MAX + 1].join(",");
        let text = format!(r#"{{"payloadType":"t","payload":"e30","signatures":[{many}]}}"#);
        assert_eq!(Envelope::parse(text.as_bytes()), Err(Fault::Limit.into()));
    }
}
