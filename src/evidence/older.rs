//! The forms before Sigstore bundles: an envelope beside its Rekor v1 entry, and cosign's older bundle.

use std::borrow::Cow;

use super::bundle::{Evidence, Form, LogEntry, Material, Proof};
use super::forms::{at_most, bytes, sized_checkpoint, with_envelope};
use super::wire::Count;
use super::{Envelope, Fault, Refusal, pem};
use crate::event::outline::Value;
use crate::event::{Digest, limits};

/// An entry as Rekor v1's API gives it: a map from one UUID to it; numbers are numbers and hashes are hex.
struct RestEntry<'a> {
    body: Cow<'a, str>,
    integrated_time: Count,
    log_id: Cow<'a, str>,
    log_index: Count,
    /// `verification.signedEntryTimestamp`.
    promise: Option<Cow<'a, str>>,
    /// `verification.inclusionProof`.
    proof: Option<RestProof<'a>>,
}

struct RestProof<'a> {
    checkpoint: Option<Cow<'a, str>>,
    hashes: Vec<Cow<'a, str>>,
    log_index: Count,
    root_hash: Cow<'a, str>,
    tree_size: Count,
}

impl<'a> RestEntry<'a> {
    fn read(value: Value<'_, 'a>) -> Option<Self> {
        let object = value.object()?;
        let verified = |value: Value<'_, 'a>| {
            let verification = value.object()?;
            let promise = verification.optional("signedEntryTimestamp", Value::text)?;
            Some((promise, verification.optional("inclusionProof", RestProof::read)?))
        };
        let (promise, proof) = object.optional("verification", verified)?.unwrap_or_default();
        Some(RestEntry {
            body: object.needed("body", Value::text)?,
            integrated_time: object.needed("integratedTime", Count::read)?,
            log_id: object.needed("logID", Value::text)?,
            log_index: object.needed("logIndex", Count::read)?,
            promise,
            proof,
        })
    }
}

impl<'a> RestProof<'a> {
    fn read(value: Value<'_, 'a>) -> Option<Self> {
        let object = value.object()?;
        Some(RestProof {
            checkpoint: object.optional("checkpoint", Value::text)?,
            hashes: object.defaulted("hashes", |hashes| hashes.list(Value::text))?,
            log_index: object.needed("logIndex", Count::read)?,
            root_hash: object.needed("rootHash", Value::text)?,
            tree_size: object.needed("treeSize", Count::read)?,
        })
    }
}

pub(super) fn envelope_and_entry(
    digest: Digest,
    envelope: Value<'_, '_>,
    entry: Value<'_, '_>,
) -> Result<Evidence, Fault> {
    let entries: Vec<_> = entry.object().ok_or(Fault::Field)?.members().collect();
    at_most(&entries, 1)?;
    let (uuid, entry) = entries.into_iter().next().ok_or(Fault::Field)?;
    let entry = RestEntry::read(entry).ok_or(Fault::Field)?;
    let mut evidence = with_envelope(Form::EnvelopeAndEntry, Envelope::read(envelope)?, Some(digest));
    evidence.entries = vec![entry.decode(Some(uuid.into_owned()))?];
    Ok(evidence)
}

impl RestEntry<'_> {
    fn decode(self, uuid: Option<String>) -> Result<LogEntry, Fault> {
        let body = bytes(&self.body, limits::RECORD_MAX)?;
        let (kind, version) = super::entry::kind_of(&body).map_err(|_| Fault::Field)?;
        Ok(LogEntry {
            index: self.log_index.0,
            log_id: Digest::from_hex(&self.log_id).map_err(|_| Fault::Field)?,
            kind,
            version,
            integrated_time: i64::try_from(self.integrated_time.0).ok().filter(|time| *time != 0),
            promise: self.promise.map(|text| bytes(&text, 1024)).transpose()?,
            proof: self.proof.map(RestProof::decode).transpose()?,
            body,
            uuid,
        })
    }
}

impl RestProof<'_> {
    fn decode(self) -> Result<Proof, Fault> {
        at_most(&self.hashes, limits::PROOF_HASHES_MAX)?;
        let hash = |text: &str| Digest::from_hex(text).map_err(|_| Fault::Field);
        Ok(Proof {
            index: self.log_index.0,
            size: self.tree_size.0,
            root: Some(hash(&self.root_hash)?),
            hashes: self.hashes.iter().map(|text| hash(text)).collect::<Result<_, _>>()?,
            checkpoint: sized_checkpoint(self.checkpoint.map(Cow::into_owned))?,
        })
    }
}

/// What may lie beside the signature in cosign's older bundle.
pub(super) struct Beside<'o, 'a> {
    pub cert: Option<Cow<'a, str>>,
    /// The promise: its bytes, and the entry that it is of.
    pub promise: Option<Value<'o, 'a>>,
    /// What cosign writes to the file of its own that holds a time stamp.
    pub stamp: Option<Cow<'a, str>>,
}

pub(super) fn legacy(digest: Digest, signature: &str, beside: &Beside<'_, '_>) -> Result<Evidence, Refusal> {
    let envelope = Envelope::parse(&bytes(signature, limits::RECORD_MAX)?).map_err(|_| Fault::NoEnvelope)?;
    let mut evidence = with_envelope(Form::Legacy, envelope, Some(digest));
    if let Some(cert) = beside.cert.as_deref().filter(|cert| !cert.is_empty()) {
        let pem = String::from_utf8(bytes(cert, 2 * limits::CERTIFICATE_MAX)?).map_err(|_| Fault::Field)?;
        evidence.material = Material::Certificates(vec![pem::decode(&pem, "CERTIFICATE").ok_or(Fault::Field)?]);
    }
    if let Some(promise) = beside.promise {
        let read = || {
            let promise = promise.object()?;
            let set = promise.needed("SignedEntryTimestamp", Value::text)?;
            Some((set, promise.needed("Payload", RestEntry::read)?))
        };
        let (set, entry) = read().ok_or(Fault::Field)?;
        let mut entry = entry.decode(None)?;
        entry.promise = Some(bytes(&set, 1024)?);
        evidence.entries = vec![entry];
    }
    if let Some(stamp) = beside.stamp.as_deref().filter(|stamp| !stamp.is_empty()) {
        evidence.timestamps = vec![bytes(stamp, limits::TIMESTAMP_MAX)?];
    }
    Ok(evidence)
}
