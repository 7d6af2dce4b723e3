//! The official schemas, compiled once per process. Offline: what a schema refers to is embedded beside it.
//!
//! Formats (`date-time`, `iri-reference`, …) are asserted: the drafts of CycloneDX and SARIF mean them so. The draft of
//! OpenVEX only annotates; of its formats, times are asserted and IRIs are not, for real documents of shipped products
//! carry a relative `@id`. Patterns run on an engine of linear time, so that no document can buy a long match.

use std::sync::LazyLock;

use jsonschema::{PatternOptions, Registry, Validator};
use serde_json::Value;

/// A schema that is embedded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schema {
    Cyclonedx16,
    Openvex020,
    Sarif210,
}

static CYCLONEDX: LazyLock<Option<Validator>> = LazyLock::new(|| {
    compile(
        include_str!("../../schemas/official/bom-1.6.schema.json"),
        &[
            ("http://cyclonedx.org/schema/spdx.schema.json", include_str!("../../schemas/official/spdx.schema.json")),
            (
                "http://cyclonedx.org/schema/jsf-0.82.schema.json",
                include_str!("../../schemas/official/jsf-0.82.schema.json"),
            ),
        ],
        &[],
    )
});
static OPENVEX: LazyLock<Option<Validator>> =
    LazyLock::new(|| compile(include_str!("../../schemas/official/openvex-0.2.0.schema.json"), &[], &["iri"]));
static SARIF: LazyLock<Option<Validator>> =
    LazyLock::new(|| compile(include_str!("../../schemas/official/sarif-schema-2.1.0.json"), &[], &[]));

impl Schema {
    pub const ALL: [Schema; 3] = [Schema::Cyclonedx16, Schema::Openvex020, Schema::Sarif210];

    /// Whether `document` fits. A schema that did not compile fits nothing (and a test sees that each compiles).
    pub fn fits(self, document: &Value) -> bool {
        self.validator().is_some_and(|validator| validator.is_valid(document))
    }

    /// Compiles the schema now instead of at the first document; `false` where it does not compile.
    pub fn warm(self) -> bool {
        self.validator().is_some()
    }

    /// Where and why a document does not fit: for people, never for records.
    pub fn complaints(self, document: &Value, most: usize) -> Vec<String> {
        let Some(validator) = self.validator() else { return vec![String::from("the schema did not compile")] };
        validator.iter_errors(document).take(most).map(|e| format!("{}: {e}", e.instance_path())).collect()
    }

    fn validator(self) -> Option<&'static Validator> {
        match self {
            Schema::Cyclonedx16 => CYCLONEDX.as_ref(),
            Schema::Openvex020 => OPENVEX.as_ref(),
            Schema::Sarif210 => SARIF.as_ref(),
        }
    }
}

fn compile(schema: &str, referenced: &[(&str, &str)], loose: &[&'static str]) -> Option<Validator> {
    let schema: Value = serde_json::from_str(schema).ok()?;
    let mut resources = Vec::new();
    for (uri, text) in referenced {
        resources.push((*uri, serde_json::from_str::<Value>(text).ok()?));
    }
    let registry = Registry::new().extend(resources).ok()?.prepare().ok()?;
    let mut options = jsonschema::options()
        .offline()
        .should_validate_formats(true)
        .with_pattern_options(PatternOptions::regex())
        .with_registry(&registry);
    for format in loose {
        options = options.with_format(*format, |_| true);
    }
    options.build(&schema).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schema_compiles() {
        for schema in Schema::ALL {
            assert!(schema.warm(), "{schema:?}");
        }
    }
}
