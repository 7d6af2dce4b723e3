//! The same commands on a cluster: straight to the brokers that the configuration names.

use std::fs;

use attestream::event::Millis;
use attestream::signing::Authority;
use serde_json::Value;

use super::process::{Running, run, until};
use crate::broker;

#[test]
fn the_same_commands_work_on_a_cluster() {
    let Some(cluster) = broker::shared() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (brokers, prefix) = (cluster.brokers(), cluster.settings().topic_prefix);
    let config = folder.path().join("attestream.yaml");
    let kafka = serde_json::json!({ "brokers": brokers, "topicPrefix": prefix, "instance": "a" });
    fs::write(&config, serde_json::json!({ "kafka": kafka, "ledger": { "replicasMax": 1 } }).to_string()).unwrap();
    let authority = Authority::new("acme", 7, Millis(1_750_000_000_000)).unwrap();
    let trust = folder.path().join("acme.yaml");
    fs::write(&trust, authority.tenant_trust("acme", "none").to_string()).unwrap();
    let (config, trust, data) = (config.to_str().unwrap(), trust.to_str().unwrap(), folder.path().join("data"));
    let call = |arguments: &[&str]| {
        let mut arguments = arguments.to_vec();
        arguments.extend(["--config", config]);
        run(&arguments)
    };

    let (exit, stdout, _) = call(&["topics", "plan"]);
    assert_eq!((exit, stdout.matches(": create with ").count()), (1, attestream::event::Topic::ALL.len()), "{stdout}");
    let (exit, stdout, stderr) = call(&["topics", "apply"]);
    assert_eq!(exit, 0, "{stdout}{stderr}");
    assert!(stdout.contains("genesis written: ledger "), "{stdout}");
    assert_eq!(call(&["topics", "plan"]).0, 0);
    let (_, stdout, _) = call(&["ledger", "init"]);
    assert!(stdout.contains("there is a genesis already"), "{stdout}");

    let running = Running::up(&data, &["--config", config]);
    let (exit, stdout, stderr) = call(&["trust", "activate", trust]);
    assert_eq!(exit, 0, "{stdout}{stderr}");
    let (exit, stdout, stderr) = call(&["publish", "--tenant", "acme", "config/samples"]);
    assert_eq!(exit, 0, "{stdout}{stderr}");
    running.until_ready();
    let tail = |topic: &str| {
        let (_, stdout, _) = call(&["tail", topic, "--from-beginning", "--until-end", "--format", "json"]);
        stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>()
    };
    until("enriched", || tail("events.enriched").len() == 3);
    assert_eq!(running.records("events.enriched").len(), 3, "through the process too");
    assert_eq!(running.post("/topics/sbom.submitted", &[("x-tenant", "nobody")], b"{}").0, 202);
    until("dead-lettered", || tail("events.dead-letter").len() == 1);

    // A tenant with topics of its own: they must be there before its entry comes into force.
    let entry = folder.path().join("initech.yaml");
    let topics = serde_json::json!({ "inputs": ["sbom.submitted"], "outputs": ["events.enriched"] });
    fs::write(&entry, serde_json::json!({ "tenant": "initech", "topics": topics }).to_string()).unwrap();
    let activate = ["trust", "activate", entry.to_str().unwrap()];
    let (exit, _, stderr) = call(&activate);
    assert!(exit == 1 && stderr.contains("topics apply"), "{exit} {stderr}");
    let with_tenant =
        serde_json::json!({ "kafka": kafka, "ledger": { "replicasMax": 1 }, "tenants": ["initech.yaml"] });
    fs::write(config, with_tenant.to_string()).unwrap();
    let (exit, stdout, _) = call(&["topics", "plan"]);
    assert_eq!((exit, stdout.matches(": create with ").count()), (1, 2), "{stdout}");
    assert_eq!(call(&["topics", "apply"]).0, 0);
    assert_eq!(call(&activate).0, 0);
    let (exit, stdout, stderr) = call(&["publish", "--tenant", "initech", "config/samples/payments.cdx.json"]);
    assert!(exit == 0 && stdout.contains("initech.sbom.submitted"), "{stdout}{stderr}");
    until("enriched on its own topic", || tail("initech.events.enriched").len() == 1);
    assert_eq!(running.records("initech.events.enriched").len(), 1, "through the process too");
    assert_eq!(running.stop(), 0);

    // The same ledger in other hands: each role in a process of its own, with no state yet.
    let role = |role: &str| {
        let arguments = ["run", "--role", role, "--instance", "b", "--config", config];
        Running::start(&folder.path().join(role), &arguments)
    };
    let (admission, ledger) = (role("admission"), role("ledger"));
    admission.until_ready();
    ledger.until_ready();
    assert_eq!(call(&["publish", "--tenant", "acme", "config/samples"]).0, 0);
    let repeated = r#"attestream_fates_total{fate="repeated",role="ledger"} 3"#;
    until("repeated", || ledger.get("/metrics").1.contains(repeated));
    assert_eq!(tail("events.enriched").len(), 3, "a repetition publishes nothing");
    assert_eq!((admission.stop(), ledger.stop()), (0, 0));
}
