//! Tenants' own topics on a real broker: their manifests, `topics plan` and `apply`, and the whole path.

use std::collections::BTreeSet;

use attestream::event::{Tenant, Topic, TopicName};
use attestream::kafka::manifest::Manifest;
use attestream::kafka::topics::{Difference, apply, export, plan};
use attestream::log::Log as _;
use serde_json::Value;

use crate::broker;
use crate::spine::own::whole_path;

fn own(tenant: &str, topics: &[Topic]) -> Vec<TopicName> {
    let tenant = Tenant::new(tenant).unwrap();
    topics.iter().map(|topic| TopicName::own(&tenant, *topic)).collect()
}

#[test]
fn a_tenant_with_topics_of_its_own_beside_one_without_on_kafka() {
    let Some(cluster) = broker::shared() else { return };
    let mut counts: Vec<(TopicName, u32)> = Topic::ALL.iter().map(|topic| ((*topic).into(), 1)).collect();
    let topics = [Topic::SbomSubmitted, Topic::AttestationPublished, Topic::Enriched, Topic::Verified, Topic::Timeline];
    for tenant in ["acme", "initech"] {
        counts.extend(own(tenant, &topics).into_iter().map(|name| (name, 2)));
    }
    whole_path(&cluster.log_of(counts));
}

#[test]
fn apply_makes_own_topics_like_the_shared_ones() {
    let Some(cluster) = broker::shared() else { return };
    // Everything shared is there already, with too few partitions of some: only the own ones are looked at.
    let shared: Vec<(Topic, u32)> = Topic::ALL.iter().map(|topic| (*topic, 1)).collect();
    let log = cluster.log_with(cluster.settings(), &shared);
    let names = own("acme", &[Topic::SbomSubmitted, Topic::Verified]);
    let of_own = |differences: &[Difference]| -> BTreeSet<String> {
        let own = differences.iter().filter(|one| one.topic().owner.is_some());
        own.map(ToString::to_string).collect()
    };
    let planned = of_own(&plan(&log, &names, Some(1)).unwrap());
    let create = |name: &str| format!("{name}: create with 12 partitions and 1 replicas");
    assert_eq!(planned, ["acme.events.verified", "acme.sbom.submitted"].map(create).into());
    let applied = apply(&log, &names, Some(1)).unwrap();
    assert_eq!(of_own(&applied.done), planned);
    let ledger = Difference::FixedPartitions { topic: Topic::Ledger.into(), wanted: 12, found: 1 };
    assert!(applied.left.contains(&ledger), "the ledger's partitions are never added");
    for name in &names {
        assert_eq!(log.partitions(*name).unwrap(), Manifest::of(*name, None).unwrap().partitions);
    }
    assert!(of_own(&plan(&log, &names, Some(1)).unwrap()).is_empty());
}

#[test]
fn manifests_of_own_topics_are_those_of_the_shared_ones_for_their_tenant_alone() {
    let names: Vec<TopicName> =
        [own("acme", &[Topic::SbomSubmitted, Topic::Verified]), own("a_b-", &[Topic::VexSubmitted])].concat();
    let text = export(&names);
    let documents: Vec<Value> =
        text.split("---\n").skip(1).map(|document| serde_saphyr::from_str(document).unwrap()).collect();
    let kind = |kind: &'static str| documents.iter().filter(move |one| one["kind"] == kind);
    let resources: BTreeSet<&str> = documents.iter().map(|one| one["metadata"]["name"].as_str().unwrap()).collect();
    assert_eq!(resources.len(), documents.len(), "no two of one name");
    let alnum = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let label = |label: &str| alnum(label.chars().next()) && alnum(label.chars().last()) && !label.contains('_');
    assert!(resources.iter().all(|name| name.split('.').all(label)), "{resources:?}");
    for name in &names {
        let of = |name: String| kind("KafkaTopic").find(|one| one["spec"]["topicName"] == name.as_str()).unwrap();
        let (mut own, mut shared) = (of(name.to_string())["spec"].clone(), of(name.topic.to_string())["spec"].clone());
        own["topicName"] = Value::Null;
        shared["topicName"] = Value::Null;
        assert_eq!(own, shared, "{name}");
    }

    let mut rights: BTreeSet<(String, String, String)> = BTreeSet::new();
    for user in kind("KafkaUser") {
        for acl in user["spec"]["authorization"]["acls"].as_array().unwrap() {
            if acl["resource"]["type"] != "topic" {
                continue;
            }
            assert_eq!(acl["resource"]["patternType"], "literal");
            let said = |value: &Value| value.as_str().unwrap().to_owned();
            for operation in acl["operations"].as_array().unwrap() {
                rights.insert((said(&user["metadata"]["name"]), said(&acl["resource"]["name"]), said(operation)));
            }
        }
    }
    let who = |topic: &str, operation: &str| -> Vec<&str> {
        let may = rights.iter().filter(|(_, one, other)| one == topic && other == operation);
        may.map(|(user, ..)| user.as_str()).collect()
    };
    assert_eq!(who("acme.sbom.submitted", "Write"), ["attestream-gateway", "attestream-producer-acme"]);
    assert!(who("acme.sbom.submitted", "Read").contains(&"attestream-admission"));
    assert_eq!(who("acme.events.verified", "Write"), ["attestream-ledger"]);
    assert!(who("acme.events.verified", "Read").contains(&"attestream-consumer-acme"));
    assert!(!who("acme.events.verified", "Read").contains(&"attestream-consumer"));
    let stranger = who("a_b-.vex.submitted", "Write");
    assert!(stranger.iter().any(|user| user.starts_with("attestream-producer-tenant-")), "{stranger:?}");
    let of_acme = rights.iter().filter(|(user, ..)| user == "attestream-producer-acme");
    assert!(of_acme.clone().count() > 0 && of_acme.into_iter().all(|(_, topic, _)| topic == "acme.sbom.submitted"));
}
