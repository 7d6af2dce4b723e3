//! The forms before Sigstore bundles: an envelope beside its Rekor v1 entry, and cosign's older bundle.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;

use super::bundle::{Evidence, Form, LogEntry, Material, Proof};
use super::forms::{at_most, bytes, sized_checkpoint, with_envelope};
use super::wire::Count;
use super::{Envelope, Fault, Refusal, pem};
use crate::event::outline::Value;
use crate::event::{Digest, limits};

/// An entry as Rekor v1's API gives it: a map from one UUID to it; numbers are numbers and hashes are hex.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RestEntry<'a> {
    #[serde(borrow)]
    body: Cow<'a, str>,
    integrated_time: Count,
    #[serde(borrow, rename = "logID")]
    log_id: Cow<'a, str>,
    log_index: Count,
    #[serde(borrow, default)]
    verification: Option<RestVerification<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RestVerification<'a> {
    #[serde(borrow, default)]
    signed_entry_timestamp: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    inclusion_proof: Option<RestProof<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RestProof<'a> {
    #[serde(borrow, default)]
    checkpoint: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    hashes: Vec<Cow<'a, str>>,
    log_index: Count,
    #[serde(borrow)]
    root_hash: Cow<'a, str>,
    tree_size: Count,
}

pub(super) fn envelope_and_entry(
    digest: Digest,
    envelope: Value<'_, '_>,
    entry: Value<'_, '_>,
) -> Result<Evidence, Fault> {
    let entries: BTreeMap<Cow<'_, str>, RestEntry<'_>> = serde_json::from_str(entry.raw()).map_err(|_| Fault::Field)?;
    at_most(&Vec::from_iter(entries.keys()), 1)?;
    let (uuid, entry) = entries.into_iter().next().ok_or(Fault::Field)?;
    let mut evidence = with_envelope(Form::EnvelopeAndEntry, Envelope::read(envelope)?, Some(digest));
    evidence.entries = vec![entry.decode(Some(uuid.into_owned()))?];
    Ok(evidence)
}

impl RestEntry<'_> {
    fn decode(self, uuid: Option<String>) -> Result<LogEntry, Fault> {
        let body = bytes(&self.body, limits::RECORD_MAX)?;
        let (kind, version) = super::entry::kind_of(&body).map_err(|_| Fault::Field)?;
        let verification = self.verification;
        let (promise, proof) = verification.map_or((None, None), |v| (v.signed_entry_timestamp, v.inclusion_proof));
        Ok(LogEntry {
            index: self.log_index.0,
            log_id: Digest::from_hex(&self.log_id).map_err(|_| Fault::Field)?,
            kind,
            version,
            integrated_time: i64::try_from(self.integrated_time.0).ok().filter(|time| *time != 0),
            promise: promise.map(|text| bytes(&text, 1024)).transpose()?,
            proof: proof.map(RestProof::decode).transpose()?,
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

/// The promise of cosign's older bundle.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LegacyPromise<'a> {
    #[serde(borrow)]
    signed_entry_timestamp: Cow<'a, str>,
    #[serde(borrow)]
    payload: RestEntry<'a>,
}

/// What may lie beside the signature in cosign's older bundle.
pub(super) struct Beside<'a> {
    pub cert: Option<Cow<'a, str>>,
    /// As it is written.
    pub promise: Option<&'a str>,
    /// What cosign writes to the file of its own that holds a time stamp.
    pub stamp: Option<Cow<'a, str>>,
}

pub(super) fn legacy(digest: Digest, signature: &str, beside: &Beside<'_>) -> Result<Evidence, Refusal> {
    let envelope = Envelope::parse(&bytes(signature, limits::RECORD_MAX)?).map_err(|_| Fault::NoEnvelope)?;
    let mut evidence = with_envelope(Form::Legacy, envelope, Some(digest));
    if let Some(cert) = beside.cert.as_deref().filter(|cert| !cert.is_empty()) {
        let pem = String::from_utf8(bytes(cert, 2 * limits::CERTIFICATE_MAX)?).map_err(|_| Fault::Field)?;
        evidence.material = Material::Certificates(vec![pem::decode(&pem, "CERTIFICATE").ok_or(Fault::Field)?]);
    }
    if let Some(promise) = beside.promise {
        let wire: LegacyPromise<'_> = serde_json::from_str(promise).map_err(|_| Fault::Field)?;
        let mut entry = wire.payload.decode(None)?;
        entry.promise = Some(bytes(&wire.signed_entry_timestamp, 1024)?);
        evidence.entries = vec![entry];
    }
    if let Some(stamp) = beside.stamp.as_deref().filter(|stamp| !stamp.is_empty()) {
        evidence.timestamps = vec![bytes(stamp, limits::TIMESTAMP_MAX)?];
    }
    Ok(evidence)
}
