//! Tenants' own topics and limits, as the command line and HTTP show them.

use std::fs;

use serde_json::{Value, json};

use super::process::{Running, run, until};

fn code(answer: &(u16, String)) -> (u16, String) {
    let problem: Value = serde_json::from_str(&answer.1).unwrap();
    assert_eq!(problem["status"], answer.0, "{problem}");
    (answer.0, problem["code"].as_str().unwrap().to_owned())
}

fn said(code: u16, name: &str) -> (u16, String) {
    (code, name.to_owned())
}

#[test]
fn a_tenant_with_topics_of_its_own_publishes_and_reads_there_and_limits_are_answered() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("attestream.yaml");
    let topics = json!({ "inputs": ["sbom.submitted", "vex.submitted"], "outputs": ["events.enriched"] });
    let acme = json!({ "tenant": "acme", "topics": topics, "quota": { "recordBytes": 100_000 } });
    let slow = json!({ "tenant": "slow", "quota": { "recordBytes": 10, "bytesPerSecond": 1 } });
    fs::write(&config, json!({ "tenants": [acme, slow, { "tenant": "globex" }] }).to_string()).unwrap();
    let running = Running::up(&folder.path().join("data"), &["--config", config.to_str().unwrap()]);
    running.until_ready();

    let document = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/config/samples/payments.cdx.json")).unwrap();
    let post = |topic: &str, tenant: &str, body: &[u8]| {
        let headers = [("x-tenant", tenant)];
        running.post(&format!("/topics/{topic}"), if tenant.is_empty() { &[] } else { &headers }, body)
    };
    assert_eq!(code(&post("globex.sbom.submitted", "", &document)), said(404, "topic-unknown"));
    assert_eq!(code(&post("nobody.sbom.submitted", "", &document)), said(404, "topic-unknown"));
    assert_eq!(code(&post("acme.scan.completed", "", &document)), said(404, "topic-unknown"));
    assert_eq!(code(&post("acme.events.enriched", "", &document)), said(409, "topic-not-an-input"));
    assert_eq!(code(&post("acme.sbom.submitted", "globex", &document)), said(403, "tenant-mismatch"));
    assert_eq!(code(&post("sbom.submitted", "acme", &document)), said(403, "tenant-mismatch"));
    assert_eq!(code(&post("acme.sbom.submitted", "", &[b' '; 100_001])), said(413, "record-too-large"));
    assert_eq!(code(&running.get("/topics/globex.events.enriched/records")), said(404, "topic-unknown"));
    assert_eq!(code(&running.get("/topics/acme.events.verified/records")), said(404, "topic-unknown"));
    // The first takes more than a minute's worth, which is then owed.
    assert_eq!(code(&post("sbom.submitted", "slow", b"0123456789x")), said(413, "record-too-large"));
    assert_eq!(post("sbom.submitted", "slow", b"0123456789").0, 202);
    assert_eq!(code(&post("sbom.submitted", "slow", b"0")), said(429, "rate-exceeded"));
    assert_eq!(post("sbom.submitted", "globex", &document).0, 202, "a limit is its tenant's alone");
    let (status, answer) = post("acme.sbom.submitted", "", &document);
    assert_eq!(status, 202, "{answer}");
    assert_eq!(serde_json::from_str::<Value>(&answer).unwrap()["topic"], "acme.sbom.submitted");

    // The client finds the tenant's own topic by itself, or takes it by name.
    let samples = ["payments.cdx.json", "payments.openvex.json"].map(|name| format!("config/samples/{name}"));
    let (exit, stdout, stderr) = running.command(&["publish", "--tenant", "acme", &samples[0], &samples[1]]);
    assert_eq!(exit, 0, "{stdout}{stderr}");
    assert!(stdout.contains("acme.sbom.submitted") && stdout.contains("acme.vex.submitted"), "{stdout}");
    let publish =
        |tenant: &str, topic: &str| running.command(&["publish", "--tenant", tenant, "--topic", topic, &samples[0]]).0;
    assert_eq!(publish("acme", "acme.sbom.submitted"), 0);
    assert_eq!(publish("acme", "sbom.submitted"), 1, "what is asked for by name is not changed");
    assert_eq!(publish("globex", "acme.sbom.submitted"), 2);
    until("enriched", || running.records("acme.events.enriched").len() == 2);
    until("enriched", || running.records("events.enriched").len() == 1);
    let (exit, stdout, _) = running.command(&["tail", "acme.events.enriched", "--from-beginning", "--until-end"]);
    assert_eq!((exit, stdout.lines().count()), (0, 2), "{stdout}");
    assert!(stdout.contains("acme.events.enriched-0@"), "{stdout}");
    let source: Value = {
        let records: Vec<Value> = running.records("attestream.ledger");
        let own = records.iter().filter_map(|record| record["value"].as_str());
        let parsed = own.map(|value| serde_json::from_str::<Value>(value).unwrap());
        parsed.map(|value| value["body"]["admitted"]["source"]["topic"].clone()).find(|topic| !topic.is_null()).unwrap()
    };
    assert!(["acme.sbom.submitted", "sbom.submitted", "acme.vex.submitted"].iter().any(|topic| source == *topic));
    let metrics = running.get("/metrics").1;
    assert!(metrics.contains(r#"attestream_rate_refused_total{tenant="slow"} 1"#), "{metrics}");
    assert!(metrics.contains(r#"topic="acme.sbom.submitted""#), "{metrics}");

    // A new tenant's topics are read without a restart; outputs stay where they began.
    let activate = |entry: Value| {
        let file = folder.path().join("entry.yaml");
        fs::write(&file, entry.to_string()).unwrap();
        running.command(&["trust", "activate", file.to_str().unwrap()])
    };
    let topics = json!({ "inputs": ["sbom.submitted"], "outputs": ["events.enriched"] });
    assert_eq!(activate(json!({ "tenant": "initech", "topics": topics })).0, 0);
    assert_eq!(post("initech.sbom.submitted", "", &document).0, 202);
    until("enriched", || running.records("initech.events.enriched").len() == 1);
    let (exit, _, stderr) = activate(json!({ "tenant": "initech", "topics": { "inputs": ["sbom.submitted"] } }));
    assert!(exit == 1 && stderr.contains("control-refused"), "{stderr}");
    let topics = json!({ "inputs": ["sbom.submitted", "vex.submitted"], "outputs": ["events.enriched"] });
    assert_eq!(activate(json!({ "tenant": "initech", "topics": topics, "quota": { "recordBytes": 1 } })).0, 0);
    assert_eq!(code(&post("initech.vex.submitted", "", &document)), said(413, "record-too-large"));
    assert_eq!(running.stop(), 0);
}

#[test]
fn a_configuration_of_topics_that_cannot_be_own_is_refused_and_export_shows_those_that_are() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("attestream.yaml");
    let export = |tenant: Value| {
        fs::write(&config, json!({ "tenants": [tenant] }).to_string()).unwrap();
        run(&["topics", "export", "--config", config.to_str().unwrap()])
    };
    for (wrong, where_it_is) in [
        (json!({ "topics": { "inputs": ["events.verified"] } }), "topics"),
        (json!({ "topics": { "outputs": ["events.dead-letter"] } }), "topics"),
        (json!({ "topics": { "inputs": ["acme.sbom.submitted"] } }), "topics"),
        (json!({ "quota": { "recordsPerSecond": 0 } }), "quota.recordsPerSecond"),
        (json!({ "quota": { "perSecond": 1 } }), "quota.perSecond"),
    ] {
        let mut tenant = json!({ "tenant": "acme" });
        tenant.as_object_mut().unwrap().extend(wrong.as_object().unwrap().clone());
        let (exit, _, stderr) = export(tenant);
        assert!(exit == 2 && stderr.contains(&format!("tenants[0].{where_it_is}")), "{exit} {stderr}");
    }
    let (exit, stdout, _) = export(json!({ "tenant": "acme", "topics": { "inputs": ["sbom.submitted"] } }));
    assert_eq!(exit, 0);
    assert!(stdout.contains("topicName: acme.sbom.submitted\n") && stdout.contains("name: attestream-producer-acme\n"));
    let (exit, shared, _) = run(&["topics", "export"]);
    assert!(exit == 0 && !shared.contains("acme"));
}
