//! The large sets of real documents, where `ATTESTREAM_CORPUS` says that they lie.

use std::path::PathBuf;

use attestream::event::{Kind, base64};
use attestream::formats::{Accepted, normalise, statement};

use super::{files, name};

/// A folder of the corpus. Named and missing is a failure; not named, the cases are skipped, and said to be.
fn corpus(set: &str, cases: usize) -> Option<PathBuf> {
    let Some(root) = std::env::var_os("ATTESTREAM_CORPUS") else {
        println!("skipped, {cases} cases of {set}: ATTESTREAM_CORPUS is not set");
        return None;
    };
    let folder = PathBuf::from(root).join(set);
    assert!(folder.is_dir(), "ATTESTREAM_CORPUS is set and {} is missing", folder.display());
    Some(folder)
}

#[test]
fn real_vex_of_shipped_products_is_accepted() {
    let Some(folder) = corpus("vexhub", 30) else { return };
    let mut statements = 0;
    for path in files(&folder, &[".openvex.json"]) {
        let facts = normalise(Kind::Vex, &std::fs::read(&path).unwrap(), &Accepted::default());
        let facts = facts.unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        assert!(facts.subject.is_some() || !facts.subjects.is_empty(), "{}", path.display());
        statements += facts.statements.len();
    }
    assert!(statements > 1000, "{statements}");
}

/// The examples are mostly older than 1.6: those are refused for their version and for nothing else.
#[test]
fn real_sboms_are_accepted_where_their_version_is() {
    let Some(folder) = corpus("bom-examples", 42) else { return };
    let (mut accepted, mut other) = (0, 0);
    for path in files(&folder, &[".json", ".xml"]) {
        let bytes = std::fs::read(&path).unwrap();
        let code = normalise(Kind::Sbom, &bytes, &Accepted::default()).map_or_else(|e| e.code(), |_| "ok");
        let declared = serde_json::from_slice::<serde_json::Value>(&bytes).ok().map(|bom| bom["specVersion"].clone());
        let expected = match &declared {
            None => "xml-not-accepted",
            Some(version) if version == "1.6" => "ok",
            Some(_) => "unsupported-version",
        };
        assert_eq!(code, expected, "{}", path.display());
        if code == "ok" { accepted += 1 } else { other += 1 }
    }
    assert!(accepted >= 4 && other > 0, "{accepted} {other}");
}

#[test]
fn real_provenance_is_read() {
    let Some(folder) = corpus("slsa-verifier", 60) else { return };
    let mut read = 0;
    for path in files(&folder, &[".jsonl", ".slsa", ".sigstore", ".json"]) {
        let Ok(value) = serde_json::from_slice::<serde_json::Value>(&std::fs::read(&path).unwrap()) else { continue };
        let envelope = if value["dsseEnvelope"].is_object() { &value["dsseEnvelope"] } else { &value };
        let Some(payload) = envelope["payload"].as_str() else { continue };
        let payload = base64::decode(payload).unwrap();
        let statement = statement::read(&payload, &[]);
        // A draft builder signed a statement with an empty predicate type: it says nothing that could be believed.
        if String::from_utf8_lossy(&payload).contains("\"predicateType\":\"\"") {
            assert_eq!(statement.unwrap_err().code(), "statement-invalid", "{}", name(&path));
            continue;
        }
        let statement = statement.unwrap_or_else(|e| panic!("{}: {e}", name(&path)));
        assert!(!statement.facts.subjects.is_empty());
        read += 1;
    }
    assert!(read > 20, "{read}");
}

#[test]
fn spdx_is_named_as_what_is_not_read() {
    let Some(folder) = corpus("spdx3", 18) else { return };
    for path in files(&folder, &[".json", ".jsonld"]) {
        let refusal = normalise(Kind::Sbom, &std::fs::read(&path).unwrap(), &Accepted::default()).unwrap_err();
        assert_eq!(refusal.code(), "spdx-not-accepted", "{}", path.display());
    }
}
