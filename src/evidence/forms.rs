//! The accepted forms of evidence, from bytes (rules P1 to P4 and P6).

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::bundle::{Evidence, Form, LogEntry, Material, Note, Proof};
use super::older::{Beside, envelope_and_entry, legacy};
use super::{Envelope, Fault, Refusal, Signature};
use crate::event::{Digest, base64, json, limits};

/// The members that tell the forms from each other.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Marks<'a> {
    #[serde(borrow, default)]
    pub(super) media_type: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) verification_material: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) dsse_envelope: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) message_signature: Option<&'a RawValue>,
    #[serde(borrow, default)]
    payload: Option<&'a RawValue>,
    #[serde(borrow, default)]
    rekor_entry: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "base64Signature")]
    base64_signature: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    cert: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    rekor_bundle: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "SignedRFC3161Timestamp")]
    stamp: Option<Cow<'a, str>>,
}

/// The text, strictly scanned, and its marks.
pub(super) fn scan(bytes: &[u8]) -> Result<(&str, Marks<'_>), Refusal> {
    if bytes.len() > limits::RECORD_MAX {
        return Err(Fault::Limit.into());
    }
    json::check_folded(bytes, usize::MAX)?;
    let text = std::str::from_utf8(bytes).map_err(|_| json::Fault::NotUtf8)?;
    Ok((text, serde_json::from_str(text).map_err(|_| Fault::Form)?))
}

pub(super) fn parse(bytes: &[u8]) -> Result<Evidence, Refusal> {
    let (text, marks) = scan(bytes)?;
    let evidence = match marks {
        Marks { media_type: Some(_), message_signature: Some(_), .. } => return Err(Fault::NoEnvelope.into()),
        Marks {
            media_type: Some(kind), verification_material: Some(material), dsse_envelope: Some(envelope), ..
        } => bundle(text, &kind, material, Envelope::of_scanned(envelope.get()))?,
        Marks { dsse_envelope: Some(envelope), rekor_entry: Some(entry), payload: None, .. } => {
            envelope_and_entry(text, envelope, entry)?
        }
        Marks { base64_signature: Some(signature), payload: None, dsse_envelope: None, .. } => {
            legacy(text, &signature, &Beside { cert: marks.cert, promise: marks.rekor_bundle, stamp: marks.stamp })?
        }
        Marks { payload: Some(_), media_type: None, dsse_envelope: None, .. } => {
            with_envelope(Form::Envelope, Envelope::of_scanned(text)?, None)
        }
        _ => return Err(Fault::Form.into()),
    };
    check_entries(&evidence.entries)?;
    Ok(evidence)
}

pub(super) fn with_envelope(form: Form, envelope: Envelope, whole: Option<&str>) -> Evidence {
    let notes = if envelope.url_safe { vec![Note::UrlSafeBase64] } else { Vec::new() };
    let bundle = whole.map(|text| Digest::of(text.as_bytes()));
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

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireMaterial<'a> {
    #[serde(borrow, default)]
    public_key: Option<WireHint<'a>>,
    #[serde(borrow, default)]
    certificate: Option<WireBytes<'a>>,
    #[serde(borrow, default)]
    x509_certificate_chain: Option<WireChain<'a>>,
    #[serde(borrow, default)]
    tlog_entries: Option<Vec<WireEntry<'a>>>,
    #[serde(borrow, default)]
    timestamp_verification_data: Option<WireTimestamps<'a>>,
}

#[derive(Deserialize)]
struct WireHint<'a> {
    #[serde(borrow, default)]
    hint: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireBytes<'a> {
    #[serde(borrow)]
    raw_bytes: Cow<'a, str>,
}

#[derive(Deserialize)]
struct WireChain<'a> {
    #[serde(borrow, default)]
    certificates: Vec<WireBytes<'a>>,
}

#[derive(Deserialize, Default)]
struct WireTimestamps<'a> {
    #[serde(borrow, default, rename = "rfc3161Timestamps")]
    tokens: Option<Vec<WireToken<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireToken<'a> {
    #[serde(borrow)]
    signed_timestamp: Cow<'a, str>,
}

pub(super) fn bundle(
    text: &str,
    media_type: &str,
    material: &RawValue,
    envelope: Result<Envelope, Fault>,
) -> Result<Evidence, Fault> {
    let (version, spelling) = match media_type {
        "application/vnd.dev.sigstore.bundle.v0.3+json" => (3, false),
        "application/vnd.dev.sigstore.bundle+json;version=0.3" => (3, true),
        "application/vnd.dev.sigstore.bundle+json;version=0.2" => (2, false),
        "application/vnd.dev.sigstore.bundle+json;version=0.1" => (1, false),
        _ => return Err(Fault::MediaType),
    };
    let wire: WireMaterial<'_> = serde_json::from_str(material.get()).map_err(|_| Fault::Field)?;
    let mut evidence = with_envelope(Form::Bundle(version), envelope?, Some(text));
    if evidence.envelope.signatures.len() != 1 {
        return Err(Fault::SignatureCount);
    }
    if spelling {
        evidence.notes.push(Note::MediaTypeSpelling);
    }
    evidence.material = match (wire.public_key, wire.certificate, wire.x509_certificate_chain) {
        (Some(key), None, None) => Material::Hint(key.hint.into_owned()),
        (None, Some(leaf), None) if version == 3 => Material::Certificates(vec![certificate(&leaf.raw_bytes)?]),
        (None, None, Some(chain)) if version < 3 && !chain.certificates.is_empty() => {
            at_most(&chain.certificates, limits::SIGNATURES_MAX)?;
            let chain = chain.certificates.iter().map(|wire| certificate(&wire.raw_bytes));
            Material::Certificates(chain.collect::<Result<_, _>>()?)
        }
        _ => return Err(Fault::Material),
    };
    let entries = wire.tlog_entries.unwrap_or_default();
    at_most(&entries, limits::LOG_ENTRIES_MAX)?;
    evidence.entries = entries.into_iter().map(WireEntry::decode).collect::<Result<_, _>>()?;
    let tokens = wire.timestamp_verification_data.unwrap_or_default().tokens.unwrap_or_default();
    at_most(&tokens, limits::TIMESTAMPS_MAX)?;
    for token in tokens {
        evidence.timestamps.push(bytes(&token.signed_timestamp, limits::TIMESTAMP_MAX)?);
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
    let bytes = base64::decode(text).map_err(|_| Fault::Base64)?;
    Ok(Digest::from_bytes(bytes.try_into().map_err(|_| Fault::Field)?))
}

/// A 64-bit number of ProtoJSON: a number, or digits in a string. Never negative here (rule P6).
#[derive(Clone, Copy, Default)]
pub(super) struct Count(pub(super) u64);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Count;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a count")
            }

            fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Count, E> {
                if value <= i64::MAX.unsigned_abs() { Ok(Count(value)) } else { Err(E::custom("beyond 64 bits")) }
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Count, E> {
                let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
                let value = text.parse().map_err(E::custom)?;
                if plain { self.visit_u64(value) } else { Err(E::custom("not a plain number")) }
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireEntry<'a> {
    #[serde(default)]
    log_index: Count,
    #[serde(borrow)]
    log_id: WireLogId<'a>,
    #[serde(borrow)]
    kind_version: WireKind<'a>,
    #[serde(default)]
    integrated_time: Option<Count>,
    #[serde(borrow, default)]
    inclusion_promise: Option<WirePromise<'a>>,
    #[serde(borrow, default)]
    inclusion_proof: Option<WireProof<'a>>,
    #[serde(borrow)]
    canonicalized_body: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireLogId<'a> {
    #[serde(borrow)]
    key_id: Cow<'a, str>,
}

#[derive(Deserialize)]
struct WireKind<'a> {
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    version: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WirePromise<'a> {
    #[serde(borrow)]
    signed_entry_timestamp: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireProof<'a> {
    #[serde(default)]
    log_index: Count,
    #[serde(borrow, default)]
    root_hash: Option<Cow<'a, str>>,
    tree_size: Count,
    #[serde(borrow, default)]
    hashes: Vec<Cow<'a, str>>,
    #[serde(borrow, default)]
    checkpoint: Option<WireCheckpoint<'a>>,
}

#[derive(Deserialize)]
struct WireCheckpoint<'a> {
    #[serde(borrow, default)]
    envelope: Cow<'a, str>,
}

impl WireEntry<'_> {
    fn decode(self) -> Result<LogEntry, Fault> {
        let promise = self.inclusion_promise.map(|promise| bytes(&promise.signed_entry_timestamp, 1024)).transpose()?;
        let time = self.integrated_time.and_then(|time| i64::try_from(time.0).ok()).filter(|time| *time != 0);
        Ok(LogEntry {
            index: self.log_index.0,
            log_id: hash(&self.log_id.key_id)?,
            kind: self.kind_version.kind.into_owned(),
            version: self.kind_version.version.into_owned(),
            integrated_time: time,
            promise,
            proof: self.inclusion_proof.map(WireProof::decode).transpose()?,
            body: bytes(&self.canonicalized_body, limits::RECORD_MAX)?,
            uuid: None,
        })
    }
}

impl WireProof<'_> {
    fn decode(self) -> Result<Proof, Fault> {
        at_most(&self.hashes, limits::PROOF_HASHES_MAX)?;
        let checkpoint = self.checkpoint.map(|checkpoint| checkpoint.envelope.into_owned());
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
