//! `admit(input, trust) -> Admitted | DeadLetter`: one record, one of two fates.

use std::borrow::Cow;
use std::sync::Arc;

use crate::event::{Digest, Millis, Owner, Tenant, Topic, TopicName, base64, limits};
use crate::formats::arrival::{Arrival, Arrived, Lane, arrive, classify};
use crate::formats::document::Document;
use crate::formats::event_object::{Content, EventObject};
use crate::formats::reference::Reference;
use crate::formats::{FormatError, statement};
use crate::ledger::LedgerRecord;
use crate::ledger::record::{
    Admitted, AdmittedAttestation, AdmittedEvent, Body, Bytes, Lane as LedgerLane, Part, Source, SourceHeader,
};
use crate::verdict::intake::Intake;
use crate::verdict::result::AttestationResult;
use crate::verdict::{self, Judged, Reason, SignedCheckpoint};

use super::dead_letter::{self, DeadLetter};
use super::event::{Made, make};
use super::ports::{ObjectError, Objects, reference};
use super::{TrustTable, tenant};

/// A record of an input topic.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    pub topic: Topic,
    /// The tenant whose own topic it is; `None`: shared.
    pub owner: Option<Owner>,
    pub partition: u32,
    pub offset: u64,
    pub timestamp: Millis,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    pub headers: &'a [(String, Option<Vec<u8>>)],
}

impl Input<'_> {
    pub const fn name(&self) -> TopicName {
        TopicName { topic: self.topic, owner: self.owner }
    }
}

/// The fate of one input.
#[derive(Debug)]
pub struct Outcome {
    pub fate: Fate,
    /// A tenant, its topic or a key was not known: control may have brought it since, so it is read to its end and this is done
    /// again before the refusal stands.
    pub doubtful: bool,
    /// Checkpoints that the evidence rests on, verified.
    pub checkpoints: Vec<SignedCheckpoint>,
}

#[derive(Debug)]
pub enum Fate {
    /// Ledger records of one tenant: parts, then the record itself.
    Admitted {
        tenant: Tenant,
        records: Vec<Written>,
    },
    DeadLetter(DeadLetter),
}

/// A ledger record and its value: it is written once, and here, where inputs are admitted on all cores.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    pub record: LedgerRecord,
    pub value: Vec<u8>,
}

impl From<LedgerRecord> for Written {
    fn from(record: LedgerRecord) -> Self {
        Written { value: record.to_bytes(), record }
    }
}

/// Why an input is refused.
enum Refused {
    Reason(Reason),
    Object(ObjectError),
}

impl<R: Into<Reason>> From<R> for Refused {
    fn from(reason: R) -> Self {
        Refused::Reason(reason.into())
    }
}

/// What admission works with: the trust that it has read, the object store, and its clock.
pub struct Admission<'a> {
    pub table: &'a TrustTable,
    pub objects: &'a dyn Objects,
    pub now: Millis,
}

/// What an input became, before it is written as records.
struct Became {
    tenant: Tenant,
    /// Of the input's value.
    digest: Digest,
    event: Option<(AdmittedEvent, Vec<Part>)>,
    attestation: Option<AdmittedAttestation>,
    checkpoints: Vec<SignedCheckpoint>,
}

impl Admission<'_> {
    /// Decides one input. Only a failing object store is an error: nothing that a producer sends is.
    pub fn admit(&self, input: &Input<'_>) -> Result<Outcome, ObjectError> {
        let refused = match self.became(input) {
            Ok(mut became) => {
                let checkpoints = std::mem::take(&mut became.checkpoints);
                let doubtful = became.attestation.as_ref().is_some_and(|a| is_doubtful(&a.result));
                let tenant = became.tenant.clone();
                match self.records(input, became)? {
                    Some(records) => {
                        let fate = Fate::Admitted { tenant, records };
                        return Ok(Outcome { fate, doubtful, checkpoints });
                    }
                    None => Intake::FactsTooLarge.into(),
                }
            }
            Err(Refused::Object(error)) => return Err(error),
            Err(Refused::Reason(reason)) => reason,
        };
        let registry = [Intake::TenantUnknown, Intake::TenantMismatch, Intake::RecordOverQuota];
        let doubtful = registry.iter().any(|intake| refused == Reason::from(*intake));
        let fate = Fate::DeadLetter(self.dead_letter(input, refused.code())?);
        Ok(Outcome { fate, doubtful, checkpoints: Vec::new() })
    }

    fn became(&self, input: &Input<'_>) -> Result<Became, Refused> {
        let size = input.key.map_or(0, <[u8]>::len) + input.headers.iter().map(header_size).sum::<usize>();
        if size > limits::HEADERS_MAX {
            return Err(Intake::HeadersTooLarge.into());
        }
        if input.value.is_some_and(|value| value.len() > limits::RECORD_MAX) {
            return Err(Intake::RecordTooLarge.into());
        }
        let lane = Lane::of(input.topic).ok_or(Intake::InputNotYetAccepted)?;
        let Arrival { what, carrier } = arrive(lane, input.key, input.headers, input.value)?;
        let (tenant, trust) = tenant::of(input.name(), &carrier, self.table)?;
        let quota = self.table.document(&tenant).map(|entry| entry.quota).unwrap_or_default();
        if input.value.is_some_and(|value| !quota.admits(value.len())) {
            return Err(Intake::RecordOverQuota.into());
        }
        let what = match what {
            Arrived::Reference { reference, media_type } => {
                let document = self.fetch(&tenant, &reference)?;
                classify(lane, document, media_type.as_deref())?
            }
            what => what,
        };
        let versions = self.table.document(&tenant).map(|trust| trust.versions.as_slice()).unwrap_or_default();
        let kind = input.topic.kind();
        let made = |document, media_type, object| Made {
            tenant: &tenant,
            kind: kind.unwrap_or(crate::event::Kind::Ingest),
            document,
            media_type,
            carrier: &carrier,
            object,
            versions,
            timestamp: input.timestamp,
        };
        let digest = Digest::of(input.value.unwrap_or_default());
        let (mut event, mut attestation, mut checkpoints) = (None, None, Vec::new());
        match what {
            Arrived::Document { document, media_type } => {
                event = Some(self.event(input, digest, &made(&document, media_type, None))?);
            }
            Arrived::EventObject(object) => {
                let document = self.content(&tenant, &object)?;
                let media_type = object.media_type.clone().unwrap_or_else(|| document.shape().media_type().to_owned());
                event = Some(self.event(input, digest, &made(&document, media_type, Some(&object)))?);
            }
            Arrived::Attestation { bytes, .. } => {
                let own = input.value == Some(bytes.as_ref());
                let id = if own { digest } else { Digest::of(&bytes) };
                let judged = if let Some(kind) = kind {
                    let own = trust.own_types();
                    let parsed = verdict::parse(&bytes, &own)?;
                    let statement = statement::read(&parsed.evidence.envelope.payload, &own)?;
                    let document = statement.carried(kind)?;
                    let media_type = document.shape().media_type().to_owned();
                    event = Some(self.event(input, digest, &made(&document, media_type, None))?);
                    Judged::of(&parsed, trust, self.now)
                } else {
                    Arc::unwrap_or_clone(verdict::judge(&bytes, id, trust, self.now)?)
                };
                let Judged { facts, result, checkpoints: seen } = judged;
                checkpoints = seen;
                let bytes = self.place(&tenant, &bytes, id, own).map_err(Refused::Object)?;
                attestation = Some(AdmittedAttestation { facts, result, bytes });
            }
            Arrived::Reference { .. } => return Err(Intake::ReferenceMissing.into()),
        }
        Ok(Became { tenant, digest, event, attestation, checkpoints })
    }

    fn event(&self, input: &Input<'_>, digest: Digest, made: &Made<'_>) -> Result<(AdmittedEvent, Vec<Part>), Refused> {
        let bytes = self.carry(input, digest, made.tenant, made.document.bytes())?;
        Ok(make(made, bytes)?)
    }

    /// The document of an event object: in it, or where it points.
    fn content(&self, tenant: &Tenant, object: &EventObject) -> Result<Document<'static>, Refused> {
        match &object.content {
            Content::Inline(document) => Ok(document.clone()),
            Content::Reference(reference) => {
                let document = self.fetch(tenant, reference)?;
                object.stated.check(document.bytes()).map_err(FormatError::from)?;
                Ok(document)
            }
        }
    }

    /// What a claim check names; of this tenant, or it is not there.
    fn fetch(&self, tenant: &Tenant, reference: &Reference) -> Result<Document<'static>, Refused> {
        if reference.tenant != *tenant {
            return Err(Intake::ReferenceMissing.into());
        }
        let bytes = self.objects.get(tenant, reference.digest).map_err(Refused::Object)?;
        let bytes = bytes.ok_or(Intake::ReferenceMissing)?;
        if bytes.len() > limits::OBJECT_MAX {
            return Err(Intake::RecordTooLarge.into());
        }
        Ok(Document::examine(Cow::Owned(bytes))?)
    }

    /// How bytes travel: those of the input itself, which has this digest, by naming it, small ones inline, others in the
    /// object store.
    fn carry(&self, input: &Input<'_>, digest: Digest, tenant: &Tenant, bytes: &[u8]) -> Result<Bytes, Refused> {
        let own = input.value == Some(bytes);
        let digest = if own { digest } else { Digest::of(bytes) };
        self.place(tenant, bytes, digest, own).map_err(Refused::Object)
    }

    fn place(&self, tenant: &Tenant, bytes: &[u8], digest: Digest, own: bool) -> Result<Bytes, ObjectError> {
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let mut placed = Bytes { digest, size, inline: None, r#ref: None };
        if !own && bytes.len() <= limits::INLINE_MAX {
            placed.inline = Some(bytes.to_vec());
        } else if !own {
            // Written before the record that names it: a crash leaves an orphan, never a dangling name.
            placed.r#ref = Some(reference(tenant, self.objects.put(tenant, bytes)?));
        }
        Ok(placed)
    }

    /// The ledger records; `None` where one would not fit into the ledger.
    fn records(&self, input: &Input<'_>, became: Became) -> Result<Option<Vec<Written>>, ObjectError> {
        let Became { tenant, digest, event, attestation, .. } = became;
        let (event, parts) = event.map_or((None, Vec::new()), |(event, parts)| (Some(event), parts));
        let outputs = self.table.document(&tenant).map(|entry| entry.topics.outputs().clone()).unwrap_or_default();
        let header =
            |(name, value): &(String, Option<Vec<u8>>)| SourceHeader { name: name.clone(), value: value.clone() };
        let admitted = Admitted {
            admitted_at: self.now,
            lane: if input.topic == Topic::AttestationBackfill { LedgerLane::Backfill } else { LedgerLane::Live },
            request_id: text_header(input, "attestream-request-id"),
            principal: text_header(input, "attestream-principal"),
            source: Source {
                topic: input.name(),
                partition: input.partition,
                offset: input.offset,
                timestamp: input.timestamp,
                key: input.key.map(<[u8]>::to_vec),
                headers: input.headers.iter().map(header).collect(),
            },
            input: self.place(&tenant, input.value.unwrap_or_default(), digest, false)?,
            control: self.table.position(),
            outputs,
            event,
            attestation,
        };
        let bodies = parts.into_iter().map(|part| Body::Part(Box::new(part)));
        let bodies = bodies.chain([Body::Admitted(Box::new(admitted))]);
        let records: Vec<Written> = bodies.map(|body| LedgerRecord::new(tenant.clone(), body).into()).collect();
        let fits = |written: &Written| written.value.len() <= limits::MESSAGE_MAX - limits::HEADERS_MAX;
        Ok(records.iter().all(fits).then_some(records))
    }

    /// Byte for byte where it fits; else its bytes are kept by reference.
    fn dead_letter(&self, input: &Input<'_>, code: &'static str) -> Result<DeadLetter, ObjectError> {
        let nobody = dead_letter::nobody();
        let mut headers = dead_letter::headers(input, code);
        let own = |value: &str| Some(value.as_bytes().to_vec());
        let outer = input.key.map_or(0, <[u8]>::len) + input.headers.iter().map(header_size).sum::<usize>();
        if outer > limits::HEADERS_MAX {
            let whole = whole_record(input);
            let digest = self.objects.put(&nobody, &whole)?;
            headers.push((dead_letter::REFERENCE.to_owned(), own(&reference(&nobody, digest))));
            headers.push((dead_letter::REFERENCE_OF.to_owned(), own("record")));
            return Ok(DeadLetter { code, key: None, value: None, headers });
        }
        let mut value = input.value.map(<[u8]>::to_vec);
        if input.value.is_some_and(|value| value.len() > limits::MESSAGE_MAX - 2 * limits::HEADERS_MAX) {
            let digest = self.objects.put(&nobody, input.value.unwrap_or_default())?;
            headers.push((dead_letter::REFERENCE.to_owned(), own(&reference(&nobody, digest))));
            headers.push((dead_letter::REFERENCE_OF.to_owned(), own("value")));
            value = None;
        }
        // The record's own headers first, as received.
        let headers = input.headers.iter().cloned().chain(headers).collect();
        Ok(DeadLetter { code, key: input.key.map(<[u8]>::to_vec), value, headers })
    }
}

fn header_size((name, value): &(String, Option<Vec<u8>>)) -> usize {
    name.len() + value.as_ref().map_or(0, Vec::len)
}

fn text_header(input: &Input<'_>, name: &str) -> Option<String> {
    let (_, value) = input.headers.iter().find(|(header, _)| header == name)?;
    String::from_utf8(value.clone()?).ok()
}

/// A whole record as JSON: what a dead letter by reference keeps.
fn whole_record(input: &Input<'_>) -> Vec<u8> {
    let encoded = |bytes: &Option<Vec<u8>>| bytes.as_deref().map(base64::encode);
    let headers: Vec<_> = input.headers.iter().map(|(name, value)| (name, encoded(value))).collect();
    let (key, value) = (input.key.map(base64::encode), input.value.map(base64::encode));
    serde_json::json!({ "key": key, "headers": headers, "value": value }).to_string().into_bytes()
}

/// A result that a control record which was not read yet could change.
fn is_doubtful(result: &AttestationResult) -> bool {
    let code = result.reasons.first().map(String::as_str);
    code.is_some_and(|code| code == "key-unknown" || code == "identity-mismatch")
}
