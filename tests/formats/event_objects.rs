//! The event object, as producers send it.

use attestream::event::{Digest, Kind, base64, jcs};
use attestream::formats::event_object::{Content, EventObject, read, scan_of};
use attestream::formats::facts::{Facts, ScanInputs};
use attestream::formats::{FormatError, Shape};
use serde_json::{Value, json};

const BOM: &str = "{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\"}";
const HEX: &str = "00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff";

fn object(change: impl FnOnce(&mut Value)) -> Result<EventObject, FormatError> {
    let mut value = json!({ "kind": "SBOM", "document": { "content": BOM } });
    change(&mut value);
    read(value.to_string().as_bytes())
}

fn code(change: impl FnOnce(&mut Value)) -> &'static str {
    object(change).map_or_else(FormatError::code, |_| "ok")
}

fn set(path: &str, to: Value) -> &'static str {
    code(|value| {
        let (parent, member) = path.rsplit_once('/').unwrap();
        value.pointer_mut(parent).unwrap()[member] = to;
    })
}

#[test]
fn what_only_this_system_gives_and_what_nobody_knows_is_refused() {
    let unknown = ["/revision", "/policy", "/document/name", "/decision"];
    for path in unknown {
        assert_eq!(set(path, json!(1)), "event-object-invalid", "{path}");
    }
    let mistyped = [
        ("/kind", json!("sbom")),
        ("/kind", json!("OTHER")),
        ("/_id", json!(7)),
        ("/_id", json!("")),
        ("/tenant", json!({})),
        ("/subject", json!("pkg:npm/a@1")),
        ("/subject", json!({})),
        ("/subject", json!({ "purl": "npm/a@1" })),
        ("/subject", json!({ "purl": "pkg:npm/a@1", "tag": "latest" })),
        ("/subject", json!({ "version": "1" })),
        ("/subjects", json!({})),
        ("/document", json!(null)),
        ("/document", json!({})),
        ("/document/encoding", json!("hex")),
        ("/document/size", json!(-1)),
        ("/document/content", json!(null)),
        ("/provenance", json!("verified")),
        ("/trust", json!([])),
        ("/scan", json!({ "tool": "x" })),
    ];
    for path in ["/_id", "/sourceId", "/tenant", "/subject", "/subjects", "/provenance", "/trust", "/scan", "/ts"] {
        assert_eq!(set(path, json!(null)), "event-object-invalid", "{path} null");
    }
    for (path, to) in mistyped {
        assert_eq!(set(path, to.clone()), "event-object-invalid", "{path} {to}");
    }
    assert_eq!(code(|value| drop(value.as_object_mut().unwrap().remove("document"))), "event-object-invalid");
    assert_eq!(set("/tenant", json!("ACME")), "tenant-invalid");
    assert_eq!(set("/ts", json!("yesterday")), "timestamp-invalid");
}

#[test]
fn what_is_stated_of_the_bytes_must_be_so() {
    let (digest, canonical) = (Digest::of(BOM.as_bytes()), jcs::canonical_digest(BOM.as_bytes()).unwrap());
    assert_eq!(set("/document/digest", json!(Digest::of(b"other"))), "digest-mismatch");
    assert_eq!(set("/document/canonicalDigest", json!(Digest::of(b"other"))), "digest-mismatch");
    assert_eq!(set("/document/size", json!(BOM.len() + 1)), "size-mismatch");
    for bad in ["sha256:ab", HEX, "sha512:00", ""] {
        assert_eq!(set("/document/digest", json!(bad)), "digest-invalid", "{bad}");
    }
    assert_eq!(set("/subject", json!({ "digest": { "sha256": "ab" } })), "digest-invalid");
    assert_eq!(set("/scan", json!({ "imageDigests": ["sha256:ab"] })), "digest-invalid");
    let upper = digest.to_string().replace(&digest.hex(), &digest.hex().to_uppercase());
    let document = json!({ "content": BOM, "digest": upper, "canonicalDigest": canonical, "size": BOM.len() });
    assert_eq!(set("/document", document), "ok");
}

#[test]
fn content_is_the_exact_bytes_in_either_encoding() {
    let bytes = |document: Value| match object(|value| value["document"] = document).map(|object| object.content) {
        Ok(Content::Inline(document)) => Ok((document.bytes().to_vec(), document.shape())),
        Ok(Content::Reference(_)) => panic!("a reference"),
        Err(e) => Err(e.code()),
    };
    let expected = Ok((BOM.as_bytes().to_vec(), Shape::CycloneDx));
    assert_eq!(bytes(json!({ "content": BOM })), expected);
    assert_eq!(bytes(json!({ "content": BOM, "encoding": "utf-8" })), expected);
    assert_eq!(bytes(json!({ "content": base64::encode(BOM.as_bytes()), "encoding": "base64" })), expected);
    assert_eq!(bytes(json!({ "content": "e30 ", "encoding": "base64" })), Err("base64-invalid"));
    assert_eq!(bytes(json!({ "content": "{\"a\":1,\"a\":2}" })), Err("json-duplicate-member"));
    assert_eq!(bytes(json!({ "content": "<bom/>" })), Err("xml-not-accepted"));
    assert_eq!(bytes(json!({ "content": "{}" })), Err("format-unknown"));
}

#[test]
fn a_reference_stands_in_for_content_and_names_its_digest() {
    let digest = Digest::of(BOM.as_bytes());
    let reference = format!("cas://objects/acme/sha256/{}", digest.hex());
    let of = |document: Value| object(|value| value["document"] = document);
    assert_eq!(of(json!({ "ref": "https://example.com/bom.json" })).unwrap_err().code(), "reference-invalid");
    assert_eq!(of(json!({ "ref": reference, "content": BOM })).unwrap_err().code(), "event-object-invalid");
    assert_eq!(of(json!({ "ref": reference, "encoding": "utf-8" })).unwrap_err().code(), "event-object-invalid");
    let unlike = json!({ "ref": reference, "digest": Digest::of(b"other") });
    assert_eq!(of(unlike).unwrap_err().code(), "digest-mismatch");
    let object = of(json!({ "ref": reference, "size": BOM.len() })).unwrap();
    assert!(matches!(&object.content, Content::Reference(reference) if reference.digest == digest));
    assert_eq!(object.stated.check(BOM.as_bytes()), Ok(()));
    assert!(object.stated.check(b"{}").is_err(), "what was fetched is held to what was stated");
}

#[test]
fn subjects_are_lower_cased_and_must_not_contradict_each_other() {
    let object = object(|value| {
        value["subject"] = json!({ "digest": { "sha256": HEX } });
        value["subjects"] = json!([{ "purl": "pkg:npm/b@1" },
            { "purl": "pkg:npm/a@1", "digest": { "sha256": HEX.to_lowercase() } }]);
    });
    let subjects = object.unwrap().subjects;
    assert_eq!(subjects[0].purl.as_deref(), Some("pkg:npm/a@1"));
    assert_eq!(subjects[0].digest.sha256.as_deref(), Some(HEX.to_lowercase().as_str()));
    assert_eq!((subjects.len(), subjects[1].purl.as_deref()), (2, Some("pkg:npm/b@1")));
    let contradiction = code(|value| {
        value["subject"] = json!({ "purl": "pkg:npm/a@1" });
        value["subjects"] = json!([{ "purl": "pkg:npm/b@1" }]);
    });
    assert_eq!(contradiction, "subject-mismatch");
}

#[test]
fn claims_are_kept_apart_and_never_believed() {
    let trust = json!({ "verified": true, "status": "verified" });
    let provenance = json!({ "dsse": { "envelopeDigest": "sha256:ab" } });
    let object = object(|value| {
        (value["trust"], value["provenance"]) = (trust.clone(), provenance.clone());
        (value["_id"], value["sourceId"]) = (json!("evt_mine"), json!("other"));
        (value["tenant"], value["ts"]) = (json!("acme"), json!("2025-11-11T12:00:00Z"));
    });
    let object = object.unwrap();
    assert_eq!(object.claimed, Some(json!({ "provenance": provenance, "trust": trust })));
    assert_eq!((object.kind, object.source_id.as_deref()), (Kind::Sbom, Some("evt_mine")));
    assert_eq!(object.tenant.unwrap().as_str(), "acme");
    assert_eq!(object.ts.unwrap().rfc3339(), "2025-11-11T12:00:00Z");
    assert_eq!(self::object(|_| ()).unwrap().claimed, None);
}

#[test]
fn stated_scan_inputs_fill_what_the_document_does_not_say() {
    let stated = ScanInputs { scanner: Some("stated".into()), db_snapshot: Some("d".into()), ..Default::default() };
    let own = ScanInputs { scanner: Some("own".into()), image_digests: vec!["i".into()], ..Default::default() };
    let facts = Facts { scan: Some(own.clone()), ..Facts::default() };
    let both = scan_of(&facts, Some(&stated)).unwrap();
    assert_eq!((both.scanner.as_deref(), both.db_snapshot.as_deref()), (Some("own"), Some("d")));
    assert_eq!(both.image_digests, ["i"]);
    assert_eq!(scan_of(&facts, None), Some(own));
    assert_eq!(scan_of(&Facts::default(), Some(&stated)), Some(stated));
}
