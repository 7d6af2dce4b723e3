//! in-toto statements as real clients sign them.

use std::borrow::Cow;
use std::path::Path;

use attestream::event::{Digest, Kind, jcs};
use attestream::formats::attestation::Link;
use attestream::formats::predicate::known;
use attestream::formats::statement::{self, binds};
use attestream::formats::{Accepted, Document, Note, Shape, facts_of};

use super::{files, name, vector};

fn canonical(path: &str) -> Digest {
    jcs::canonical_digest(&vector(path)).unwrap()
}

#[test]
fn every_statement_that_cosign_signs_is_read() {
    let files = files(Path::new("tests/vectors/statements"), &[".statement.json"]);
    assert_eq!(files.len(), 9);
    for path in files {
        let bytes = std::fs::read(&path).unwrap();
        let read = statement::read(&bytes, &[]).unwrap_or_else(|e| panic!("{}: {e}", name(&path)));
        assert_eq!(read.facts.subjects.len(), if name(&path).starts_with("statement-v1") { 2 } else { 1 });
        assert!(read.facts.subjects.iter().all(|subject| subject.digest.sha256.is_some()), "{}", name(&path));
    }
}

#[test]
fn a_document_is_bound_though_its_signer_rewrote_it() {
    for (payload, document, kind, link) in [
        ("cyclonedx-1.6", "orders-api-1.4.2.cdx.json", Kind::Sbom, Link::Sbom),
        ("statement-v1-cyclonedx", "orders-api-1.4.2.cdx.json", Kind::Sbom, Link::Sbom),
        ("openvex", "orders-api-1.4.2.openvex.json", Kind::Vex, Link::Vex),
        ("sarif-custom-type", "orders-api-1.4.2.sarif", Kind::Scan, Link::Scan),
        ("vuln", "orders-api-1.4.2.sarif", Kind::Scan, Link::Scan),
    ] {
        let bytes = vector(&format!("statements/{payload}.statement.json"));
        let read = statement::read(&bytes, &[]).unwrap();
        let document = format!("statements/{document}");
        let other = Digest::of(b"another document");
        assert_eq!((read.kind, read.facts.link), (Some(kind), Some(link)), "{payload}");
        let received = Document::read(Cow::Owned(vector(&document))).unwrap();
        let own = received.digest();
        assert_eq!(received.canonical_digest(own), Ok(canonical(&document)));
        assert!(binds(&read.facts, own, received.canonical_digest(own).ok()), "{payload}");
        assert!(!binds(&read.facts, other, Some(other)), "{payload}");
        let carried = read.carried(kind).unwrap();
        facts_of(kind, &carried, &Accepted::default()).unwrap();
        let elsewhere = if kind == Kind::Sbom { Kind::Vex } else { Kind::Sbom };
        assert_eq!(read.carried(elsewhere).unwrap_err().code(), "predicate-not-a-document");
    }
}

#[test]
fn a_document_in_a_string_is_bound_and_of_the_kind_that_the_tenant_gives() {
    let bytes = vector("statements/custom-default-type.statement.json");
    let read = statement::read(&bytes, &[]).unwrap();
    assert!(!read.type_known);
    assert!(binds(&read.facts, Digest::of(b""), Some(canonical("statements/orders-api-1.4.2.sarif"))));
    assert_eq!(read.carried(Kind::Scan).unwrap_err().code(), "predicate-not-a-document");
    let own = [("https://cosign.sigstore.dev/attestation/v1", Kind::Scan)];
    let read = statement::read(&bytes, &own).unwrap();
    assert!(read.type_known);
    assert_eq!(read.carried(Kind::Scan).unwrap().shape(), Shape::Sarif);
}

#[test]
fn a_build_names_its_materials_and_no_document() {
    let bytes = vector("statements/slsa-v1.ed25519.statement.json");
    let read = statement::read(&bytes, &[]).unwrap();
    assert_eq!((read.kind, read.facts.link, read.type_known), (None, Some(Link::Build), true));
    assert!(read.facts.documents.is_empty());
    assert_eq!(read.carried(Kind::Sbom).unwrap_err().code(), "predicate-not-a-document");
    let text = String::from_utf8(bytes.clone()).unwrap();
    assert_eq!(read.facts.materials.is_empty(), !text.contains("resolvedDependencies"));
}

#[test]
fn statements_of_other_shapes_are_read_as_far_as_they_go() {
    let read = |path: &str| statement::read(&vector(path), &[]).map(|read| read.facts).unwrap();
    assert_eq!(read("statements/statement-v1-no-predicate.json").documents, []);
    assert!(read("statements/statement-v1-many-subjects.json").subjects.len() > 100);
    let unicode = read("statements/statement-v1-unicode-name.json");
    assert_eq!(unicode.subjects[0].name.as_deref(), Some("bericht übersicht 1.tar.gz"));
    let reference = vector("statements/statement-v1-reference.json");
    assert!(known("https://example.com/document-reference/v1").is_none());
    assert!(statement::read(&reference, &[]).unwrap().facts.documents.is_empty(), "an unknown type binds nothing");
    let own = [("https://example.com/document-reference/v1", Kind::Sbom)];
    let named = "c6e66523dd4906382d9d40e500c28c411f95e10f01d43d74b3d3e7b1ca8f759a";
    assert_eq!(statement::read(&reference, &own).unwrap().facts.documents, [Digest::from_hex(named).unwrap()]);
    let laravel = vector("statements/cyclonedx-1.4-laravel.statement.json");
    let laravel = statement::read(&laravel, &[]).unwrap();
    let refusal = facts_of(Kind::Sbom, &laravel.carried(Kind::Sbom).unwrap(), &Accepted::default());
    assert_eq!(refusal.unwrap_err().code(), "unsupported-version");
    let spdx = vector("statements/spdx-2.3.statement.json");
    let spdx = statement::read(&spdx, &[]).unwrap();
    assert_eq!(spdx.carried(Kind::Sbom).unwrap_err().code(), "spdx-not-accepted");
}

#[test]
fn a_predicate_with_a_number_that_no_double_holds_binds_nothing_and_says_so() {
    let custom = String::from_utf8(vector("statements/custom-edge-values.json")).unwrap();
    let subject = format!(r#"[{{"name":"a","digest":{{"sha256":"{}"}}}}]"#, Digest::of(b"a").hex());
    let text = format!(
        r#"{{"_type":"https://in-toto.io/Statement/v1","subject":{subject},"predicateType":"https://cyclonedx.org/bom","predicate":{custom}}}"#
    );
    let read = statement::read(text.as_bytes(), &[]).unwrap();
    assert_eq!((read.note, read.facts.documents.as_slice()), (Some(Note::DocumentNumberInexact), [].as_slice()));
    assert_eq!(read.carried(Kind::Sbom).unwrap_err().code(), "format-unknown");
}

#[test]
fn a_statement_cut_short_is_never_read() {
    let bytes = vector("statements/openvex.statement.json");
    for end in 0..bytes.trim_ascii_end().len() {
        assert!(statement::read(&bytes[..end], &[]).is_err(), "at {end}");
    }
}
