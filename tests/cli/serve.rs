//! `up`, and what talks to it.

use std::fs;

use attestream::event::Millis;
use attestream::signing::Authority;
use serde_json::Value;

use super::process::{Running, until};

fn code(answer: &(u16, String)) -> (u16, String) {
    let problem: Value = serde_json::from_str(&answer.1).unwrap();
    assert_eq!(problem["status"], answer.0, "{problem}");
    (answer.0, problem["code"].as_str().unwrap().to_owned())
}

#[test]
fn what_is_published_is_there_after_a_restart_with_its_fate() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new("acme", 7, Millis(1_750_000_000_000)).unwrap();
    let trust = folder.path().join("acme.yaml");
    fs::write(&trust, authority.tenant_trust("acme", "none").to_string()).unwrap();
    let data = folder.path().join("data");

    let running = Running::up(&data, &[]);
    assert_eq!(running.get("/livez").0, 200);
    running.until_ready();
    let (exit, _, stderr) = running.command(&["tail", "events.enriched", "--from-beginning", "--until-end"]);
    assert_eq!((exit, stderr.as_str()), (3, ""), "nothing there yet");
    let (exit, stdout, stderr) = running.command(&["trust", "activate", trust.to_str().unwrap()]);
    assert_eq!(exit, 0, "{stdout}{stderr}");
    let (exit, stdout, stderr) =
        running.command(&["publish", "--tenant", "acme", "--format", "json", "config/samples"]);
    assert_eq!(exit, 0, "{stdout}{stderr}");
    let lines: Vec<Value> = stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.last().unwrap()["summary"], serde_json::json!({ "published": 3, "skipped": 1, "failed": 0 }));
    assert_eq!(running.command(&["publish", "--tenant", "nobody", "config/samples/payments.cdx.json"]).0, 0);
    assert_eq!(running.command(&["publish", "--tenant", "acme", "Cargo.toml"]).0, 1);
    until("enriched", || running.records("events.enriched").len() == 3);
    until("dead-lettered", || running.records("events.dead-letter").len() == 1);
    let kinds: Vec<String> = running
        .records("events.enriched")
        .iter()
        .map(|record| {
            let event: Value = serde_json::from_str(record["value"].as_str().unwrap()).unwrap();
            assert_eq!(event["trust"]["status"], "missing");
            event["kind"].to_string()
        })
        .collect();
    assert!(["\"SBOM\"", "\"VEX\"", "\"SCAN\""].iter().all(|kind| kinds.iter().any(|of| of == kind)), "{kinds:?}");
    let (_, metrics) = running.get("/metrics");
    assert!(metrics.contains(r#"attestream_fates_total{fate="admitted",role="admission"} 3"#), "{metrics}");
    assert!(metrics.contains(r#"attestream_dead_letters_total{code="tenant-unknown",topic="sbom.submitted"} 1"#));
    until("lag", || running.get("/metrics").1.contains(r#"attestream_lag_records{partition="0",role="ledger""#));
    let before = running.records("events.enriched");
    assert_eq!(running.stop(), 0);

    let running = Running::up(&data, &[]);
    running.until_ready();
    assert_eq!(running.records("events.enriched"), before);
    assert_eq!(running.command(&["publish", "--tenant", "acme", "config/samples/payments.cdx.json"]).0, 0);
    until("repeated", || {
        running.get("/metrics").1.contains(r#"attestream_fates_total{fate="repeated",role="ledger"} 1"#)
    });
    assert_eq!(running.records("events.enriched"), before, "a repetition publishes nothing");
    assert_eq!(running.stop(), 0);
}

#[test]
fn a_full_disk_is_waited_for_and_takes_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::up(&folder.path().join("data"), &[]);
    running.until_ready();
    let publish = |text: &str| running.post("/topics/sbom.submitted", &[("x-tenant", "nobody")], text.as_bytes()).0;
    let dead = || running.records("events.dead-letter").len();
    assert_eq!(publish("1"), 202);
    until("dead-lettered", || dead() == 1);
    let before = running.records("events.dead-letter");
    // A partition whose state could not be written stops until the next start, by its own rule.
    until("folded", || folded(&running.get("/metrics").1) == running.records("attestream.ledger").len());

    running.disk_is_full();
    assert_eq!(publish("2"), 503);
    assert_eq!(publish("3"), 503, "nothing follows a write whose outcome nobody knows");
    running.disk_has_room();
    until("writing again", || publish("4") == 202);
    until("dead-lettered", || dead() >= 2);
    running.until_ready();
    assert_eq!(running.records("events.dead-letter")[..1], before);
    assert_eq!(running.stop(), 0);
}

/// How many ledger records all partitions have folded.
fn folded(metrics: &str) -> usize {
    let positions = metrics.lines().filter(|line| line.starts_with("attestream_fold_position{"));
    positions.map(|line| line.rsplit(' ').next().unwrap().parse::<usize>().unwrap()).sum()
}

#[test]
fn refusals_are_problem_documents_with_stable_codes() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::up(folder.path(), &[]);
    running.until_ready();
    let said = |code: u16, name: &str| (code, name.to_owned());
    assert_eq!(code(&running.get("/nothing")), said(404, "not-found"));
    assert_eq!(code(&running.get("/control")), said(405, "method-not-allowed"));
    assert_eq!(code(&running.post("/topics/none", &[], b"{}")), said(404, "topic-unknown"));
    assert_eq!(code(&running.post("/topics/attestream.ledger", &[], b"{}")), said(409, "topic-not-an-input"));
    assert_eq!(code(&running.post("/topics/sbom.submitted", &[("x-tenant", "A")], b"{}")), said(400, "tenant-invalid"));
    let large = vec![b' '; 4 * 1024 * 1024];
    assert_eq!(code(&running.post("/topics/sbom.submitted", &[], &large)), said(413, "record-too-large"));
    // So is one that would fit without the frame that a producer puts around it: refused there, it would fail others too.
    let framed = &large[..large.len() - 1_000];
    assert_eq!(code(&running.post("/topics/sbom.submitted", &[], framed)), said(413, "record-too-large"));
    assert_eq!(code(&running.get("/topics/events.verified/records?from=x")), said(400, "query-invalid"));
    assert_eq!(code(&running.get("/topics/none/records")), said(404, "topic-unknown"));
    let page = [("origin", "https://evil.example")];
    assert_eq!(code(&running.post("/topics/sbom.submitted", &page, b"{}")), said(403, "loopback-only"));
    assert_eq!(code(&running.post("/control", &[("host", "evil.example")], b"{}")), said(403, "loopback-only"));
    assert_eq!(code(&running.post("/control", &[], b"{}")), said(400, "control-invalid"));
    let tick = br#"{"tick":{"at":"2030-01-01T00:00:00Z"}}"#;
    assert_eq!(code(&running.post("/control", &[], tick)), said(422, "control-refused"));
    let reserved = br#"{"tenant":{"tenant":"0.system","log":"proof","threshold":1}}"#;
    assert_eq!(code(&running.post("/control", &[], reserved)), said(422, "control-refused"));
    let threshold = br#"{"tenant":{"tenant":"acme","log":"proof","threshold":3}}"#;
    assert_eq!(code(&running.post("/control", &[], threshold)), said(422, "control-refused"));
    assert_eq!(running.records("attestream.control").len(), 1, "nothing but genesis");
    assert_eq!(running.stop(), 0);
}

#[test]
fn a_second_process_on_the_same_folder_is_refused_and_a_differing_configuration_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let running = Running::up(&data, &[]);
    running.until_ready();
    let arguments = ["up", "--data", data.to_str().unwrap(), "--listen", "127.0.0.1:0"];
    let (exit, _, stderr) = super::process::run(&arguments);
    assert_eq!(exit, 4);
    assert!(stderr.contains("store-locked"), "{stderr}");
    let genesis = running.records("attestream.control");
    assert_eq!(running.stop(), 0);

    let config = folder.path().join("other.yaml");
    fs::write(&config, "verifier: another\ntenants: [{ tenant: acme }]\nledger: { partitions: 7 }").unwrap();
    let running = Running::up(&data, &["--config", config.to_str().unwrap()]);
    running.until_ready();
    assert_eq!(running.records("attestream.control"), genesis);
    assert_eq!(running.stop(), 0);
}

#[test]
fn without_a_broker_the_process_lives_is_not_ready_and_ends_in_order() {
    let folder = tempfile::tempdir().unwrap();
    // Nobody listens on a port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let running = Running::up(folder.path(), &["--brokers", &port.to_string()]);
    until("not ready for want of a broker", || {
        let (status, text) = running.get("/readyz");
        assert_eq!(running.get("/livez").0, 200);
        assert_eq!(status, 503, "{text}");
        text.contains("worker-waiting") && text.contains("no broker")
    });
    assert_eq!(running.stop(), 0);
}
