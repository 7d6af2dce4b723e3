//! What documents say, and what they may not say.

use attestream::event::{Kind, Subject};
use attestream::formats::facts::Facts;
use attestream::formats::{Accepted, FormatError, normalise};
use serde_json::{Value, json};

use super::vector;

const SHA256: &str = "68b7dafad7d4bec83870764464b70a660188d0aee0adde5292a123256b28fe22";

fn facts(kind: Kind, document: &Value) -> Result<Facts, FormatError> {
    normalise(kind, document.to_string().as_bytes(), &Accepted::default())
}

fn code(kind: Kind, document: &Value) -> &'static str {
    facts(kind, document).map_or_else(FormatError::code, |_| "ok")
}

fn of_vector(kind: Kind, path: &str) -> Facts {
    normalise(kind, &vector(path), &Accepted::default()).unwrap()
}

fn bom(component: Value) -> Value {
    json!({ "bomFormat": "CycloneDX", "specVersion": "1.6", "metadata": { "component": component } })
}

#[test]
fn a_digest_of_another_algorithms_length_is_refused_where_the_schema_lets_it_pass() {
    let hashed = |hashes: Value| bom(json!({ "type": "file", "name": "a", "hashes": hashes }));
    let md5 = "00112233445566778899aabbccddeeff";
    let other = SHA256.replace("68", "69");
    let short = json!([{ "alg": "SHA-256", "content": md5 }]);
    let twice = json!([{ "alg": "SHA-256", "content": SHA256 }, { "alg": "SHA-256", "content": other }]);
    assert_eq!(code(Kind::Sbom, &hashed(short.clone())), "digest-invalid");
    assert_eq!(code(Kind::Sbom, &hashed(twice)), "digest-invalid");
    let mut nested = bom(json!({ "type": "file", "name": "a" }));
    nested["components"] = json!([{ "type": "file", "name": "b",
        "components": [{ "type": "file", "name": "c", "hashes": short }] }]);
    assert_eq!(code(Kind::Sbom, &nested), "digest-invalid");
    let upper = hashed(json!([{ "alg": "SHA-256", "content": SHA256.to_uppercase() }]));
    let subject = facts(Kind::Sbom, &upper).unwrap().subject.unwrap();
    assert_eq!(subject.digest.sha256.as_deref(), Some(SHA256));
}

#[test]
fn members_that_the_schema_does_not_know_or_types_are_refused() {
    let mut document = bom(json!({ "type": "file", "name": "a" }));
    assert_eq!(code(Kind::Sbom, &document), "ok");
    document["runs"] = json!([]);
    assert_eq!(code(Kind::Sbom, &document), "cyclonedx-schema-invalid");
    assert_eq!(code(Kind::Sbom, &bom(json!(null))), "cyclonedx-schema-invalid");
    assert_eq!(code(Kind::Sbom, &bom(json!({ "type": "file", "name": 1 }))), "cyclonedx-schema-invalid");
    let mut late = bom(json!({ "type": "file", "name": "a" }));
    late["metadata"]["timestamp"] = json!("2025-13-01T00:00:00Z");
    assert_eq!(code(Kind::Sbom, &late), "cyclonedx-schema-invalid");
}

#[test]
fn an_sbom_names_its_subject_and_its_components_in_order() {
    let facts = of_vector(Kind::Sbom, "statements/orders-api-1.4.2.cdx.json");
    assert_eq!(facts.format, "CycloneDX 1.6");
    let subject = facts.subject.unwrap();
    assert_eq!(subject.purl.as_deref(), Some("pkg:generic/orders-api@1.4.2"));
    assert_eq!((subject.digest.sha256.as_deref(), subject.version.as_deref()), (Some(SHA256), Some("1.4.2")));
    assert_eq!(facts.ts.unwrap().rfc3339(), "2026-01-01T00:00:00Z");
    let names: Vec<&str> = facts.components.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names[..3], ["tokio", "rdkafka", "serde"]);
    assert_eq!(facts.components[0].purl.as_deref(), Some("pkg:cargo/tokio@1.47.1"));
    assert!(facts.components[0].sha256.is_some());

    let mut nested =
        bom(json!({ "type": "file", "name": "root", "components": [{ "type": "file", "name": "in root" }] }));
    let inner = json!({ "type": "file", "name": "b", "components": [{ "type": "file", "name": "in b" }] });
    nested["components"] = json!([{ "type": "file", "name": "a" }, inner, { "type": "file", "name": "c" }]);
    let facts = self::facts(Kind::Sbom, &nested).unwrap();
    let names: Vec<&str> = facts.components.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["in root", "a", "b", "in b", "c"]);
    assert_eq!(facts.subject, None, "a name alone is no subject");
}

fn vex(statement: Value) -> Value {
    json!({ "@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://example.com/vex/1", "author": "A", "version": 1,
        "timestamp": "2026-01-02T08:00:00Z", "statements": [statement] })
}

#[test]
fn each_status_has_its_rule() {
    let with = |status: &str, extra: Value| {
        let mut statement = json!({ "vulnerability": { "name": "CVE-1" }, "status": status,
            "products": [{ "@id": "pkg:npm/a@1" }] });
        statement.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        code(Kind::Vex, &vex(statement))
    };
    let justified = json!({ "justification": "component_not_present" });
    let cases = [
        ("not_affected", json!({}), "vex-schema-invalid"),
        ("affected", json!({}), "vex-schema-invalid"),
        ("exploitable", json!({}), "vex-schema-invalid"),
        ("not_affected", json!({ "justification": "analysis_ongoing" }), "vex-schema-invalid"),
        ("not_affected", json!({ "impact_statement": " " }), "vex-status-unexplained"),
        ("affected", json!({ "action_statement": "" }), "vex-status-unexplained"),
        ("fixed", justified.clone(), "vex-status-unexplained"),
        ("under_investigation", justified.clone(), "vex-status-unexplained"),
        ("fixed", json!({ "timestamp": "2026-01-02" }), "vex-schema-invalid"),
        ("not_affected", justified, "ok"),
        ("not_affected", json!({ "impact_statement": "never called" }), "ok"),
        ("affected", json!({ "action_statement": "update" }), "ok"),
        ("fixed", json!({}), "ok"),
        ("under_investigation", json!({}), "ok"),
    ];
    for (status, extra, expected) in cases {
        assert_eq!(with(status, extra.clone()), expected, "{status} {extra}");
    }
}

#[test]
fn a_vex_document_names_its_products_once_and_dates_its_statements() {
    let facts = of_vector(Kind::Vex, "statements/orders-api-1.4.2.openvex.json");
    let subject = facts.subject.unwrap();
    assert_eq!(subject.purl.as_deref(), Some("pkg:generic/orders-api@1.4.2"));
    assert_eq!(
        subject.digest.sha256.as_deref(),
        Some(SHA256),
        "a product named again without its hash is the same one"
    );
    assert_eq!(facts.subjects, Vec::<Subject>::new());
    assert_eq!(facts.author.as_deref(), Some("Example Security <security@example.com>"));
    let first = &facts.statements[0];
    assert_eq!((first.vulnerability.as_str(), first.status.as_str()), ("CVE-2025-24898", "not_affected"));
    assert_eq!(first.aliases, ["RUSTSEC-2025-0004", "GHSA-rpmj-rpgj-qmpm"]);
    assert_eq!(first.products[0].id, "pkg:generic/orders-api@1.4.2");
    assert_eq!(first.products[0].subcomponents, ["pkg:cargo/openssl@0.10.66"]);
    assert_eq!(first.justification.as_deref(), Some("vulnerable_code_not_in_execute_path"));
    assert_eq!(facts.statements[1].ts, facts.ts, "a statement without a time has the document's");
    let statuses: Vec<&str> = facts.statements.iter().map(|s| s.status.as_str()).collect();
    assert_eq!(statuses, ["not_affected", "under_investigation", "affected", "fixed"]);
}

#[test]
fn products_with_unlike_hashes_stay_apart_and_a_wrong_hash_is_refused() {
    let products =
        |list: Value| vex(json!({ "vulnerability": { "name": "CVE-1" }, "status": "fixed", "products": list }));
    let hashed = |hex: &str| json!({ "@id": "pkg:npm/a@1", "hashes": { "sha-256": hex } });
    assert_eq!(code(Kind::Vex, &products(json!([hashed("00")]))), "digest-invalid");
    let other = SHA256.replace("68", "69");
    let facts =
        facts(Kind::Vex, &products(json!([hashed(SHA256), hashed(&other), { "@id": "https://example.com/a" }])));
    let facts = facts.unwrap();
    assert_eq!((facts.subject, facts.subjects.len()), (None, 2));
    assert_eq!(facts.statements[0].products.len(), 3);
}

fn sarif(run: Value) -> Value {
    json!({ "version": "2.1.0", "runs": [run] })
}

fn finding(result: Value, rules: Value) -> attestream::formats::facts::Finding {
    let run = json!({ "tool": { "driver": { "name": "scan", "rules": rules } }, "results": [result] });
    facts(Kind::Scan, &sarif(run)).unwrap().findings.remove(0)
}

#[test]
fn severity_is_that_of_the_score_by_cvss_bands_else_that_of_the_level() {
    let scored = |score: Value, level: &str| {
        let rules = json!([{ "id": "R", "properties": { "security-severity": score } }]);
        let result = json!({ "ruleId": "R", "ruleIndex": 0, "level": level, "message": { "text": "m" } });
        finding(result, rules).severity.unwrap()
    };
    let bands = [
        ("10.0", "CRITICAL"),
        ("9.0", "CRITICAL"),
        ("8.9", "HIGH"),
        ("7.0", "HIGH"),
        ("6.9", "MEDIUM"),
        ("4.0", "MEDIUM"),
        ("3.9", "LOW"),
        ("0.1", "LOW"),
        ("0.0", "NONE"),
    ];
    for (score, band) in bands {
        assert_eq!(scored(json!(score), "note"), band, "{score}");
        assert_eq!(scored(json!(score.parse::<f64>().unwrap()), "note"), band, "{score}");
    }
    for no_score in ["11", "-1", "NaN", "inf", "high", ""] {
        assert_eq!(scored(json!(no_score), "error"), "HIGH", "{no_score}");
    }
    let plain = |result: Value| finding(result, json!([])).severity.unwrap();
    let text = json!({ "text": "m" });
    assert_eq!(plain(json!({ "ruleId": "R", "level": "note", "message": text })), "LOW");
    assert_eq!(plain(json!({ "ruleId": "R", "level": "none", "message": text })), "NONE");
    assert_eq!(plain(json!({ "ruleId": "R", "message": text })), "MEDIUM", "the format's default level is warning");
    assert_eq!(plain(json!({ "ruleId": "R", "kind": "open", "message": text })), "NONE");
    let rules = json!([{ "id": "R", "defaultConfiguration": { "level": "error" } }]);
    assert_eq!(finding(json!({ "ruleId": "R/1", "message": text }), rules.clone()).severity.unwrap(), "HIGH");
    let elsewhere = json!({ "ruleId": "S", "ruleIndex": 0, "message": text });
    assert_eq!(
        finding(elsewhere, rules).severity.unwrap(),
        "MEDIUM",
        "an index that leads to another rule lends nothing"
    );
}

#[test]
fn a_finding_says_why_and_what_it_does_not_say() {
    let facts = of_vector(Kind::Scan, "statements/orders-api-1.4.2.sarif");
    let found = &facts.findings[0];
    assert_eq!((found.id.as_str(), found.severity.as_deref()), ("CVE-2025-24898", Some("MEDIUM")));
    assert_eq!(found.purl.as_deref(), Some("pkg:cargo/openssl@0.10.66"));
    assert_eq!(found.file_path.as_deref(), Some("orders-api-1.4.2.tar.gz"));
    assert_eq!(found.unexplained, ["exploitability", "symbols", "callStack", "entryPoint"]);
    let scan = facts.scan.unwrap();
    assert_eq!((scan.scanner.as_deref(), scan.scanner_version.as_deref()), (Some("example-scan"), Some("3.2.0")));
    assert_eq!((scan.db_snapshot, scan.image_digests), (None, vec![]));

    let frame = |name: &str| json!({ "location": { "logicalLocations": [{ "fullyQualifiedName": name }] } });
    let explained = finding(
        json!({ "ruleId": "CVE-1", "message": { "text": "m" },
            "locations": [{ "physicalLocation": { "artifactLocation": { "uri": "src/a.rs" } },
                "logicalLocations": [{ "fullyQualifiedName": "a::parse", "kind": "function" },
                    { "fullyQualifiedName": "pkg:cargo/a@1" }, { "name": "a", "kind": "module" }] }],
            "stacks": [{ "frames": [frame("a::parse"), frame("b::run"), frame("main")] }],
            "properties": { "exploitability": "affected" } }),
        json!([]),
    );
    assert_eq!(explained.symbols, ["a::parse"]);
    assert_eq!(explained.call_stack, ["main", "b::run", "a::parse"]);
    assert_eq!(explained.entry_point.as_deref(), Some("main"));
    assert_eq!(explained.unexplained, Vec::<String>::new());
}

#[test]
fn what_is_no_problem_or_gone_is_no_finding_and_suppressions_hide_nothing() {
    let result = |extra: Value| {
        let mut result = json!({ "ruleId": "R", "message": { "text": "m" } });
        result.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let run = json!({ "tool": { "driver": { "name": "scan" } }, "results": [result] });
        facts(Kind::Scan, &sarif(run)).unwrap().findings.len()
    };
    assert_eq!(result(json!({ "kind": "pass" })), 0);
    assert_eq!(result(json!({ "kind": "notApplicable" })), 0);
    assert_eq!(result(json!({ "baselineState": "absent" })), 0);
    assert_eq!(result(json!({ "kind": "review" })), 1);
    assert_eq!(result(json!({ "suppressions": [{ "kind": "inSource" }] })), 1);
    let external = json!({ "tool": { "driver": { "name": "scan" } },
        "externalPropertyFileReferences": { "results": [{ "location": { "uri": "more.sarif" } }] } });
    assert_eq!(code(Kind::Scan, &sarif(external)), "sarif-results-external");
}

#[test]
fn scan_inputs_are_read_from_the_properties_and_digests_are_digests() {
    let digest = format!("sha256:{SHA256}");
    let run = |properties: Value| {
        sarif(json!({ "tool": { "driver": { "name": "scan", "version": "2" } }, "properties": properties }))
    };
    let facts = facts(
        Kind::Scan,
        &run(json!({ "imageDigests": [digest.to_uppercase().replace("SHA256", "sha256")],
        "sbomDigests": [digest], "dbSnapshot": "2025-10-01", "configHash": "sha256:ab" })),
    )
    .unwrap();
    let scan = facts.scan.unwrap();
    assert_eq!((scan.image_digests, scan.sbom_digests), (vec![digest.clone()], vec![digest.clone()]));
    assert_eq!((scan.db_snapshot.as_deref(), scan.config_hash.as_deref()), (Some("2025-10-01"), Some("sha256:ab")));
    assert_eq!(facts.subject.unwrap().digest.sha256.as_deref(), Some(SHA256), "the one image is the subject");
    let trivy = self::facts(Kind::Scan, &run(json!({ "repoDigests": [format!("alpine@{digest}")] }))).unwrap();
    assert_eq!(trivy.scan.unwrap().image_digests, [digest]);
    assert_eq!(code(Kind::Scan, &run(json!({ "imageDigests": ["sha256:ab"] }))), "digest-invalid");
    assert_eq!(code(Kind::Scan, &run(json!({ "imageDigests": "sha256:ab" }))), "digest-invalid");
    assert_eq!(code(Kind::Scan, &run(json!({ "subject": { "digest": { "sha256": "ab" } } }))), "digest-invalid");
    let contradiction = json!({ "imageDigests": [format!("sha256:{SHA256}")],
        "subject": { "digest": { "sha256": SHA256.replace("68", "69") } } });
    assert_eq!(code(Kind::Scan, &run(contradiction)), "subject-mismatch");
}
