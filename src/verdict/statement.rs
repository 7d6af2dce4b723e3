//! The statement of an attestation (rule D6), from the very bytes that were signed.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Link, Reason, StatementFacts, predicate, reason::Cause};
use crate::event::{Digest, Subject, SubjectDigests, jcs, json, limits};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statement<'a> {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<WireSubject>,
    predicate_type: String,
    #[serde(borrow, default)]
    predicate: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct WireSubject {
    #[serde(default)]
    name: Option<String>,
    digest: std::collections::BTreeMap<String, String>,
}

/// Reads a payload.
pub fn read(payload: &[u8]) -> Result<StatementFacts, Reason> {
    json::check(payload)?;
    let statement: Statement<'_> = serde_json::from_slice(payload).map_err(|_| Cause::StatementInvalid)?;
    let known = ["https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1"];
    let counts = 1..=limits::SUBJECTS_MAX;
    let formed = known.contains(&statement.kind.as_str()) && !statement.predicate_type.is_empty();
    if !formed || !counts.contains(&statement.subject.len()) {
        return Err(Cause::StatementInvalid.into());
    }
    let subjects = statement.subject.into_iter().map(subject).collect::<Option<Vec<_>>>();
    let link = predicate::link(&statement.predicate_type);
    Ok(StatementFacts {
        link,
        documents: documents(link, statement.predicate),
        materials: materials(link, statement.predicate),
        subjects: subjects.ok_or(Cause::StatementInvalid)?,
        statement_type: statement.kind,
        predicate_type: statement.predicate_type,
    })
}

fn subject(wire: WireSubject) -> Option<Subject> {
    if wire.digest.is_empty() || wire.digest.len() > limits::SUBJECT_DIGESTS_MAX {
        return None;
    }
    let hex = |name: &str, digits: usize| match wire.digest.get(name) {
        None => Some(None),
        Some(text) => {
            let plain = text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
            (plain && text.len() == digits).then(|| Some(text.clone()))
        }
    };
    let digest = SubjectDigests { sha256: hex("sha256", 64)?, sha384: hex("sha384", 96)?, sha512: hex("sha512", 128)? };
    let purl = wire.name.clone().filter(|name| name.starts_with("pkg:"));
    Some(Subject { purl, digest, version: None, name: wire.name })
}

/// What the predicate binds: the SHA-256 that it names, or the document that it is.
fn documents(link: Option<Link>, predicate: Option<&RawValue>) -> Vec<Digest> {
    let Some(raw) = predicate.filter(|_| matches!(link, Some(Link::Sbom | Link::Vex | Link::Scan))) else {
        return Vec::new();
    };
    let named = serde_json::from_str::<Value>(raw.get()).ok();
    let named = named.as_ref().and_then(|value| value.get("location")?.as_str()?.parse().ok());
    named.or_else(|| jcs::canonical_digest(raw.get().as_bytes()).ok()).into_iter().collect()
}

fn materials(link: Option<Link>, predicate: Option<&RawValue>) -> Vec<Digest> {
    let Some(raw) = predicate.filter(|_| link == Some(Link::Build)) else { return Vec::new() };
    let Ok(value) = serde_json::from_str::<Value>(raw.get()) else { return Vec::new() };
    let lists = [value.pointer("/buildDefinition/resolvedDependencies"), value.get("materials")];
    let listed = lists.into_iter().flatten().filter_map(Value::as_array).flatten();
    let named = listed.filter_map(|item| Digest::from_hex(item.pointer("/digest/sha256")?.as_str()?).ok());
    named.take(limits::SUBJECTS_MAX).collect()
}
