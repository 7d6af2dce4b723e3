//! The accepted forms of evidence, from bytes (rules P1 to P4 and P6).

use std::borrow::Cow;

use super::bundle::{Evidence, Form, LogEntry, Material, Note, Proof};
use super::older::{Beside, envelope_and_entry, legacy};
use super::wire::{WireEntry, WireMaterial, WireProof};
use super::{Envelope, Fault, Refusal, Signature};
use crate::event::outline::{Outline, Value};
use crate::event::{Digest, base64, json, limits};

/// The members that tell the forms from each other.
#[derive(Default)]
pub(super) struct Marks<'o, 'a> {
    pub(super) media_type: Option<Cow<'a, str>>,
    pub(super) verification_material: Option<Value<'o, 'a>>,
    pub(super) dsse_envelope: Option<Value<'o, 'a>>,
    pub(super) message_signature: Option<Value<'o, 'a>>,
    payload: Option<Value<'o, 'a>>,
    rekor_entry: Option<Value<'o, 'a>>,
    base64_signature: Option<Cow<'a, str>>,
    cert: Option<Cow<'a, str>>,
    rekor_bundle: Option<Value<'o, 'a>>,
    stamp: Option<Cow<'a, str>>,
}

impl<'o, 'a> Marks<'o, 'a> {
    pub(super) fn read(root: Value<'o, 'a>) -> Option<Self> {
        let root = root.object()?;
        let value = |name: &str| root.optional(name, Some);
        let text = |name: &str| root.optional(name, Value::text);
        Some(Marks {
            media_type: text("mediaType")?,
            verification_material: value("verificationMaterial")?,
            dsse_envelope: value("dsseEnvelope")?,
            message_signature: value("messageSignature")?,
            payload: value("payload")?,
            rekor_entry: value("rekorEntry")?,
            base64_signature: text("base64Signature")?,
            cert: text("cert")?,
            rekor_bundle: value("rekorBundle")?,
            stamp: text("SignedRFC3161Timestamp")?,
        })
    }
}

/// What came, strictly scanned.
pub(super) struct Scanned<'a> {
    pub outline: Outline<'a>,
    /// SHA-256 of the whole.
    pub digest: Digest,
}

impl<'a> Scanned<'a> {
    pub(super) fn of(bytes: &'a [u8], digest: Digest) -> Result<Self, Refusal> {
        if bytes.len() > limits::RECORD_MAX {
            return Err(Fault::Limit.into());
        }
        Ok(Scanned { outline: json::outline_folded(bytes, usize::MAX)?, digest })
    }
}

pub(super) fn parse(scanned: &Scanned<'_>) -> Result<Evidence, Refusal> {
    let (root, whole) = (scanned.outline.root(), Some(scanned.digest));
    let marks = Marks::read(root).ok_or(Fault::Form)?;
    let evidence = match marks {
        Marks { media_type: Some(_), message_signature: Some(_), .. } => return Err(Fault::NoEnvelope.into()),
        Marks {
            media_type: Some(kind), verification_material: Some(material), dsse_envelope: Some(envelope), ..
        } => bundle(scanned.digest, &kind, material, Envelope::read(envelope))?,
        Marks { dsse_envelope: Some(envelope), rekor_entry: Some(entry), payload: None, .. } => {
            envelope_and_entry(scanned.digest, envelope, entry)?
        }
        Marks { base64_signature: Some(signature), payload: None, dsse_envelope: None, .. } => {
            let beside = Beside { cert: marks.cert, promise: marks.rekor_bundle, stamp: marks.stamp };
            legacy(scanned.digest, &signature, &beside)?
        }
        Marks { payload: Some(_), media_type: None, dsse_envelope: None, .. } => {
            with_envelope(Form::Envelope, Envelope::of_digest(root, whole)?, None)
        }
        _ => return Err(Fault::Form.into()),
    };
    check_entries(&evidence.entries)?;
    Ok(evidence)
}

/// `bundle` is the digest of the whole, where it is more than the envelope.
pub(super) fn with_envelope(form: Form, envelope: Envelope, bundle: Option<Digest>) -> Evidence {
    let notes = if envelope.url_safe { vec![Note::UrlSafeBase64] } else { Vec::new() };
    // One signature that names no key and carries its certificate: of what came without a bundle, the material.
    let material = match envelope.signatures.as_slice() {
        [Signature { keyid: None, cert: Some(cert), .. }] => Material::Certificates(vec![cert.clone()]),
        _ => Material::None,
    };
    let (entries, timestamps) = (Vec::new(), Vec::new());
    Evidence { form, envelope, bundle, material, entries, timestamps, notes }
}

/// Entries must differ, and each must prove something (rule L8).
pub(super) fn check_entries(entries: &[LogEntry]) -> Result<(), Fault> {
    for (at, entry) in entries.iter().enumerate() {
        if entry.proof.is_none() && entry.promise.is_none() {
            return Err(Fault::EntryUnproven);
        }
        let same = |other: &LogEntry| other.log_id == entry.log_id && other.index == entry.index;
        if entries.iter().skip(at + 1).any(same) {
            return Err(Fault::EntryDuplicate);
        }
    }
    Ok(())
}

pub(super) fn bundle(
    digest: Digest,
    media_type: &str,
    material: Value<'_, '_>,
    envelope: Result<Envelope, Fault>,
) -> Result<Evidence, Fault> {
    let (version, spelling) = match media_type {
        "application/vnd.dev.sigstore.bundle.v0.3+json" => (3, false),
        "application/vnd.dev.sigstore.bundle+json;version=0.3" => (3, true),
        "application/vnd.dev.sigstore.bundle+json;version=0.2" => (2, false),
        "application/vnd.dev.sigstore.bundle+json;version=0.1" => (1, false),
        _ => return Err(Fault::MediaType),
    };
    let wire = WireMaterial::read(material).ok_or(Fault::Field)?;
    let mut evidence = with_envelope(Form::Bundle(version), envelope?, Some(digest));
    if evidence.envelope.signatures.len() != 1 {
        return Err(Fault::SignatureCount);
    }
    if spelling {
        evidence.notes.push(Note::MediaTypeSpelling);
    }
    evidence.material = match (wire.public_key, wire.certificate, wire.x509_certificate_chain) {
        (Some(hint), None, None) => Material::Hint(hint.into_owned()),
        (None, Some(leaf), None) if version == 3 => Material::Certificates(vec![certificate(&leaf)?]),
        (None, None, Some(chain)) if version < 3 && !chain.is_empty() => {
            at_most(&chain, limits::SIGNATURES_MAX)?;
            let chain = chain.iter().map(|text| certificate(text));
            Material::Certificates(chain.collect::<Result<_, _>>()?)
        }
        _ => return Err(Fault::Material),
    };
    let entries = wire.tlog_entries.unwrap_or_default();
    at_most(&entries, limits::LOG_ENTRIES_MAX)?;
    evidence.entries = entries.into_iter().map(WireEntry::decode).collect::<Result<_, _>>()?;
    let tokens = wire.timestamps.unwrap_or_default();
    at_most(&tokens, limits::TIMESTAMPS_MAX)?;
    for token in tokens {
        evidence.timestamps.push(bytes(&token, limits::TIMESTAMP_MAX)?);
    }
    Ok(evidence)
}

fn certificate(text: &str) -> Result<Vec<u8>, Fault> {
    bytes(text, limits::CERTIFICATE_MAX)
}

pub(super) fn at_most<T>(list: &[T], most: usize) -> Result<(), Fault> {
    if list.len() > most { Err(Fault::Limit) } else { Ok(()) }
}

pub(super) fn bytes(text: &str, most: usize) -> Result<Vec<u8>, Fault> {
    let bytes = base64::decode(text).map_err(|_| Fault::Base64)?;
    at_most(&bytes, most)?;
    Ok(bytes)
}

fn hash(text: &str) -> Result<Digest, Fault> {
    let bytes = base64::decode_array(text).map_err(|_| Fault::Base64)?;
    bytes.map(Digest::from_bytes).ok_or(Fault::Field)
}

impl WireEntry<'_> {
    fn decode(self) -> Result<LogEntry, Fault> {
        let promise = self.promise.map(|promise| bytes(&promise, 1024)).transpose()?;
        let time = self.integrated_time.and_then(|time| i64::try_from(time.0).ok()).filter(|time| *time != 0);
        Ok(LogEntry {
            index: self.log_index.0,
            log_id: hash(&self.log_id)?,
            kind: self.kind.into_owned(),
            version: self.version.into_owned(),
            integrated_time: time,
            promise,
            proof: self.proof.map(WireProof::decode).transpose()?,
            body: bytes(&self.canonicalized_body, limits::RECORD_MAX)?,
            uuid: None,
        })
    }
}

impl WireProof<'_> {
    fn decode(self) -> Result<Proof, Fault> {
        at_most(&self.hashes, limits::PROOF_HASHES_MAX)?;
        let checkpoint = self.checkpoint.map(Cow::into_owned);
        Ok(Proof {
            index: self.log_index.0,
            size: self.tree_size.0,
            root: self.root_hash.as_deref().filter(|text| !text.is_empty()).map(hash).transpose()?,
            hashes: self.hashes.iter().map(|text| hash(text)).collect::<Result<_, _>>()?,
            checkpoint: sized_checkpoint(checkpoint)?,
        })
    }
}

pub(super) fn sized_checkpoint(checkpoint: Option<String>) -> Result<Option<String>, Fault> {
    let checkpoint = checkpoint.filter(|text| !text.is_empty());
    at_most(checkpoint.as_deref().unwrap_or_default().as_bytes(), limits::CHECKPOINT_MAX)?;
    Ok(checkpoint)
}
