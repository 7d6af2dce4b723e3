//! CycloneDX 1.6, JSON.

use std::borrow::Cow;

use crate::event::outline::{Object, Value};
use crate::event::{Digest, Subject, SubjectDigests};

use super::digests::{self, Case};
use super::facts::{Component, Facts};
use super::fault::{Fault, FormatError};
use super::normalise::time;
use super::schema::Schema;

/// The members that become facts. The schema was checked before, so that what is wrong here is a missing guarantee.
struct Bom<'a> {
    metadata: Option<Metadata<'a>>,
    components: Vec<Part<'a>>,
}

struct Metadata<'a> {
    timestamp: Option<Cow<'a, str>>,
    component: Option<Part<'a>>,
}

struct Part<'a> {
    name: Cow<'a, str>,
    version: Option<Cow<'a, str>>,
    purl: Option<Cow<'a, str>>,
    hashes: Vec<Hash<'a>>,
    components: Vec<Part<'a>>,
}

struct Hash<'a> {
    alg: Cow<'a, str>,
    content: Cow<'a, str>,
}

/// The version that a document declares.
pub(super) fn version<'a>(document: Value<'_, 'a>) -> Option<Cow<'a, str>> {
    document.object()?.member("specVersion")?.text()
}

/// Validates and normalises a document that declares version 1.6.
pub(super) fn facts(document: Value<'_, '_>) -> Result<Facts, FormatError> {
    if !Schema::Cyclonedx16.fits(document) {
        return Err(Fault::CyclonedxSchemaInvalid.into());
    }
    let bom = Bom::read(document).ok_or(Fault::CyclonedxSchemaInvalid)?;
    let mut facts = Facts::default();
    if let Some(metadata) = &bom.metadata {
        facts.ts = time(metadata.timestamp.as_deref())?;
        if let Some(root) = &metadata.component {
            facts.subject = root.subject()?;
            flatten(&root.components, &mut facts.components)?;
        }
    }
    flatten(&bom.components, &mut facts.components)?;
    Ok(facts)
}

impl<'a> Bom<'a> {
    fn read(value: Value<'_, 'a>) -> Option<Self> {
        let bom = value.object()?;
        Some(Bom { metadata: bom.optional("metadata", Metadata::read)?, components: parts(bom)? })
    }
}

impl<'a> Metadata<'a> {
    fn read(value: Value<'_, 'a>) -> Option<Self> {
        let metadata = value.object()?;
        let timestamp = metadata.optional("timestamp", Value::text)?;
        Some(Metadata { timestamp, component: metadata.optional("component", Part::read)? })
    }
}

fn parts<'a>(of: Object<'_, 'a>) -> Option<Vec<Part<'a>>> {
    of.defaulted("components", |value| value.list(Part::read))
}

impl<'a> Part<'a> {
    fn read(value: Value<'_, 'a>) -> Option<Self> {
        let part = value.object()?;
        Some(Part {
            name: part.needed("name", Value::text)?,
            version: part.optional("version", Value::text)?,
            purl: part.optional("purl", Value::text)?,
            hashes: part.defaulted("hashes", |value| value.list(Hash::read))?,
            components: parts(part)?,
        })
    }
}

impl<'a> Hash<'a> {
    fn read(value: Value<'_, 'a>) -> Option<Self> {
        let hash = value.object()?;
        Some(Hash { alg: hash.needed("alg", Value::text)?, content: hash.needed("content", Value::text)? })
    }
}

/// Components in the document's order, each before those that it contains.
fn flatten(parts: &[Part<'_>], into: &mut Vec<Component>) -> Result<(), Fault> {
    for part in parts {
        let sha256 = part.digests()?.sha256.as_deref().and_then(|hex| Digest::from_hex(hex).ok());
        let (purl, version) = (owned(&part.purl), owned(&part.version));
        into.push(Component { purl, name: part.name.to_string(), version, sha256 });
        flatten(&part.components, into)?;
    }
    Ok(())
}

fn owned(text: &Option<Cow<'_, str>>) -> Option<String> {
    text.as_deref().map(str::to_owned)
}

impl Part<'_> {
    /// The schema allows hex of any algorithm's length under any algorithm's name; a digest that joins must have its own.
    fn digests(&self) -> Result<SubjectDigests, Fault> {
        digests::collect(self.hashes.iter().map(|hash| (hash.alg.as_ref(), hash.content.as_ref())), Case::Either)
    }

    /// The subject that this root component names: `None` without package URL and digest.
    fn subject(&self) -> Result<Option<Subject>, Fault> {
        let digest = self.digests()?;
        if self.purl.is_none() && digest.is_empty() {
            return Ok(None);
        }
        Ok(Some(Subject { purl: owned(&self.purl), digest, version: owned(&self.version), name: None }))
    }
}
