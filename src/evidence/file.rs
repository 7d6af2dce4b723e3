//! Bundles about a file: those of a message signature, which sign the file itself. They are for files on the command
//! line; as an event, a message signature is no evidence (`no-envelope`).

use std::borrow::Cow;

use super::artifact::Artifact;
use super::bundle::Evidence;
use super::forms::{self, Marks, Scanned};
use super::{Envelope, Fault, Refusal, Signature};
use crate::event::outline::Value;
use crate::event::{Digest, base64};

struct WireSignature<'a> {
    message_digest: Option<WireDigest<'a>>,
    signature: Cow<'a, str>,
}

/// Not authenticated; empty where the key signs no hash.
struct WireDigest<'a> {
    algorithm: Cow<'a, str>,
    digest: Cow<'a, str>,
}

impl<'a> WireSignature<'a> {
    fn read(value: Value<'_, 'a>) -> Option<Self> {
        let object = value.object()?;
        Some(WireSignature {
            message_digest: object.optional("messageDigest", WireDigest::read)?,
            signature: object.needed("signature", Value::text)?,
        })
    }
}

impl<'a> WireDigest<'a> {
    fn read(value: Value<'_, 'a>) -> Option<Self> {
        let object = value.object()?;
        Some(WireDigest {
            algorithm: object.defaulted("algorithm", Value::text)?,
            digest: object.defaulted("digest", Value::text)?,
        })
    }
}

impl Evidence {
    /// Reads evidence about a file: a bundle with a message signature over it, or any other form.
    pub fn parse_about(bytes: &[u8], file: &Artifact) -> Result<Self, Refusal> {
        let scanned = Scanned::of(bytes, Digest::of(bytes))?;
        let marks = Marks::read(scanned.outline.root()).ok_or(Fault::Form)?;
        let Marks {
            media_type: Some(media_type),
            verification_material: Some(material),
            message_signature: Some(signature),
            dsse_envelope: None,
            ..
        } = marks
        else {
            return forms::parse(&scanned);
        };
        let message = read(signature, file);
        let evidence = forms::bundle(scanned.digest, &media_type, material, message)?;
        forms::check_entries(&evidence.entries)?;
        Ok(evidence)
    }
}

/// The message signature, in the shape of an envelope whose one signature is over the file.
fn read(message: Value<'_, '_>, file: &Artifact) -> Result<Envelope, Fault> {
    let wire = WireSignature::read(message).ok_or(Fault::Field)?;
    if let Some(stated) = wire.message_digest {
        stated.check(file)?;
    }
    let sig = base64::decode(&wire.signature).map_err(|_| Fault::Base64)?;
    if sig.is_empty() {
        return Err(Fault::Unsigned);
    }
    Ok(Envelope {
        digest: Digest::of(message.raw().as_bytes()),
        payload_type: String::new(),
        payload: Vec::new(),
        signatures: vec![Signature { keyid: None, sig, cert: None }],
        url_safe: wire.signature.contains(['-', '_']),
        file: Some(file.clone()),
    })
}

impl WireDigest<'_> {
    /// What is stated beside the signature must be the file's, though nothing rests on it.
    fn check(&self, file: &Artifact) -> Result<(), Fault> {
        if self.algorithm.is_empty() && self.digest.is_empty() {
            return Ok(());
        }
        let known = file.hash(&self.algorithm).ok_or(Fault::Field)?.ok_or(Fault::FileNeeded)?;
        let stated = base64::decode(&self.digest).map_err(|_| Fault::Base64)?;
        if stated == known { Ok(()) } else { Err(Fault::FileMismatch) }
    }
}
