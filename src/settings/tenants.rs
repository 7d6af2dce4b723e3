//! Tenants' registry entries from files.

use std::path::Path;

use serde_json::Value;

use super::{SettingsError, file};
use crate::verdict::TenantTrust;

/// Reads a file of one tenant (a mapping), or of several (a list, or a mapping with the list `tenants`).
pub fn read_tenants(path: &Path) -> Result<Vec<TenantTrust>, SettingsError> {
    let place = path.display().to_string();
    match file::read(path)? {
        Value::Array(several) => list(&place, "", several),
        Value::Object(mut map) if map.len() == 1 && map.contains_key("tenants") => match map.remove("tenants") {
            Some(Value::Array(several)) => list(&place, "tenants", several),
            _ => Err(SettingsError::new(place, "tenants", "expected a list of tenants")),
        },
        one @ Value::Object(_) => Ok(vec![file::typed(&place, one)?]),
        _ => Err(SettingsError::new(place, "", "expected a tenant, or a list of tenants")),
    }
}

fn list(place: &str, name: &str, values: Vec<Value>) -> Result<Vec<TenantTrust>, SettingsError> {
    let one = |(at, value)| file::typed(place, value).map_err(|error| error.below(&format!("{name}[{at}]")));
    values.into_iter().enumerate().map(one).collect()
}

/// The `tenants` of the configuration: entries, and names of files beside it.
pub(super) fn of_settings(place: &str, folder: &Path, values: Vec<Value>) -> Result<Vec<TenantTrust>, SettingsError> {
    let mut tenants: Vec<TenantTrust> = Vec::new();
    for (at, value) in values.into_iter().enumerate() {
        let field = format!("tenants[{at}]");
        match value {
            Value::String(name) => tenants.extend(read_tenants(&folder.join(name))?),
            entry @ Value::Object(_) => {
                tenants.push(file::typed(place, entry).map_err(|error| error.below(&field))?);
            }
            _ => return Err(SettingsError::new(place, field, "expected a tenant, or the name of a file of tenants")),
        }
    }
    for (at, trust) in tenants.iter().enumerate() {
        if tenants.iter().take(at).any(|earlier| earlier.tenant == trust.tenant) {
            return Err(SettingsError::new(
                place,
                "tenants",
                format!("expected each tenant once, got {} twice", trust.tenant),
            ));
        }
    }
    Ok(tenants)
}
