//! Reading YAML so that what is wrong in it can be named.

use std::fs;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::SettingsError;

/// Reads a YAML file whole. An empty one is an empty mapping.
pub(super) fn read(path: &Path) -> Result<Value, SettingsError> {
    let place = path.display().to_string();
    let text = fs::read_to_string(path)
        .map_err(|error| SettingsError::new(&place, "", format!("expected a readable YAML file: {error}")))?;
    parse(&place, &text)
}

pub(super) fn parse(place: &str, text: &str) -> Result<Value, SettingsError> {
    let empty = text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'));
    if empty {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    serde_saphyr::from_str(text).map_err(|error| SettingsError::new(place, "", format!("expected YAML: {error}")))
}

/// The typed form of a value; an error names the field by its path.
pub(super) fn typed<T: DeserializeOwned>(place: &str, value: Value) -> Result<T, SettingsError> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let field = match error.path().to_string() {
            path if path == "." => String::new(),
            path => path,
        };
        SettingsError::new(place, field, error.into_inner().to_string())
    })
}
