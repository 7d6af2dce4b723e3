//! SARIF 2.1.0: the runs, what they scanned, and with what. The findings are in `sarif_finding`.

use std::borrow::Cow;
use std::collections::HashSet;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::event::{Digest, Subject, outline};

use super::document::{parse, refusal};
use super::facts::{Facts, ScanInputs};
use super::fault::{Fault, FormatError};
use super::normalise::time;
use super::sarif_finding::{Rules, RunResult, normalised};
use super::schema::Schema;
use super::{digests, subjects};

pub(super) type Bag = Map<String, Value>;

#[derive(Deserialize)]
struct Log<'a> {
    #[serde(borrow)]
    runs: Vec<Run<'a>>,
    #[serde(default)]
    properties: Bag,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Run<'a> {
    #[serde(borrow)]
    pub tool: Tool<'a>,
    #[serde(borrow, default)]
    pub results: Option<Vec<RunResult<'a>>>,
    #[serde(borrow, default)]
    pub artifacts: Vec<Artifact<'a>>,
    #[serde(borrow, default)]
    invocations: Vec<Invocation<'a>>,
    automation_details: Option<Automation>,
    #[serde(default)]
    properties: Bag,
    external_property_file_references: Option<External>,
}

#[derive(Deserialize)]
pub(super) struct Tool<'a> {
    #[serde(borrow)]
    pub driver: Component<'a>,
    #[serde(borrow, default)]
    pub extensions: Vec<Component<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Component<'a> {
    pub name: &'a str,
    version: Option<&'a str>,
    semantic_version: Option<&'a str>,
    #[serde(borrow, default)]
    pub rules: Vec<Rule<'a>>,
    #[serde(default)]
    properties: Bag,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rule<'a> {
    pub id: &'a str,
    #[serde(borrow)]
    pub default_configuration: Option<Configuration<'a>>,
    #[serde(default)]
    pub properties: Bag,
}

#[derive(Deserialize)]
pub(super) struct Configuration<'a> {
    pub level: Option<&'a str>,
}

#[derive(Deserialize)]
pub(super) struct Artifact<'a> {
    #[serde(borrow)]
    pub location: Option<ArtifactLocation<'a>>,
}

#[derive(Deserialize)]
pub(super) struct ArtifactLocation<'a> {
    pub uri: Option<&'a str>,
    pub index: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Invocation<'a> {
    start_time_utc: Option<&'a str>,
    end_time_utc: Option<&'a str>,
    #[serde(default)]
    properties: Bag,
}

#[derive(Deserialize)]
struct Automation {
    #[serde(default)]
    properties: Bag,
}

#[derive(Deserialize)]
struct External {
    #[serde(default)]
    results: Vec<Value>,
}

/// The version that a document declares.
pub(super) fn version<'a>(document: outline::Value<'_, 'a>) -> Option<Cow<'a, str>> {
    document.object()?.member("version")?.text()
}

/// Validates and normalises a document that declares version 2.1.0.
pub(super) fn facts(document: outline::Value<'_, '_>) -> Result<Facts, FormatError> {
    if !Schema::Sarif210.fits(document) {
        return Err(Fault::SarifSchemaInvalid.into());
    }
    let tree: Value = parse(document.raw().as_bytes(), Fault::SarifSchemaInvalid)?;
    let log = Log::deserialize(&tree).map_err(|e| refusal(&e, Fault::SarifSchemaInvalid))?;
    let mut facts = Facts::default();
    let mut scan = ScanInputs::default();
    let (mut images, mut sboms) = (Digests::default(), Digests::default());
    let mut stated = None;
    for run in &log.runs {
        if run.external_property_file_references.as_ref().is_some_and(|external| !external.results.is_empty()) {
            return Err(Fault::SarifResultsExternal.into());
        }
        let bags = run.bags(&log.properties);
        inputs(run, &bags, &mut scan);
        images.add_list(member(&bags, "imageDigests"))?;
        images.add_repository_digests(member(&bags, "repoDigests"))?;
        sboms.add_list(member(&bags, "sbomDigests"))?;
        stated = stated.or(subject(&bags)?);
        facts.ts = facts.ts.or(run.time()?);
        let rules = Rules::of(&run.tool);
        let results = run.results.iter().flatten();
        facts.findings.extend(results.filter_map(|result| normalised(run, &rules, result)));
    }
    (scan.image_digests, scan.sbom_digests) = (images.list, sboms.list);
    facts.subject = named(stated, &scan.image_digests)?;
    facts.scan = Some(scan);
    Ok(facts)
}

impl Run<'_> {
    /// The property bags that may say what was scanned, the nearest first.
    fn bags<'b>(&'b self, log: &'b Bag) -> Vec<&'b Bag> {
        let automation = self.automation_details.iter().map(|details| &details.properties);
        let invocations = self.invocations.iter().map(|invocation| &invocation.properties);
        let own = std::iter::once(&self.properties).chain(automation);
        own.chain([&self.tool.driver.properties]).chain(invocations).chain([log]).collect()
    }

    fn time(&self) -> Result<Option<crate::event::Millis>, Fault> {
        let first = self.invocations.first();
        time(first.and_then(|invocation| invocation.end_time_utc.or(invocation.start_time_utc)))
    }
}

fn member<'b>(bags: &[&'b Bag], name: &str) -> Option<&'b Value> {
    bags.iter().find_map(|bag| bag.get(name))
}

/// What the run scanned with. Of several runs the first that names a scanner, a snapshot or a configuration counts.
fn inputs(run: &Run<'_>, bags: &[&Bag], scan: &mut ScanInputs) {
    let text = |name: &str| member(bags, name).and_then(Value::as_str).map(str::to_owned);
    let driver = &run.tool.driver;
    if scan.scanner.is_none() {
        scan.scanner = Some(driver.name.to_owned());
        scan.scanner_version = driver.semantic_version.or(driver.version).map(str::to_owned);
    }
    scan.db_snapshot = scan.db_snapshot.take().or_else(|| text("dbSnapshot"));
    scan.config_hash = scan.config_hash.take().or_else(|| text("configHash"));
}

/// `sha256:…` digests, lower-cased, each once; those of several runs add up.
#[derive(Default)]
struct Digests {
    list: Vec<String>,
    known: HashSet<Digest>,
}

impl Digests {
    fn add(&mut self, text: &str) -> Result<(), Fault> {
        let digest: Digest = text.parse().map_err(|_| Fault::DigestInvalid)?;
        if self.known.insert(digest) {
            self.list.push(digest.to_string());
        }
        Ok(())
    }

    fn add_list(&mut self, list: Option<&Value>) -> Result<(), Fault> {
        let Some(list) = list else { return Ok(()) };
        for item in list.as_array().ok_or(Fault::DigestInvalid)? {
            self.add(item.as_str().ok_or(Fault::DigestInvalid)?)?;
        }
        Ok(())
    }

    /// `name@sha256:…`, as container scanners write the image that they scanned.
    fn add_repository_digests(&mut self, list: Option<&Value>) -> Result<(), Fault> {
        let items = list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        for (_, digest) in items.filter_map(|item| item.rsplit_once('@')) {
            self.add(digest)?;
        }
        Ok(())
    }
}

/// `subject` of the properties: an object as in the event, or text as in CloudEvents. A property bag is anybody's, so
/// that something else under this name says nothing; a digest in it that is wrong is wrong.
fn subject(bags: &[&Bag]) -> Result<Option<Subject>, Fault> {
    match member(bags, "subject") {
        Some(Value::String(text)) => subjects::from_text(text),
        Some(value @ Value::Object(_)) => {
            let Ok(subject) = Subject::deserialize(value) else { return Ok(None) };
            let digest = digests::checked(&subject.digest)?;
            let named = subject.purl.as_deref().is_some_and(|purl| purl.starts_with("pkg:")) || !digest.is_empty();
            Ok(named.then_some(Subject { digest, ..subject }))
        }
        _ => Ok(None),
    }
}

/// The subject of the scan: the stated one, filled by the image digest where there is exactly one image.
fn named(stated: Option<Subject>, images: &[String]) -> Result<Option<Subject>, Fault> {
    let [image] = images else { return Ok(stated) };
    let image = subjects::from_text(image)?;
    let stated: Vec<&Subject> = stated.iter().collect();
    subjects::settle(&stated, image.as_slice())
}
