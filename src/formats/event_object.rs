//! The event object, as a producer sends it: the enriched event's shape without what only this system may write.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::event::{Digest, Kind, Millis, Subject, Tenant, base64, jcs, limits};

use super::document::{Document, parse};
use super::facts::{Claimed, Facts, ScanInputs};
use super::fault::{Fault, FormatError};
use super::normalise::time;
use super::reference::Reference;
use super::subjects;

/// What a producer sends. `revision` and everything else that this system gives is refused as unknown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sent {
    /// The producer's own id; ours is derived from the content.
    #[serde(default, rename = "_id", skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub source_id: Option<String>,
    pub kind: Kind,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub tenant: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub subject: Option<Subject>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subjects: Vec<Subject>,
    pub document: SentDocument,
    /// Kept as claims, never merged.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub provenance: Option<Map<String, Value>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub trust: Option<Map<String, Value>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub scan: Option<ScanInputs>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub ts: Option<String>,
}

/// The document of an event object: its content, or where it lies; exactly one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SentDocument {
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub media_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub digest: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub canonical_digest: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub size: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub content: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub encoding: Option<Encoding>,
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub reference: Option<String>,
}

/// A member that is there has a value: `null` is not "absent" here.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// How `content` holds the bytes. Without it: `utf-8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Encoding {
    #[serde(rename = "utf-8")]
    Utf8,
    #[serde(rename = "base64")]
    Base64,
}

/// An event object that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct EventObject {
    pub kind: Kind,
    pub tenant: Option<Tenant>,
    pub source_id: Option<String>,
    /// What the object states, digests lower-cased; the first is the subject.
    pub subjects: Vec<Subject>,
    pub content: Content,
    pub media_type: Option<String>,
    /// What the bytes must hash to; checked for content, to be checked by who fetches a reference (`Stated::check`).
    pub stated: Stated,
    /// `provenance` and `trust` as sent; `None` where neither was.
    pub claimed: Option<Claimed>,
    pub scan: Option<ScanInputs>,
    pub ts: Option<Millis>,
}

/// Where the document is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    Inline(Document<'static>),
    Reference(Reference),
}

/// What a producer states of the document's bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stated {
    pub digest: Option<Digest>,
    pub canonical: Option<Digest>,
    pub size: Option<u64>,
}

impl Stated {
    /// Compares with the bytes. A canonical digest that cannot exist (an inexact number) is a mismatch too.
    pub fn check(&self, bytes: &[u8]) -> Result<(), Fault> {
        if self.size.is_some_and(|size| u64::try_from(bytes.len()) != Ok(size)) {
            return Err(Fault::SizeMismatch);
        }
        let differs = self.digest.is_some_and(|stated| stated != Digest::of(bytes));
        let canonical = self.canonical.is_some_and(|stated| jcs::canonical_digest(bytes) != Ok(stated));
        if differs || canonical { Err(Fault::DigestMismatch) } else { Ok(()) }
    }
}

/// Reads an event object from bytes that passed the strict scan.
pub fn read(bytes: &[u8]) -> Result<EventObject, FormatError> {
    let sent: Sent = parse(bytes, Fault::EventObjectInvalid)?;
    let tenant = sent.tenant.as_deref().map(Tenant::new).transpose().map_err(|_| Fault::TenantInvalid)?;
    let empty = |text: &Option<String>| text.as_deref() == Some("");
    if empty(&sent.id) || empty(&sent.source_id) || empty(&sent.document.media_type) {
        return Err(Fault::EventObjectInvalid.into());
    }
    let stated = sent.document.stated()?;
    Ok(EventObject {
        kind: sent.kind,
        tenant,
        subjects: stated_subjects(sent.subject, sent.subjects)?,
        content: sent.document.content(&stated)?,
        stated,
        media_type: sent.document.media_type,
        source_id: sent.id.or(sent.source_id),
        claimed: claims(sent.provenance, sent.trust),
        scan: sent.scan.map(checked_scan).transpose()?,
        ts: time(sent.ts.as_deref())?,
    })
}

/// What the scan ran on: what the document says, and for the rest what the producer states beside it.
pub fn scan_of(facts: &Facts, stated: Option<&ScanInputs>) -> Option<ScanInputs> {
    let Some(stated) = stated else { return facts.scan.clone() };
    let Some(own) = facts.scan.clone() else { return Some(stated.clone()) };
    let list = |own: Vec<String>, stated: &[String]| if own.is_empty() { stated.to_vec() } else { own };
    let text = |own: Option<String>, stated: &Option<String>| own.or_else(|| stated.clone());
    Some(ScanInputs {
        image_digests: list(own.image_digests, &stated.image_digests),
        sbom_digests: list(own.sbom_digests, &stated.sbom_digests),
        scanner: text(own.scanner, &stated.scanner),
        scanner_version: text(own.scanner_version, &stated.scanner_version),
        db_snapshot: text(own.db_snapshot, &stated.db_snapshot),
        config_hash: text(own.config_hash, &stated.config_hash),
    })
}

/// `subject` first. With `subjects` it contradicts not all of them, and is one with the first that it shares a name with.
fn stated_subjects(subject: Option<Subject>, others: Vec<Subject>) -> Result<Vec<Subject>, Fault> {
    if others.len() > limits::SUBJECTS_MAX {
        return Err(Fault::EventObjectInvalid);
    }
    let mut list = others.into_iter().map(subjects::checked).collect::<Result<Vec<_>, _>>()?;
    let Some(mut subject) = subject.map(subjects::checked).transpose()? else { return Ok(list) };
    if !list.is_empty() && !list.iter().any(|other| subjects::agree(&subject, other)) {
        return Err(Fault::SubjectMismatch);
    }
    if let Some(at) = list.iter().position(|other| subjects::same(&subject, other)) {
        subject = subjects::filled(subject, &list.remove(at));
    }
    list.insert(0, subject);
    Ok(list)
}

impl SentDocument {
    fn stated(&self) -> Result<Stated, Fault> {
        let digest = |text: &Option<String>| {
            text.as_deref().map(str::parse::<Digest>).transpose().map_err(|_| Fault::DigestInvalid)
        };
        Ok(Stated { digest: digest(&self.digest)?, canonical: digest(&self.canonical_digest)?, size: self.size })
    }

    fn content(&self, stated: &Stated) -> Result<Content, FormatError> {
        match (&self.content, &self.reference) {
            (Some(content), None) => {
                let bytes = match self.encoding.unwrap_or(Encoding::Utf8) {
                    Encoding::Utf8 => content.clone().into_bytes(),
                    Encoding::Base64 => base64::decode(content).map_err(|_| Fault::Base64Invalid)?,
                };
                let document = Document::examine(Cow::Owned(bytes))?;
                stated.check(document.bytes())?;
                Ok(Content::Inline(document))
            }
            (None, Some(text)) if self.encoding.is_none() => {
                let reference: Reference = text.parse()?;
                let agrees = stated.digest.is_none_or(|digest| digest == reference.digest);
                if agrees { Ok(Content::Reference(reference)) } else { Err(Fault::DigestMismatch.into()) }
            }
            _ => Err(Fault::EventObjectInvalid.into()),
        }
    }
}

fn claims(provenance: Option<Map<String, Value>>, trust: Option<Map<String, Value>>) -> Option<Claimed> {
    let mut claimed = Map::new();
    for (name, block) in [("provenance", provenance), ("trust", trust)] {
        if let Some(block) = block {
            claimed.insert(name.to_owned(), Value::Object(block));
        }
    }
    if claimed.is_empty() { None } else { Some(Value::Object(claimed)) }
}

/// Image and SBOM digests are digests, lower-cased.
fn checked_scan(scan: ScanInputs) -> Result<ScanInputs, Fault> {
    let list = |list: Vec<String>| -> Result<Vec<String>, Fault> {
        let digest = |text: String| text.parse::<Digest>().map(|d| d.to_string()).map_err(|_| Fault::DigestInvalid);
        list.into_iter().map(digest).collect()
    };
    Ok(ScanInputs { image_digests: list(scan.image_digests)?, sbom_digests: list(scan.sbom_digests)?, ..scan })
}
