//! OpenVEX 0.2.0.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::event::{Subject, outline};

use super::digests::{self, Case};
use super::document::{parse, refusal};
use super::facts::{Facts, VexProduct, VexStatement};
use super::fault::{Fault, FormatError};
use super::normalise::time;
use super::schema::Schema;
use super::subjects;

#[derive(Deserialize)]
struct Vex<'a> {
    author: &'a str,
    timestamp: &'a str,
    #[serde(borrow)]
    statements: Vec<Statement<'a>>,
}

#[derive(Deserialize)]
struct Statement<'a> {
    #[serde(borrow)]
    vulnerability: Vulnerability<'a>,
    timestamp: Option<&'a str>,
    #[serde(borrow, default)]
    products: Vec<Product<'a>>,
    status: &'a str,
    justification: Option<&'a str>,
    impact_statement: Option<&'a str>,
    action_statement: Option<&'a str>,
}

#[derive(Deserialize)]
struct Vulnerability<'a> {
    name: &'a str,
    #[serde(borrow, default)]
    aliases: Vec<&'a str>,
}

#[derive(Deserialize)]
struct Product<'a> {
    #[serde(borrow, rename = "@id")]
    id: Option<&'a str>,
    #[serde(borrow, default)]
    identifiers: Identifiers<'a>,
    #[serde(borrow, default)]
    hashes: BTreeMap<&'a str, &'a str>,
    #[serde(borrow, default)]
    subcomponents: Vec<Product<'a>>,
}

#[derive(Deserialize, Default)]
struct Identifiers<'a> {
    purl: Option<&'a str>,
    cpe22: Option<&'a str>,
    cpe23: Option<&'a str>,
}

/// The version that a document's context names; `None` for the context without a version.
pub(super) fn version<'a>(document: outline::Value<'_, 'a>) -> Option<Cow<'a, str>> {
    let context = document.object()?.member("@context")?.text()?;
    context.strip_prefix("https://openvex.dev/ns/v").map(|version| Cow::Owned(version.to_owned()))
}

/// Validates and normalises a document that declares version 0.2.0.
pub(super) fn facts(document: outline::Value<'_, '_>) -> Result<Facts, FormatError> {
    if !Schema::Openvex020.fits(document) {
        return Err(Fault::VexSchemaInvalid.into());
    }
    let tree: Value = parse(document.raw().as_bytes(), Fault::VexSchemaInvalid)?;
    let vex = Vex::deserialize(&tree).map_err(|e| refusal(&e, Fault::VexSchemaInvalid))?;
    let ts = time(Some(vex.timestamp))?;
    let mut products = Products::default();
    let mut statements = Vec::with_capacity(vex.statements.len());
    for statement in &vex.statements {
        statement.explained()?;
        for product in &statement.products {
            products.add(product)?;
        }
        statements.push(VexStatement { ts: time(statement.timestamp)?.or(ts), ..statement.normalised() });
    }
    let (subject, subjects) = products.named();
    Ok(Facts { subject, subjects, ts, author: Some(vex.author.to_owned()), statements, ..Facts::default() })
}

impl Statement<'_> {
    /// The rules of each status (OpenVEX 0.2.0, "Status Labels"), which the schema keeps by presence only.
    fn explained(&self) -> Result<(), Fault> {
        let says = |text: Option<&str>| text.is_some_and(|text| !text.trim().is_empty());
        let good = match self.status {
            "not_affected" => self.justification.is_some() || says(self.impact_statement),
            "affected" => says(self.action_statement),
            _ => true,
        };
        let justified = self.justification.is_none() || self.status == "not_affected";
        if good && justified { Ok(()) } else { Err(Fault::VexStatusUnexplained) }
    }

    fn normalised(&self) -> VexStatement {
        let product = |product: &Product<'_>| VexProduct {
            id: product.name().to_owned(),
            subcomponents: product.subcomponents.iter().map(|part| part.name().to_owned()).collect(),
        };
        VexStatement {
            vulnerability: self.vulnerability.name.to_owned(),
            aliases: self.vulnerability.aliases.iter().map(|alias| (*alias).to_owned()).collect(),
            products: self.products.iter().map(product).collect(),
            status: self.status.to_owned(),
            justification: self.justification.map(str::to_owned),
            ts: None,
        }
    }
}

impl Product<'_> {
    /// The package URL, else the IRI, else the CPE: the schema demands `@id` or an identifier.
    fn name(&self) -> &str {
        let ids = &self.identifiers;
        self.purl().or(self.id).or(ids.cpe23).or(ids.cpe22).unwrap_or_default()
    }

    fn purl(&self) -> Option<&str> {
        self.identifiers.purl.or(self.id.filter(|id| id.starts_with("pkg:")))
    }
}

/// The products of a document, each once, in the document's order. Every step is a look-up: a document may name tens of
/// thousands of products.
#[derive(Default)]
struct Products {
    subjects: Vec<Subject>,
    /// By package URL (empty: none) and a digest of the product.
    by_digest: BTreeMap<(String, String), usize>,
    /// The first product of a package URL, and whether it is still without digests.
    by_purl: BTreeMap<String, (usize, bool)>,
}

impl Products {
    /// A product that is named again, by its package URL and no hashes of its own or by a hash in common, is the same one.
    /// One without package URL and hashes is no subject: nothing could be joined with it.
    fn add(&mut self, product: &Product<'_>) -> Result<(), Fault> {
        let digest = digests::collect(product.hashes.iter().map(|(name, hex)| (*name, *hex)), Case::Either)?;
        let purl = product.purl().map(str::to_owned);
        if purl.is_none() && digest.is_empty() {
            return Ok(());
        }
        let bare = digest.is_empty();
        let subject = Subject { purl, digest, ..Subject::default() };
        let index = match self.known(&subject) {
            Some(index) => self.fill(index, &subject)?,
            None => {
                self.subjects.push(subject.clone());
                self.subjects.len() - 1
            }
        };
        for key in keys(&subject) {
            self.by_digest.insert(key, index);
        }
        if let Some(purl) = subject.purl {
            let (first, still_bare) = self.by_purl.entry(purl).or_insert((index, bare));
            *still_bare = *still_bare && (bare || *first != index);
        }
        Ok(())
    }

    /// The product that this one is again.
    fn known(&self, subject: &Subject) -> Option<usize> {
        let by_digest = keys(subject).iter().find_map(|key| self.by_digest.get(key).copied());
        let first = || self.by_purl.get(subject.purl.as_deref()?).copied();
        let by_purl = || first().filter(|(_, bare)| *bare || subject.digest.is_empty()).map(|(index, _)| index);
        by_digest.or_else(by_purl)
    }

    /// One digest in common and another unlike: no product is that.
    fn fill(&mut self, index: usize, subject: &Subject) -> Result<usize, Fault> {
        let held = self.subjects.get_mut(index).filter(|held| subjects::agree(held, subject));
        let held = held.ok_or(Fault::DigestInvalid)?;
        *held = subjects::filled(std::mem::take(held), subject);
        Ok(index)
    }

    /// One product is the subject; several are subjects alone.
    fn named(mut self) -> (Option<Subject>, Vec<Subject>) {
        if self.subjects.len() == 1 { (self.subjects.pop(), Vec::new()) } else { (None, self.subjects) }
    }
}

fn keys(subject: &Subject) -> Vec<(String, String)> {
    let purl = subject.purl.clone().unwrap_or_default();
    let digests = [&subject.digest.sha256, &subject.digest.sha384, &subject.digest.sha512];
    digests.into_iter().flatten().map(|hex| (purl.clone(), hex.clone())).collect()
}
