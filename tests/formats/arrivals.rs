//! One record of every form on every lane, and what its carriers may not say.

use attestream::event::{Digest, Kind, Topic, base64};
use attestream::formats::arrival::{Carried, about, topic_of};
use attestream::formats::cloudevents::Header;
use attestream::formats::{Accepted, Arrival, Arrived, FormatError, Lane, Shape, arrive, facts_of};
use serde_json::json;

use super::vector;

const SBOM: Lane = Lane::Documents(Kind::Sbom);
const BOM: &[u8] = b"{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\"}";
const ENVELOPE: &[u8] = b"{\"payloadType\":\"t\",\"payload\":\"\",\"signatures\":[]}";
const HEX: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

fn header(name: &str, value: &str) -> Header {
    (name.to_owned(), Some(value.as_bytes().to_vec()))
}

fn binary(extra: &[(&str, &str)]) -> Vec<Header> {
    let required = [("ce_specversion", "1.0"), ("ce_id", "7"), ("ce_source", "/ci"), ("ce_type", "sbom")];
    required.iter().chain(extra).map(|(name, value)| header(name, value)).collect()
}

fn on<'a>(lane: Lane, key: &str, headers: &[Header], value: &'a [u8]) -> Result<Arrival<'a>, FormatError> {
    arrive(lane, Some(key.as_bytes()), headers, Some(value))
}

fn code(lane: Lane, key: &str, headers: &[Header], value: &[u8]) -> &'static str {
    on(lane, key, headers, value).map_or_else(FormatError::code, |_| "ok")
}

fn object(members: &str) -> Vec<u8> {
    let content = serde_json::to_string(std::str::from_utf8(BOM).unwrap()).unwrap();
    format!(r#"{{"kind":"SBOM","document":{{"content":{content}}}{members}}}"#).into_bytes()
}

fn structured(members: &str) -> Vec<u8> {
    format!(r#"{{"specversion":"1.0","id":"7","source":"/ci","type":"sbom"{members}}}"#).into_bytes()
}

#[test]
fn only_the_topics_of_documents_and_evidence_have_a_lane() {
    let lanes = Topic::ALL.iter().filter_map(|topic| Lane::of(*topic).map(|lane| (*topic, lane)));
    let expected = [
        (Topic::SbomSubmitted, SBOM),
        (Topic::VexSubmitted, Lane::Documents(Kind::Vex)),
        (Topic::ScanCompleted, Lane::Documents(Kind::Scan)),
        (Topic::AttestationPublished, Lane::Evidence),
        (Topic::AttestationBackfill, Lane::Evidence),
    ];
    assert_eq!(lanes.collect::<Vec<_>>(), expected);
}

#[test]
fn what_a_lane_does_not_take_is_refused_by_name() {
    let vex = Lane::Documents(Kind::Vex);
    let statement = vector("statements/openvex.statement.json");
    let cases: [(Lane, &[u8], &str); 12] = [
        (vex, BOM, "format-not-for-topic"),
        (Lane::Evidence, BOM, "not-an-attestation"),
        (Lane::Evidence, &object(""), "not-an-attestation"),
        (Lane::Evidence, &statement, "statement-unsigned"),
        (vex, &statement, "statement-unsigned"),
        (vex, &object(""), "kind-mismatch"),
        (SBOM, b"<bom/>", "xml-not-accepted"),
        (SBOM, &[0x28, 0xb5, 0x2f, 0xfd, 0], "value-compressed"),
        (SBOM, &[0x1f, 0x8b, 8], "value-compressed"),
        (SBOM, b"{}", "format-unknown"),
        (SBOM, b"", "json-syntax"),
        (SBOM, &structured(""), "value-missing"),
    ];
    for (lane, value, expected) in cases {
        assert_eq!(code(lane, "", &[], value), expected, "{}", String::from_utf8_lossy(value));
    }
    assert_eq!(arrive(SBOM, None, &[], None).unwrap_err().code(), "value-missing");
    assert_eq!(arrive(SBOM, None, &binary(&[]), None).unwrap_err().code(), "value-missing");
    let vex_in_object = format!(
        r#"{{"kind":"SBOM","document":{{"content":{}}}}}"#,
        serde_json::to_string("{\"@context\":\"https://openvex.dev/ns/v0.2.0\"}").unwrap()
    );
    assert_eq!(code(SBOM, "", &[], vex_in_object.as_bytes()), "format-not-for-topic");
}

#[test]
fn a_bare_document_arrives_as_received() {
    let arrival = arrive(SBOM, None, &[], Some(BOM)).unwrap();
    let Arrived::Document { document, media_type } = arrival.what else { panic!("no document") };
    assert_eq!((document.bytes(), media_type.as_str()), (BOM, "application/vnd.cyclonedx+json"));
    assert_eq!(arrival.carrier, Default::default());
    let typed = [header("content-type", "application/vnd.cyclonedx+json; version=1.6")];
    let arrival = arrive(SBOM, Some(&[0xff, 0xfe]), &typed, Some(BOM)).unwrap();
    assert!(matches!(arrival.what, Arrived::Document { media_type, .. } if media_type.ends_with("version=1.6")));
}

#[test]
fn attestations_arrive_on_every_lane_by_their_shape() {
    let bundle = br#"{"mediaType":"m","verificationMaterial":{},"dsseEnvelope":{}}"#;
    let shapes: [(&[u8], Shape); 4] = [
        (ENVELOPE, Shape::Envelope),
        (bundle, Shape::Bundle),
        (br#"{"base64Signature":""}"#, Shape::LegacyBundle),
        (br#"{"envelope":{},"rekorEntry":{}}"#, Shape::EnvelopeWithEntry),
    ];
    for (value, expected) in shapes {
        for lane in [SBOM, Lane::Evidence] {
            let arrival = on(lane, "", &[], value).unwrap();
            assert!(
                matches!(arrival.what, Arrived::Attestation { bytes, shape } if *bytes == *value && shape == expected)
            );
        }
        assert_eq!(topic_of(value), Ok(Topic::AttestationPublished));
    }
    let carried = structured(&format!(r#","data":{}"#, std::str::from_utf8(ENVELOPE).unwrap()));
    let arrival = on(Lane::Evidence, "", &[], &carried).unwrap();
    assert!(matches!(arrival.what, Arrived::Attestation { bytes, .. } if *bytes == *ENVELOPE));
}

#[test]
fn a_cloud_event_carries_the_same_bytes_in_either_mode() {
    let inline = structured(&format!(r#","data":{}"#, std::str::from_utf8(BOM).unwrap()));
    let encoded = structured(&format!(r#","data_base64":"{}""#, base64::encode(BOM)));
    let typed = [header("content-type", "application/cloudevents+json")];
    let arrivals = [
        on(SBOM, "", &binary(&[]), BOM),
        on(SBOM, "", &typed, &inline),
        on(SBOM, "", &[], &inline),
        on(SBOM, "", &typed, &encoded),
    ];
    for arrival in arrivals {
        let arrival = arrival.unwrap();
        assert!(matches!(arrival.what, Arrived::Document { document, .. } if document.bytes() == BOM));
        assert_eq!(arrival.carrier.source_id.as_deref(), Some("/ci 7"));
    }
    assert_eq!(code(SBOM, "", &typed, BOM), "cloudevents-invalid");
    assert_eq!(code(SBOM, "", &binary(&[]), &inline), "cloudevents-invalid", "one inside another");
    assert_eq!(code(SBOM, "", &[header("ce_tenantid", "acme")], BOM), "cloudevents-invalid");
    assert_eq!(code(SBOM, "", &[], &structured(r#","data":null"#)), "format-unknown");
    assert_eq!(code(SBOM, "", &[], &structured(r#","data_base64":"PGJvbS8+""#)), "xml-not-accepted");
    let doubled = structured(r#","data_base64":"eyJhIjoxLCJhIjoyfQ==""#);
    assert_eq!(code(SBOM, "", &[], &doubled), "json-duplicate-member");
}

#[test]
fn a_claim_check_stands_in_for_the_value_and_must_be_its_digest() {
    let reference = |bytes: &[u8]| format!("cas://objects/acme/sha256/{}", Digest::of(bytes).hex());
    let headers = binary(&[("ce_dataref", &reference(BOM))]);
    let arrival = arrive(SBOM, None, &headers, None).unwrap();
    assert!(matches!(arrival.what, Arrived::Reference { reference, .. } if reference.digest == Digest::of(BOM)));
    assert_eq!(code(SBOM, "", &headers, BOM), "ok");
    assert_eq!(code(SBOM, "", &binary(&[("ce_dataref", &reference(b"{}"))]), BOM), "digest-mismatch");
    assert_eq!(code(SBOM, "", &binary(&[("ce_dataref", "https://example.com/a")]), BOM), "reference-invalid");
}

#[test]
fn every_tenant_that_is_named_is_found() {
    let headers = binary(&[("ce_tenantid", "cloud")]);
    let value = object(r#","tenant":"object""#);
    let found = on(SBOM, "key/pkg:npm/a@1", &headers, &value).unwrap().carrier.tenants;
    let named: Vec<(Carried, &str)> = found.iter().map(|named| (named.by, named.tenant.as_str())).collect();
    assert_eq!(named, [(Carried::CloudEvents, "cloud"), (Carried::EventObject, "object"), (Carried::Key, "key")]);
    for unnamed in ["pkg:npm/a@1", "evt_1", "", "/x", "Acme/x"] {
        assert!(on(SBOM, unnamed, &[], BOM).unwrap().carrier.tenants.is_empty(), "{unnamed}");
    }
    assert_eq!(code(SBOM, "", &binary(&[("ce_tenantid", "A/B")]), BOM), "tenant-invalid");
}

#[test]
fn subjects_have_an_order_and_contradictions_are_refused() {
    let value = object(r#","subject":{"purl":"pkg:npm/a@1"},"_id":"mine""#);
    let headers = binary(&[("ce_subject", &format!("app@sha256:{HEX}")), ("ce_time", "2025-11-11T12:00:00Z")]);
    let carrier = on(SBOM, &format!("acme/sha256:{HEX}"), &headers, &value).unwrap().carrier;
    let order: Vec<Carried> = carrier.subjects.iter().map(|named| named.by).collect();
    assert_eq!(order, [Carried::EventObject, Carried::CloudEvents, Carried::Key]);
    assert_eq!(carrier.source_id.as_deref(), Some("mine"), "the object's id goes before its envelope's");
    assert_eq!(carrier.ts.unwrap().rfc3339(), "2025-11-11T12:00:00Z");
    let settled = carrier.settle(&[]).unwrap().unwrap();
    assert_eq!((settled.purl.as_deref(), settled.digest.sha256.as_deref()), (Some("pkg:npm/a@1"), Some(HEX)));

    assert_eq!(code(SBOM, "pkg:npm/b@1", &[], &value), "subject-mismatch");
    assert_eq!(code(SBOM, "", &binary(&[("ce_subject", "pkg:npm/b@1")]), &value), "subject-mismatch");
    let other = HEX.replace("00", "01");
    assert_eq!(code(SBOM, &format!("sha256:{other}"), &headers, BOM), "subject-mismatch");
    assert_eq!(code(SBOM, "sha256:ab", &[], BOM), "digest-invalid");
    assert_eq!(code(SBOM, "acme/registry:5000/app:1.2", &[], BOM), "ok", "a tag is no subject");
}

#[test]
fn the_document_is_asked_last_and_may_not_contradict() {
    let bytes = vector("statements/orders-api-1.4.2.cdx.json");
    let about = |key: &str| {
        let arrival = on(SBOM, key, &[], &bytes).unwrap();
        let Arrived::Document { document, .. } = &arrival.what else { panic!("no document") };
        let facts = facts_of(Kind::Sbom, document, &Accepted::default()).unwrap();
        about(&arrival.carrier, None, &facts).map_err(|fault| fault.code())
    };
    let unstated = about("").unwrap();
    assert_eq!(unstated.subject.as_ref().unwrap().purl.as_deref(), Some("pkg:generic/orders-api@1.4.2"));
    assert_eq!(unstated.subjects.len(), 1);
    assert_eq!(about("acme/pkg:generic/orders-api@1.4.2"), Ok(unstated.clone()), "stating it changes nothing");
    assert_eq!(
        about(&format!("sha256:{}", unstated.subject.unwrap().digest.sha256.unwrap())).unwrap().subjects.len(),
        1
    );
    assert_eq!(about("pkg:generic/orders-api@1.4.3"), Err("subject-mismatch"));
    assert_eq!(about(&format!("sha256:{HEX}")), Err("subject-mismatch"));
}

#[test]
fn all_products_of_a_vex_document_are_subjects_and_a_stated_one_is_first() {
    let product = |purl: &str| json!({ "@id": purl });
    let document = json!({ "@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://example.com/1", "author": "A",
        "version": 1, "timestamp": "2026-01-02T08:00:00Z", "statements": [{ "vulnerability": { "name": "CVE-1" },
            "status": "fixed", "products": [product("pkg:npm/a@1"), product("pkg:npm/b@1")] }] });
    let bytes = document.to_string();
    let about = |key: &str| {
        let arrival = on(Lane::Documents(Kind::Vex), key, &[], bytes.as_bytes()).unwrap();
        let Arrived::Document { document, .. } = &arrival.what else { panic!("no document") };
        about(&arrival.carrier, None, &facts_of(Kind::Vex, document, &Accepted::default()).unwrap())
    };
    let purls =
        |key: &str| -> Vec<String> { about(key).unwrap().subjects.into_iter().filter_map(|s| s.purl).collect() };
    assert_eq!(about("").unwrap().subject, None);
    assert_eq!(purls(""), ["pkg:npm/a@1", "pkg:npm/b@1"]);
    assert_eq!(purls("pkg:npm/b@1"), ["pkg:npm/b@1", "pkg:npm/a@1"]);
    assert_eq!(about("pkg:npm/c@1").unwrap_err().code(), "subject-mismatch");
    assert_eq!(about(&format!("sha256:{HEX}")).unwrap().subjects.len(), 3, "a digest beside purls adds a subject");
}

#[test]
fn the_topic_of_bytes_is_told_by_their_content() {
    let cases = [
        (vector("statements/orders-api-1.4.2.cdx.json"), Topic::SbomSubmitted),
        (vector("statements/orders-api-1.4.2.openvex.json"), Topic::VexSubmitted),
        (vector("statements/orders-api-1.4.2.sarif"), Topic::ScanCompleted),
        (object(""), Topic::SbomSubmitted),
        (structured(&format!(r#","data":{}"#, std::str::from_utf8(BOM).unwrap())), Topic::SbomSubmitted),
    ];
    for (bytes, topic) in cases {
        assert_eq!(topic_of(&bytes), Ok(topic));
    }
    let code = |bytes: &[u8]| topic_of(bytes).unwrap_err().code();
    assert_eq!(code(b"{}"), "format-unknown");
    assert_eq!(code(&vector("statements/openvex.statement.json")), "statement-unsigned");
}
