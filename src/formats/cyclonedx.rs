//! CycloneDX 1.6, JSON.

use serde::Deserialize;
use serde_json::Value;

use crate::event::{Digest, Subject, SubjectDigests};

use super::digests::{self, Case};
use super::document::refusal;
use super::facts::{Component, Facts};
use super::fault::{Fault, FormatError};
use super::normalise::time;
use super::schema::Schema;

/// The members that become facts. The schema was checked before, so that what is wrong here is a missing guarantee.
#[derive(Deserialize)]
struct Bom<'a> {
    #[serde(borrow)]
    metadata: Option<Metadata<'a>>,
    #[serde(borrow, default)]
    components: Vec<Part<'a>>,
}

#[derive(Deserialize)]
struct Metadata<'a> {
    timestamp: Option<&'a str>,
    #[serde(borrow)]
    component: Option<Part<'a>>,
}

#[derive(Deserialize)]
struct Part<'a> {
    name: &'a str,
    version: Option<&'a str>,
    purl: Option<&'a str>,
    #[serde(borrow, default)]
    hashes: Vec<Hash<'a>>,
    #[serde(borrow, default)]
    components: Vec<Part<'a>>,
}

#[derive(Deserialize)]
struct Hash<'a> {
    alg: &'a str,
    content: &'a str,
}

/// The version that a document declares.
pub(super) fn version(document: &Value) -> Option<&str> {
    document.get("specVersion").and_then(Value::as_str)
}

/// Validates and normalises a document that declares version 1.6.
pub(super) fn facts(document: &Value) -> Result<Facts, FormatError> {
    if !Schema::Cyclonedx16.fits(document) {
        return Err(Fault::CyclonedxSchemaInvalid.into());
    }
    let bom = Bom::deserialize(document).map_err(|e| refusal(&e, Fault::CyclonedxSchemaInvalid))?;
    let mut facts = Facts::default();
    if let Some(metadata) = &bom.metadata {
        facts.ts = time(metadata.timestamp)?;
        if let Some(root) = &metadata.component {
            facts.subject = root.subject()?;
            flatten(&root.components, &mut facts.components)?;
        }
    }
    flatten(&bom.components, &mut facts.components)?;
    Ok(facts)
}

/// Components in the document's order, each before those that it contains.
fn flatten(parts: &[Part<'_>], into: &mut Vec<Component>) -> Result<(), Fault> {
    for part in parts {
        let sha256 = part.digests()?.sha256.as_deref().and_then(|hex| Digest::from_hex(hex).ok());
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let (purl, version) = (owned(part.purl), owned(part.version));
        into.push(Component { purl, name: part.name.to_owned(), version, sha256 });
        flatten(&part.components, into)?;
    }
    Ok(())
}

impl Part<'_> {
    /// The schema allows hex of any algorithm's length under any algorithm's name; a digest that joins must have its own.
    fn digests(&self) -> Result<SubjectDigests, Fault> {
        digests::collect(self.hashes.iter().map(|hash| (hash.alg, hash.content)), Case::Either)
    }

    /// The subject that this root component names: `None` without package URL and digest.
    fn subject(&self) -> Result<Option<Subject>, Fault> {
        let digest = self.digests()?;
        if self.purl.is_none() && digest.is_empty() {
            return Ok(None);
        }
        let version = self.version.map(str::to_owned);
        Ok(Some(Subject { purl: self.purl.map(str::to_owned), digest, version, name: None }))
    }
}
