//! What arrived: from a record's key, headers and value to a document, an event object or an attestation, and what the
//! carriers around it say. Nothing is believed here; admission decides tenant, verification and binding.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::event::{Digest, Kind, Millis, Subject, Tenant, Topic};

use super::cloudevents::{self, Attributes, Data, Header, Mode};
use super::document::{Document, Shape};
use super::event_object::{self, Content, EventObject};
use super::facts::{Facts, ScanInputs};
use super::fault::{Fault, FormatError};
use super::reference::Reference;
use super::subjects;

/// What an input topic takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Documents of one kind, bare or carried, and attestations whose predicate is one.
    Documents(Kind),
    /// Attestations alone.
    Evidence,
}

impl Lane {
    /// The lane of a topic; `None` for inputs of other rooms.
    pub const fn of(topic: Topic) -> Option<Lane> {
        match topic {
            Topic::SbomSubmitted => Some(Lane::Documents(Kind::Sbom)),
            Topic::VexSubmitted => Some(Lane::Documents(Kind::Vex)),
            Topic::ScanCompleted => Some(Lane::Documents(Kind::Scan)),
            Topic::AttestationPublished | Topic::AttestationBackfill => Some(Lane::Evidence),
            _ => None,
        }
    }

    /// Reads what is to become facts so that it is scanned once. Evidence is mostly known by its bytes.
    fn read(self, bytes: Cow<'_, [u8]>) -> Result<Document<'_>, FormatError> {
        match self {
            Lane::Documents(_) => Document::examine(bytes),
            Lane::Evidence => Document::read(bytes),
        }
    }
}

/// What arrived, and what its carriers say of it.
#[derive(Debug, PartialEq)]
pub struct Arrival<'a> {
    pub what: Arrived<'a>,
    pub carrier: Carrier,
}

/// What arrived.
#[derive(Debug, PartialEq)]
pub enum Arrived<'a> {
    /// A document of the lane's kind, bare or in CloudEvents.
    Document { document: Document<'a>, media_type: String },
    /// The event object of a producer, alone or in CloudEvents.
    EventObject(Box<EventObject>),
    /// An envelope or a bundle: its bytes as received, and of which shape.
    Attestation { bytes: Cow<'a, [u8]>, shape: Shape },
    /// A claim check: `classify` says what it is once its bytes are here.
    Reference { reference: Reference, media_type: Option<String> },
}

/// A tenant that something in the record names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantNamed {
    pub by: Carried,
    pub tenant: Tenant,
}

/// A subject that something in the record names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectNamed {
    pub by: Carried,
    pub subject: Subject,
}

/// What of a record says so, in the order of precedence of subjects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Carried {
    EventObject,
    CloudEvents,
    Key,
}

/// What the carriers of a record say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Carrier {
    /// Every tenant that is named; admission demands that all agree.
    pub tenants: Vec<TenantNamed>,
    /// The producer's own id: the event object's, else CloudEvents source and id.
    pub source_id: Option<String>,
    /// Stated subjects in order of precedence; they agree with each other.
    pub subjects: Vec<SubjectNamed>,
    /// The producer's time: the event object's, else that of CloudEvents.
    pub ts: Option<Millis>,
}

/// Reads one record. `value` is as received; compressed values are refused.
pub fn arrive<'a>(
    lane: Lane,
    key: Option<&[u8]>,
    headers: &[Header],
    value: Option<&'a [u8]>,
) -> Result<Arrival<'a>, FormatError> {
    let mut carrier = Carrier::default();
    let what = match cloudevents::mode(headers)? {
        Mode::Binary => binary(lane, cloudevents::binary(headers)?, value, &mut carrier)?,
        mode => {
            let content_type = cloudevents::content_type(headers)?;
            let document = lane.read(Cow::Borrowed(value.ok_or(Fault::ValueMissing)?))?;
            match (document.shape(), mode) {
                (Shape::CloudEvent, _) => structured(lane, document, &mut carrier)?,
                (_, Mode::Structured) => return Err(Fault::CloudeventsInvalid.into()),
                _ => classify(lane, document, content_type)?,
            }
        }
    };
    if let Arrived::EventObject(object) = &what {
        carrier.put_event_object(object);
    }
    carrier.put_key(key)?;
    carrier.subjects.sort_by_key(|named| named.by);
    carrier.settle(&[])?;
    Ok(Arrival { what, carrier })
}

/// What a document that was read is on this lane.
pub fn classify<'a>(lane: Lane, document: Document<'a>, media_type: Option<&str>) -> Result<Arrived<'a>, FormatError> {
    let shape = document.shape();
    if shape.is_attestation() {
        return Ok(Arrived::Attestation { bytes: document.into_bytes(), shape });
    }
    let Lane::Documents(kind) = lane else {
        let unsigned = shape == Shape::Statement;
        return Err(if unsigned { Fault::StatementUnsigned.into() } else { Fault::NotAnAttestation.into() });
    };
    match shape {
        Shape::EventObject => {
            let object = event_object::read(document.bytes())?;
            of_kind(object, kind).map(|object| Arrived::EventObject(Box::new(object)))
        }
        Shape::Statement => Err(Fault::StatementUnsigned.into()),
        Shape::CloudEvent => Err(Fault::CloudeventsInvalid.into()),
        _ if shape.kind() == Some(kind) => {
            let media_type = media_type.filter(|text| !text.is_empty()).unwrap_or(shape.media_type()).to_owned();
            Ok(Arrived::Document { document, media_type })
        }
        _ => Err(Fault::FormatNotForTopic.into()),
    }
}

/// The kind that an event object names is its topic's, and so is the document inside it.
fn of_kind(object: EventObject, kind: Kind) -> Result<EventObject, FormatError> {
    if object.kind != kind {
        return Err(Fault::KindMismatch.into());
    }
    match &object.content {
        Content::Inline(document) if document.shape().kind() != Some(kind) => Err(Fault::FormatNotForTopic.into()),
        _ => Ok(object),
    }
}

fn binary<'a>(
    lane: Lane,
    attributes: Attributes,
    value: Option<&'a [u8]>,
    carrier: &mut Carrier,
) -> Result<Arrived<'a>, FormatError> {
    carrier.put_attributes(&attributes)?;
    let data = value.map(|value| lane.read(Cow::Borrowed(value))).transpose()?;
    carried(lane, &attributes, data)
}

fn structured<'a>(lane: Lane, event: Document<'a>, carrier: &mut Carrier) -> Result<Arrived<'a>, FormatError> {
    // Spans of the event are borrowed from the record where the record's bytes are.
    let read = |bytes: &'a [u8]| -> Result<(Attributes, Option<Document<'a>>), FormatError> {
        let event = cloudevents::structured(bytes)?;
        let data = match event.data {
            Some(Data::Json(span)) => Some(Document::within(Cow::Borrowed(span.as_bytes()))?),
            Some(Data::Bytes(bytes)) => Some(lane.read(bytes)?),
            None => None,
        };
        Ok((event.attributes, data))
    };
    let Cow::Borrowed(bytes) = event.into_bytes() else { return Err(Fault::CloudeventsInvalid.into()) };
    let (attributes, data) = read(bytes)?;
    carrier.put_attributes(&attributes)?;
    carried(lane, &attributes, data)
}

/// The data of a CloudEvent, or the claim check in its place. Both are allowed and must be the same.
fn carried<'a>(lane: Lane, event: &Attributes, data: Option<Document<'a>>) -> Result<Arrived<'a>, FormatError> {
    let reference: Option<Reference> = event.data_ref.as_deref().map(str::parse).transpose()?;
    let media_type = event.data_content_type.as_deref();
    match (data, reference) {
        (Some(data), reference) => {
            let same = reference.is_none_or(|reference| reference.digest == Digest::of(data.bytes()));
            if same { classify(lane, data, media_type) } else { Err(Fault::DigestMismatch.into()) }
        }
        (None, Some(reference)) => Ok(Arrived::Reference { reference, media_type: media_type.map(str::to_owned) }),
        (None, None) => Err(Fault::ValueMissing.into()),
    }
}

impl Carrier {
    /// What the record is about, with the subjects that the document names.
    pub fn settle(&self, document: &[Subject]) -> Result<Option<Subject>, Fault> {
        let stated: Vec<&Subject> = self.subjects.iter().map(|named| &named.subject).collect();
        subjects::settle(&stated, document)
    }

    fn put_attributes(&mut self, event: &Attributes) -> Result<(), Fault> {
        if let Some(name) = event.tenant.as_deref() {
            let tenant = Tenant::new(name).map_err(|_| Fault::TenantInvalid)?;
            self.tenants.push(TenantNamed { by: Carried::CloudEvents, tenant });
        }
        self.source_id = Some(event.source_id());
        self.ts = event.time;
        self.put_text(event.subject.as_deref(), Carried::CloudEvents)
    }

    /// The object is the producer's own word, and goes before its envelope's.
    fn put_event_object(&mut self, object: &EventObject) {
        if let Some(tenant) = object.tenant.clone() {
            self.tenants.push(TenantNamed { by: Carried::EventObject, tenant });
        }
        self.source_id = object.source_id.clone().or(self.source_id.take());
        self.ts = object.ts.or(self.ts);
        if let Some(subject) = object.subjects.first().cloned() {
            self.subjects.push(SubjectNamed { by: Carried::EventObject, subject });
        }
    }

    /// `{tenant}/{subject}` or `{subject}`: what stands before the first `/` is a tenant where it can be one's name. Keys
    /// that are no text name nothing.
    fn put_key(&mut self, key: Option<&[u8]>) -> Result<(), Fault> {
        let Some(key) = key.and_then(|bytes| std::str::from_utf8(bytes).ok()) else { return Ok(()) };
        let prefix = key.split_once('/').and_then(|(name, rest)| Some((Tenant::new(name).ok()?, rest)));
        let Some((tenant, rest)) = prefix else { return self.put_text(Some(key), Carried::Key) };
        self.tenants.push(TenantNamed { by: Carried::Key, tenant });
        self.put_text(Some(rest), Carried::Key)
    }

    fn put_text(&mut self, text: Option<&str>, by: Carried) -> Result<(), Fault> {
        if let Some(subject) = text.map(subjects::from_text).transpose()?.flatten() {
            self.subjects.push(SubjectNamed { by, subject });
        }
        Ok(())
    }
}

/// The subjects of an event: what it is about, and all that it names. `_id` rests on the first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    pub subject: Option<Subject>,
    pub subjects: Vec<Subject>,
}

/// Settles what an event is about: carriers first, then the document; a contradiction is `subject-mismatch`.
pub fn about(carrier: &Carrier, object: Option<&EventObject>, facts: &Facts) -> Result<About, Fault> {
    let named = match (&facts.subject, facts.subjects.as_slice()) {
        (Some(one), []) => std::slice::from_ref(one),
        (_, several) => several,
    };
    let subject = carrier.settle(named)?;
    let mut all: Vec<Subject> = subject.iter().cloned().collect();
    let mut known: HashSet<&Subject> = HashSet::new();
    let stated = object.map(|object| object.subjects.as_slice()).unwrap_or_default();
    for other in stated.iter().chain(named) {
        let within =
            |subject: &Subject| subjects::agree(subject, other) && subjects::filled(subject.clone(), other) == *subject;
        if !subject.as_ref().is_some_and(within) && known.insert(other) {
            all.push(other.clone());
        }
    }
    Ok(About { subject, subjects: all })
}

/// What the scan of an event ran on.
pub fn scan_inputs(object: Option<&EventObject>, facts: &Facts) -> Option<ScanInputs> {
    event_object::scan_of(facts, object.and_then(|object| object.scan.as_ref()))
}

/// The topic that bytes belong to, by their content alone.
pub fn topic_of(bytes: &[u8]) -> Result<Topic, FormatError> {
    let document = Document::read(Cow::Borrowed(bytes))?;
    let kind = match document.shape() {
        Shape::Statement => return Err(Fault::StatementUnsigned.into()),
        Shape::EventObject => event_object::read(bytes)?.kind,
        Shape::CloudEvent => match cloudevents::structured(bytes)?.data {
            Some(Data::Json(span)) => return topic_of(span.as_bytes()),
            Some(Data::Bytes(inner)) => return topic_of(&inner),
            None => return Err(Fault::ValueMissing.into()),
        },
        shape => return shape.topic().ok_or_else(|| Fault::FormatUnknown.into()),
    };
    let topics = [Topic::SbomSubmitted, Topic::VexSubmitted, Topic::ScanCompleted];
    topics.into_iter().find(|topic| topic.kind() == Some(kind)).ok_or_else(|| Fault::KindMismatch.into())
}
