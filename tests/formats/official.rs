//! The official vectors: what they call valid is accepted, what they call invalid is refused with its code.

use std::collections::BTreeMap;
use std::path::Path;

use attestream::event::{Kind, json};
use attestream::formats::schema::Schema;
use attestream::formats::{Accepted, normalise};

use super::{files, name, vector};

fn code(kind: Kind, bytes: &[u8]) -> &'static str {
    normalise(kind, bytes, &Accepted::default()).map_or_else(|e| e.code(), |_| "ok")
}

#[test]
fn cyclonedx_keeps_to_its_official_vectors() {
    let files = files(Path::new("tests/vectors/cyclonedx-1.6"), &[".json"]);
    assert_eq!(files.len(), 37);
    for path in files {
        let bytes = std::fs::read(&path).unwrap();
        let expected = if name(&path).starts_with("valid-") { "ok" } else { "cyclonedx-schema-invalid" };
        let outline = json::outline_folded(&bytes, 0).unwrap();
        let complaints = Schema::Cyclonedx16.complaints(outline.root(), 3);
        assert_eq!(code(Kind::Sbom, &bytes), expected, "{}: {complaints:?}", name(&path));
    }
}

/// The data of go-vex is of three sorts: whole documents of 0.2.0; documents of 0.0.1 and CSAF, which are other formats;
/// and fragments without time and version, which go-vex merges and which are no documents.
#[test]
fn openvex_keeps_to_the_data_of_go_vex() {
    let expected = BTreeMap::from([
        ("csaf-openvex.json", "unsupported-version"),
        ("csaf.json", "format-unknown"),
        ("v0.0.1-noversion.json", "unsupported-version"),
        ("v0.0.1.json", "unsupported-version"),
        ("v0.2.0.json", "ok"),
        ("v001-1.vex.json", "unsupported-version"),
        ("v001-2.vex.json", "unsupported-version"),
        ("v020-1.vex.json", "vex-schema-invalid"),
        ("v020-2.vex.json", "vex-schema-invalid"),
    ]);
    let files = files(Path::new("tests/vectors/openvex/go-vex"), &[".json"]);
    assert_eq!(files.len(), expected.len());
    for path in files {
        assert_eq!(code(Kind::Vex, &std::fs::read(&path).unwrap()), expected[name(&path)], "{}", path.display());
    }
}

#[test]
fn the_compact_example_that_is_often_copied_is_no_openvex() {
    assert_eq!(code(Kind::Vex, &vector("openvex/samples/compact.json")), "vex-schema-invalid");
}

/// `_Invalid` names a rule of the SDK's linter, most of which ask for good style beyond the schema (a period at the end
/// of a message). What the schema refuses is listed; everything else fits it and is accepted.
#[test]
fn sarif_keeps_to_its_schema() {
    let refused = BTreeMap::from([
        ("JSON1001.SyntaxError.sarif", "json-syntax"),
        ("JSON1002.DeserializationError.sarif", "sarif-schema-invalid"),
        ("SARIF1004.ExpressUriBaseIdsCorrectly_Invalid.sarif", "sarif-schema-invalid"),
        ("SARIF1005.UriMustBeAbsolute_Invalid.sarif", "sarif-schema-invalid"),
        ("SARIF2017.SARIFProvideRequiredRegionProperties_Invalid.sarif", "sarif-schema-invalid"),
    ]);
    let files = files(Path::new("tests/vectors/sarif"), &[".sarif"]);
    let mut seen = 0;
    for path in files {
        let expected = refused.get(name(&path)).copied().unwrap_or("ok");
        seen += usize::from(expected != "ok");
        assert_eq!(code(Kind::Scan, &std::fs::read(&path).unwrap()), expected, "{}", path.display());
    }
    assert_eq!(seen, refused.len());
}

/// Every official valid document, cut short anywhere, is refused as what it is: not JSON.
#[test]
fn a_document_cut_short_is_never_accepted() {
    for (path, kind) in [
        ("cyclonedx-1.6/valid-component-hashes-1.6.json", Kind::Sbom),
        ("openvex/go-vex/v0.2.0.json", Kind::Vex),
        ("statements/orders-api-1.4.2.sarif", Kind::Scan),
    ] {
        let whole = vector(path);
        let bytes = whole.trim_ascii_end();
        for end in 0..bytes.len() {
            assert_eq!(code(kind, &bytes[..end]), "json-syntax", "{path} at {end}");
        }
        assert_eq!(code(kind, bytes), "ok");
    }
}
