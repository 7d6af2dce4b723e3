//! The materials of a build: what SLSA provenance says that it was made from.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;

use crate::event::{Digest, limits};

use super::document::refusal;
use super::fault::{Fault, FormatError};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct V1<'a> {
    #[serde(borrow)]
    build_definition: Option<BuildDefinition<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BuildDefinition<'a> {
    #[serde(borrow)]
    resolved_dependencies: Option<Vec<Material<'a>>>,
}

#[derive(Deserialize)]
struct V02<'a> {
    #[serde(borrow)]
    materials: Option<Vec<Material<'a>>>,
}

#[derive(Deserialize)]
struct Material<'a> {
    #[serde(borrow)]
    digest: Option<BTreeMap<Cow<'a, str>, Cow<'a, str>>>,
}

/// The SHA-256 digests that a build names as material, each once, in order. Other predicate types name none.
pub(super) fn read(predicate_type: &str, predicate: Option<&str>) -> Result<Vec<Digest>, FormatError> {
    let Some(predicate) = predicate else { return Ok(Vec::new()) };
    let misfit = |e: serde_json::Error| refusal(&e, Fault::StatementInvalid);
    let materials = match predicate_type {
        "https://slsa.dev/provenance/v1" => {
            let v1: V1<'_> = serde_json::from_str(predicate).map_err(misfit)?;
            v1.build_definition.and_then(|definition| definition.resolved_dependencies)
        }
        "https://slsa.dev/provenance/v0.2" => serde_json::from_str::<V02<'_>>(predicate).map_err(misfit)?.materials,
        _ => None,
    };
    let mut found = Vec::new();
    let digests = materials.iter().flatten().filter_map(|material| material.digest.as_ref()?.get("sha256"));
    for hex in digests {
        let digest = Digest::from_hex(hex).map_err(|_| Fault::DigestInvalid)?;
        if !found.contains(&digest) {
            found.push(digest);
        }
        if found.len() > limits::SUBJECTS_MAX {
            return Err(Fault::StatementTooLarge.into());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    const V1: &str = "https://slsa.dev/provenance/v1";

    #[test]
    fn materials_of_another_shape_or_a_wrong_digest_are_refused() {
        let code = |predicate: &str| read(V1, Some(predicate)).map_or_else(FormatError::code, |_| "ok");
        assert_eq!(code(r#"{"buildDefinition":7}"#), "statement-invalid");
        assert_eq!(code(r#"{"buildDefinition":{"resolvedDependencies":{}}}"#), "statement-invalid");
        let bad = r#"{"buildDefinition":{"resolvedDependencies":[{"digest":{"sha256":"00"}}]}}"#;
        assert_eq!(code(bad), "digest-invalid");
        assert_eq!(code(r#"{"buildDefinition":{}}"#), "ok");
    }

    #[test]
    fn both_versions_name_theirs_once_and_git_commits_are_left_out() {
        let list = format!(
            r#"[{{"digest":{{"sha256":"{HEX}"}}}},{{"digest":{{"gitCommit":"ab"}}}},{{"uri":"u"}},
            {{"digest":{{"sha256":"{HEX}"}}}}]"#
        );
        let expected = vec![Digest::from_hex(HEX).unwrap()];
        let v1 = format!(r#"{{"buildDefinition":{{"resolvedDependencies":{list}}}}}"#);
        assert_eq!(read(V1, Some(&v1)), Ok(expected.clone()));
        let v02 = format!(r#"{{"materials":{list}}}"#);
        assert_eq!(read("https://slsa.dev/provenance/v0.2", Some(&v02)), Ok(expected));
        assert_eq!(read("https://example.com/note/v1", Some(&v02)), Ok(Vec::new()));
        assert_eq!(read(V1, None), Ok(Vec::new()));
    }
}
