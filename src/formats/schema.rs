//! The official schemas, compiled once per process. Offline: what a schema refers to is embedded beside it.
//!
//! Formats (`date-time`, `iri-reference`, …) are asserted: the drafts of CycloneDX and SARIF mean them so. The draft of
//! OpenVEX only annotates; of its formats, times are asserted and IRIs are not, for real documents of shipped products
//! carry a relative `@id`. Patterns run on an engine of linear time, so that no document can buy a long match.

use std::sync::LazyLock;

use jsonschema::json::Json;
use jsonschema::{PatternOptions, Registry, Validator};
use serde_json::Value as Tree;

use crate::event::outline::Value;

use super::instance::{Instance, Outlined};

/// What the schema of CycloneDX refers to.
const REFERENCED: [(&str, &str); 2] = [
    ("http://cyclonedx.org/schema/spdx.schema.json", include_str!("../../schemas/official/spdx.schema.json")),
    ("http://cyclonedx.org/schema/jsf-0.82.schema.json", include_str!("../../schemas/official/jsf-0.82.schema.json")),
];

/// A schema that is embedded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schema {
    Cyclonedx16,
    Openvex020,
    Sarif210,
}

static CYCLONEDX: LazyLock<Option<Validator<Outlined>>> = LazyLock::new(|| Schema::Cyclonedx16.compile());
static OPENVEX: LazyLock<Option<Validator<Outlined>>> = LazyLock::new(|| Schema::Openvex020.compile());
static SARIF: LazyLock<Option<Validator<Outlined>>> = LazyLock::new(|| Schema::Sarif210.compile());

impl Schema {
    pub const ALL: [Schema; 3] = [Schema::Cyclonedx16, Schema::Openvex020, Schema::Sarif210];

    /// Whether `document` fits. A schema that did not compile fits nothing (and a test sees that each compiles).
    pub fn fits(self, document: Value<'_, '_>) -> bool {
        self.validator().is_some_and(|validator| validator.is_valid(Instance::Value(document)))
    }

    /// Compiles the schema now instead of at the first document; `false` where it does not compile.
    pub fn warm(self) -> bool {
        self.validator().is_some()
    }

    /// Where and why a document does not fit: for people, never for records.
    pub fn complaints(self, document: Value<'_, '_>, most: usize) -> Vec<String> {
        let Some(validator) = self.validator() else { return vec![String::from("the schema did not compile")] };
        validator
            .iter_errors(Instance::Value(document))
            .take(most)
            .map(|e| format!("{}: {e}", e.instance_path()))
            .collect()
    }

    fn validator(self) -> Option<&'static Validator<Outlined>> {
        match self {
            Schema::Cyclonedx16 => CYCLONEDX.as_ref(),
            Schema::Openvex020 => OPENVEX.as_ref(),
            Schema::Sarif210 => SARIF.as_ref(),
        }
    }

    fn text(self) -> &'static str {
        match self {
            Schema::Cyclonedx16 => include_str!("../../schemas/official/bom-1.6.schema.json"),
            Schema::Openvex020 => include_str!("../../schemas/official/openvex-0.2.0.schema.json"),
            Schema::Sarif210 => include_str!("../../schemas/official/sarif-schema-2.1.0.json"),
        }
    }

    /// The schema for documents in any representation.
    fn compile<F: Json>(self) -> Option<Validator<F>> {
        let schema: Tree = serde_json::from_str(self.text()).ok()?;
        let mut resources = Vec::new();
        for (uri, text) in REFERENCED {
            resources.push((uri, serde_json::from_str::<Tree>(text).ok()?));
        }
        let registry = Registry::new().extend(resources).ok()?.prepare().ok()?;
        let options = jsonschema::options_for::<F>()
            .offline()
            .should_validate_formats(true)
            .with_pattern_options(PatternOptions::regex())
            .with_registry(&registry);
        let options = if self == Schema::Openvex020 { options.with_format("iri", |_| true) } else { options };
        options.build(&schema).ok()
    }
}

#[cfg(test)]
mod tests {
    use jsonschema::json::SerdeJson;
    use proptest::prelude::*;

    use super::*;
    use crate::event::json;

    /// A schema, its validator of trees, and documents that fit or do not.
    type Case = (Schema, Validator<SerdeJson>, Vec<Tree>);

    #[test]
    fn every_schema_compiles() {
        for schema in Schema::ALL {
            assert!(schema.warm(), "{schema:?}");
        }
    }

    /// Every JSON document that lies in a folder.
    fn documents(folder: &std::path::Path) -> Vec<Tree> {
        let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let read = |path: std::path::PathBuf| match path.is_dir() {
            true => documents(&path),
            false => serde_json::from_slice(&std::fs::read(path).unwrap()).into_iter().collect(),
        };
        paths.flat_map(read).collect()
    }

    /// The values of a document, each by its pointer.
    fn pointers(tree: &Tree, at: String, into: &mut Vec<String>) {
        let escaped = |name: &str| name.replace('~', "~0").replace('/', "~1");
        match tree {
            Tree::Object(members) => {
                members.iter().for_each(|(name, value)| pointers(value, format!("{at}/{}", escaped(name)), into));
            }
            Tree::Array(list) => {
                list.iter().enumerate().for_each(|(n, value)| pointers(value, format!("{at}/{n}"), into));
            }
            _ => {}
        }
        into.push(at);
    }

    /// One wrong or harmless change.
    fn change(tree: &mut Tree, which: usize, how: usize) {
        let mut all = Vec::new();
        pointers(tree, String::new(), &mut all);
        let Some(value) = all.get(which % all.len()).and_then(|at| tree.pointer_mut(at)) else { return };
        let other = [
            Tree::Null,
            Tree::from(-1),
            Tree::from(1.5),
            Tree::from("\u{1f980}\" x"),
            Tree::from("2024-02-30T00:00:00Z"),
            serde_json::json!([]),
            serde_json::json!({"name": "a", "type": "library"}),
        ];
        match (value, how % 10) {
            (Tree::Array(list), 0 | 1) => list.extend(list.first().cloned()),
            (Tree::Object(members), 0) => {
                members.insert("unknown".to_owned(), Tree::Bool(true));
            }
            (Tree::Object(members), 1 | 2) => {
                let name = members.keys().nth(which % members.len().max(1)).cloned();
                name.and_then(|name| members.remove(&name));
            }
            (value, how) => *value = other.get(how % other.len()).cloned().unwrap_or_default(),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        /// By our own sight of it or by a tree, a document fits or does not.
        #[test]
        fn a_document_fits_as_its_tree_does(which in 0..1_000_usize, changes in prop::collection::vec(any::<(usize, usize)>(), 0..3)) {
            static TREES: LazyLock<Vec<Case>> = LazyLock::new(|| {
                let vectors = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
                let folders = [(Schema::Cyclonedx16, "cyclonedx-1.6"), (Schema::Openvex020, "openvex"), (Schema::Sarif210, "sarif")];
                folders.map(|(schema, folder)| (schema, schema.compile().unwrap(), documents(&vectors.join(folder)))).into()
            });
            for (schema, trees, documents) in &*TREES {
                let mut tree = documents[which % documents.len()].clone();
                changes.iter().for_each(|(which, how)| change(&mut tree, *which, *how));
                let text = serde_json::to_string_pretty(&tree).unwrap();
                let outline = json::outline_folded(text.as_bytes(), 0).unwrap();
                prop_assert_eq!(schema.fits(outline.root()), trees.is_valid(&tree), "{:?}: {}", schema, text);
            }
        }
    }
}
