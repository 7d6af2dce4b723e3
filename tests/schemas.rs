//! The published schemas against what is published. Every harness that produces records calls [`validate_record`] on
//! each of them, so no record leaves these tests that `schemas/` does not describe.

mod refused;
mod samples;
mod story;
mod timeline;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

use attestream::event::Topic;
use attestream::event::topic::TopicRole;
use attestream::log::{Header, Record};
use attestream::verdict::Reason;
use jsonschema::{PatternOptions, Registry, Validator};
use serde_json::{Map, Value};

const BASE: &str = "https://attestream.dev/schemas/";

/// Schemas that only others refer to.
const SHARED: [&str; 2] = ["common", "event-base"];

/// Checks a record's value and headers against the schema of its topic. Inputs have none: producers write them.
pub fn validate(topic: Topic, value: &[u8], headers: &[Header]) -> Result<(), String> {
    let Some(name) = schema_of(topic)? else { return Ok(()) };
    if topic == Topic::DeadLetter {
        return validate_dead_letter(headers);
    }
    let value: Value = serde_json::from_slice(value).map_err(|error| format!("{topic}: no JSON: {error}"))?;
    conforms(name, &value)?;
    codes(&value)?;
    let change = headers.iter().filter(|(name, _)| name == "change").map(|(_, value)| value.as_deref());
    match topic {
        Topic::Verified => {
            let stated = value.get("change").and_then(Value::as_str).map(str::as_bytes);
            let same = headers.len() == 1 && change.eq([stated]);
            if same { Ok(()) } else { Err(format!("{topic}: header and member `change` differ: {headers:?}")) }
        }
        Topic::Control => Ok(()),
        _ if headers.is_empty() => Ok(()),
        _ => Err(format!("{topic}: what has meaning is in the value, not in headers: {headers:?}")),
    }
}

/// The same for a whole record: its key is what the value says, too.
pub fn validate_record(record: &Record) -> Result<(), String> {
    let topic = record.partition.topic;
    let bytes = record.value.as_deref().unwrap_or_default();
    validate(topic, bytes, &record.headers)?;
    let Some(key) = key_of(topic, bytes) else { return Ok(()) };
    let found = record.key.as_deref().map(String::from_utf8_lossy);
    if found.as_deref() == Some(&key) { Ok(()) } else { Err(format!("{topic}: key {found:?}, expected {key}")) }
}

/// The name of a topic's schema; `None` for inputs. A topic on which nothing is published yet is an error.
fn schema_of(topic: Topic) -> Result<Option<&'static str>, String> {
    Ok(Some(match topic {
        Topic::Ledger => "ledger",
        Topic::Control => "control",
        Topic::Work => "work",
        Topic::Positions => "position",
        Topic::Enriched => "event",
        Topic::Verified => "verified",
        Topic::Quarantined => "quarantined",
        Topic::Decisions => "decision",
        Topic::Timeline => "timeline",
        Topic::DeadLetter => "dead-letter-headers",
        topic if topic.role() == TopicRole::Input || topic == Topic::AttestationBackfill => return Ok(None),
        topic => return Err(format!("nothing is published on {topic}, and it has no schema")),
    }))
}

/// The key that a record has, where its value says it.
fn key_of(topic: Topic, value: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(value).ok()?;
    let text = |pointer: &str| value.pointer(pointer).map(|text| text.as_str().map_or(text.to_string(), str::to_owned));
    let pair = |one: &str, other: &str| Some(format!("{}/{}", text(one)?, text(other)?));
    match topic {
        Topic::Enriched | Topic::Verified | Topic::Quarantined | Topic::Decisions => pair("/tenant", "/_id"),
        Topic::Timeline => pair("/tenant", "/subject"),
        Topic::Positions => pair("/ledger", "/partition"),
        Topic::Ledger => text("/tenant"),
        _ => None,
    }
}

/// The headers of ours begin behind the record's own, with the exception.
fn validate_dead_letter(headers: &[Header]) -> Result<(), String> {
    let first = headers.iter().rposition(|(name, _)| name == "__streams.errors.exception");
    let ours = headers.get(first.unwrap_or(headers.len())..).unwrap_or_default();
    let mut object = Map::new();
    for (name, value) in ours {
        let text = String::from_utf8(value.clone().unwrap_or_default()).map_err(|_| format!("{name}: not text"))?;
        if object.insert(name.clone(), Value::String(text)).is_some() {
            return Err(format!("{name} twice"));
        }
    }
    let code = object.get("attestream-error-code").and_then(Value::as_str).unwrap_or_default();
    if Reason::from_code(code).is_none() {
        return Err(format!("events.dead-letter: {code:?} is no code"));
    }
    if object.get("__streams.errors.message") != object.get("attestream-error-code") {
        return Err("events.dead-letter: message and code differ".to_owned());
    }
    conforms("dead-letter-headers", &Value::Object(object))
}

/// Every reason and check code in a value is one of the closed set.
fn codes(value: &Value) -> Result<(), String> {
    match value {
        Value::Array(items) => items.iter().try_for_each(codes),
        Value::Object(members) => members.iter().try_for_each(|(name, member)| match (name.as_str(), member) {
            ("claimed", _) => Ok(()),
            ("reasons", Value::Array(reasons)) => reasons.iter().try_for_each(code),
            ("code", member) => code(member),
            (_, member) => codes(member),
        }),
        _ => Ok(()),
    }
}

fn code(value: &Value) -> Result<(), String> {
    let known = value.as_str().is_some_and(|code| Reason::from_code(code).is_some());
    if known { Ok(()) } else { Err(format!("{value} is no code of the closed set")) }
}

fn conforms(name: &str, value: &Value) -> Result<(), String> {
    let validator = VALIDATORS.get(name).ok_or_else(|| format!("no schema {name}"))?;
    let complaints: Vec<String> =
        validator.iter_errors(value).map(|error| format!("{name}: {}: {error}", error.instance_path())).collect();
    if complaints.is_empty() { Ok(()) } else { Err(complaints.join("\n")) }
}

/// The schema files, by name.
static SCHEMAS: LazyLock<BTreeMap<String, Value>> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let schemas = files.filter(|path| path.is_file()).map(|path| {
        let name = path.file_name().unwrap().to_str().unwrap().strip_suffix(".schema.json");
        let text = std::fs::read_to_string(&path).unwrap();
        (name.expect("a schema's name").to_owned(), serde_json::from_str(&text).unwrap())
    });
    schemas.collect()
});

/// Compiled offline: what a schema refers to lies beside it.
static VALIDATORS: LazyLock<BTreeMap<String, Validator>> = LazyLock::new(|| {
    let resources = SCHEMAS.iter().map(|(name, schema)| (format!("{BASE}{name}.schema.json"), schema.clone()));
    let registry = Registry::new().extend(resources).unwrap().prepare().unwrap();
    let compile = |(name, schema): (&String, &Value)| {
        let options = jsonschema::options()
            .offline()
            .with_draft(jsonschema::Draft::Draft202012)
            .with_pattern_options(PatternOptions::regex())
            .with_registry(&registry)
            .build(schema);
        (name.clone(), options.unwrap())
    };
    SCHEMAS.iter().map(compile).collect()
});

#[test]
fn every_schema_is_valid_and_named_as_its_file() {
    for (name, schema) in SCHEMAS.iter() {
        assert_eq!(schema["$id"], format!("{BASE}{name}.schema.json"));
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        jsonschema::meta::validate(schema).unwrap();
        assert!(VALIDATORS.contains_key(name));
    }
}

#[test]
fn every_schema_is_a_topics_or_shared() {
    let topics = Topic::ALL.iter().filter_map(|topic| schema_of(*topic).ok().flatten());
    let used: BTreeSet<&str> = topics.chain(SHARED).collect();
    let found: BTreeSet<&str> = SCHEMAS.keys().map(String::as_str).collect();
    assert_eq!(used, found);
}
