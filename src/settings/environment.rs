//! What the environment may set: each variable is one field of the file, and goes before it.

use serde_json::{Map, Value};

use super::SettingsError;

/// What a variable's text becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    Number,
}

/// The variables, and the fields that they set.
pub const VARIABLES: &[(&str, &str)] = &[
    ("ATTESTREAM_DATA", "data"),
    ("ATTESTREAM_OBJECTS", "objects"),
    ("ATTESTREAM_LISTEN", "listen"),
    ("ATTESTREAM_VERIFIER", "verifier"),
    ("ATTESTREAM_TRUST_ROOT_FILE", "trustRoot.file"),
    ("ATTESTREAM_TRUST_ROOT_SHA256", "trustRoot.sha256"),
    ("ATTESTREAM_KAFKA_BROKERS", "kafka.brokers"),
    ("ATTESTREAM_KAFKA_TOPIC_PREFIX", "kafka.topicPrefix"),
    ("ATTESTREAM_KAFKA_INSTANCE", "kafka.instance"),
    ("ATTESTREAM_LEDGER_PARTITIONS", "ledger.partitions"),
    ("ATTESTREAM_LEDGER_REPLICAS_MAX", "ledger.replicasMax"),
    ("ATTESTREAM_TICKS_INTERVAL_MS", "ticks.intervalMs"),
    ("ATTESTREAM_SNAPSHOTS_EVERY_RECORDS", "snapshots.everyRecords"),
    ("ATTESTREAM_SNAPSHOTS_KEEP", "snapshots.keep"),
];

/// Properties of the Kafka client that the environment may bring: secrets do not belong into files.
const PROPERTIES: &[(&str, &str)] = &[
    ("ATTESTREAM_KAFKA_SASL_USERNAME", "sasl.username"),
    ("ATTESTREAM_KAFKA_SASL_PASSWORD", "sasl.password"),
    ("ATTESTREAM_KAFKA_SSL_KEY_PASSWORD", "ssl.key.password"),
];

const NUMBERS: [&str; 5] =
    ["ledger.partitions", "ledger.replicasMax", "ticks.intervalMs", "snapshots.everyRecords", "snapshots.keep"];

pub(super) fn overlay(
    map: &mut Map<String, Value>,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<(), SettingsError> {
    for (name, field) in VARIABLES {
        let Some(text) = variable(name) else { continue };
        let form = if NUMBERS.contains(field) { Form::Number } else { Form::Text };
        let value = match form {
            Form::Text => Value::String(text),
            Form::Number => text.parse::<u64>().map(Value::from).map_err(|_| {
                let problem = format!("expected a whole number for {field}, got {text:?}");
                SettingsError::new("environment", *name, problem)
            })?,
        };
        put(map, &field.split('.').collect::<Vec<_>>(), value);
    }
    for (name, property) in PROPERTIES {
        if let Some(text) = variable(name) {
            put(map, &["kafka", "properties", property], Value::String(text));
        }
    }
    Ok(())
}

/// Sets a field below its sections. What stands in the way and is no mapping is left for the types to refuse.
fn put(map: &mut Map<String, Value>, path: &[&str], value: Value) {
    match path {
        [] => {}
        [last] => drop(map.insert((*last).to_owned(), value)),
        [first, rest @ ..] => {
            let below = map.entry((*first).to_owned()).or_insert_with(|| Value::Object(Map::new()));
            if below.is_null() {
                *below = Value::Object(Map::new());
            }
            if let Value::Object(below) = below {
                put(below, rest, value);
            }
        }
    }
}
