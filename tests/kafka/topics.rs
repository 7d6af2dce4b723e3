//! The manifests, and `topics plan` and `apply` on a real broker.

use std::collections::BTreeSet;
use std::path::Path;

use attestream::event::topic::TopicRole;
use attestream::event::{Topic, limits};
use attestream::kafka::manifest::{Manifest, USERS, text};
use attestream::kafka::topics::{Difference, apply, export, plan};
use attestream::log::Log;
use attestream::processor::WorkerSettings;
use attestream::telemetry::Role;
use rdkafka::admin::{AdminOptions, AlterConfig, ConfigSource, ResourceSpecifier};
use serde_json::Value;

use crate::broker::{self, wait_for};

const MONTHS_18_MS: i64 = 548 * 86_400_000;

fn folder(name: &str) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter_map(|name| name.strip_suffix(".yaml").map(str::to_owned)).collect()
}

#[test]
fn manifests_and_topics_are_the_same_set() {
    let names: BTreeSet<String> = Topic::ALL.iter().map(|topic| topic.name().to_owned()).collect();
    assert_eq!(folder("topics"), names);
    for topic in Topic::ALL {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("topics/{topic}.yaml"));
        assert_eq!(std::fs::read_to_string(file).unwrap(), text(*topic));
        assert_eq!(Manifest::of(*topic, None).unwrap().topic, (*topic).into());
    }
    assert_eq!(export(&[]).matches("\nkind: KafkaTopic\n").count(), Topic::ALL.len());
}

#[test]
fn manifests_keep_what_the_contracts_promise() {
    for topic in Topic::ALL {
        let manifest = Manifest::of(*topic, None).unwrap();
        let config = |name: &str| manifest.config.get(name).map(String::as_str);
        assert_eq!(config("max.message.bytes"), Some(limits::MESSAGE_MAX.to_string().as_str()), "{topic}");
        assert_eq!((manifest.replicas, config("min.insync.replicas")), (3, Some("2")), "{topic}");
        assert_eq!(config("unclean.leader.election.enable"), Some("false"), "{topic}");
        let compacted = matches!(topic, Topic::Enriched | Topic::SignalsProvenance | Topic::Positions);
        assert_eq!(config("cleanup.policy"), Some(if compacted { "compact" } else { "delete" }), "{topic}");
        if matches!(topic, Topic::Ledger | Topic::Work | Topic::Control) {
            assert_eq!((config("retention.ms"), config("retention.bytes")), (Some("-1"), Some("-1")), "{topic}");
        }
        if matches!(topic, Topic::Decisions | Topic::Timeline) {
            let retention: i64 = config("retention.ms").unwrap().parse().unwrap();
            assert!(retention >= MONTHS_18_MS && config("retention.bytes") == Some("-1"), "{topic}: {retention}");
        }
    }
    let control = Manifest::of(Topic::Control, None).unwrap();
    assert_eq!(control.partitions, 1);
    assert_eq!(control.config.get("message.timestamp.type").map(String::as_str), Some("LogAppendTime"));
    assert_eq!(Manifest::of(Topic::Ledger, None).unwrap().partitions, 12);
    let small = Manifest::of(Topic::Ledger, Some(1)).unwrap();
    assert_eq!((small.replicas, small.config.get("min.insync.replicas").map(String::as_str)), (1, Some("1")));
}

/// Who may do what to which topic, from the users' manifests.
fn rights(user: &Value) -> Vec<(Topic, BTreeSet<String>)> {
    let acls = user["spec"]["authorization"]["acls"].as_array().unwrap();
    let topics = acls.iter().filter(|acl| acl["resource"]["type"] == "topic");
    let right = |acl: &Value| {
        assert_eq!(acl["resource"]["patternType"], "literal", "a prefix would reach topics to come");
        let name = acl["resource"]["name"].as_str().unwrap();
        let operations = acl["operations"].as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned());
        (Topic::from_name(name).unwrap_or_else(|| panic!("{name} is no topic")), operations.collect())
    };
    topics.map(right).collect()
}

#[test]
fn producers_write_inputs_consumers_read_outputs_and_only_ours_touch_the_rest() {
    let users: Vec<Value> = USERS.iter().map(|text| serde_saphyr::from_str(text).unwrap()).collect();
    let names: BTreeSet<String> =
        users.iter().map(|user| user["metadata"]["name"].as_str().unwrap().to_owned()).collect();
    assert_eq!(folder("topics/users"), names);
    for user in &users {
        let name = user["metadata"]["name"].as_str().unwrap();
        for (topic, operations) in rights(user) {
            let may = |operation: &str| operations.contains(operation);
            match name {
                "attestream-producer" => assert!(topic.role() == TopicRole::Input && !may("Read"), "{name} {topic}"),
                "attestream-consumer" => assert!(topic.role() == TopicRole::Output && !may("Write"), "{name} {topic}"),
                "attestream-gateway" => {
                    let posts = topic.role() == TopicRole::Input || topic == Topic::AttestationBackfill;
                    assert!(!may("Write") || posts, "{name} {topic}");
                }
                "attestream-admission" => {
                    let own = [Topic::Ledger, Topic::Control, Topic::DeadLetter].contains(&topic);
                    assert!(!may("Write") || own, "{name} {topic}");
                    assert!(topic.role() != TopicRole::Output || !may("Read"), "{name} {topic}");
                }
                "attestream-ledger" => assert!(!may("Write") || topic.role() != TopicRole::Input, "{name} {topic}"),
                "attestream-operator" => {
                    let genesis = [Topic::Ledger, Topic::Control, Topic::Positions].contains(&topic);
                    assert!(!may("Write") || genesis, "{name} {topic}");
                    let grows =
                        topic.role() == TopicRole::Input || [Topic::AttestationBackfill, Topic::Work].contains(&topic);
                    assert!(!may("Alter") || grows, "{name} {topic}");
                }
                other => panic!("{other} is not described here"),
            }
        }
    }
    // And each can do its work.
    let holds = |user: &str, topic: Topic, operation: &str| {
        let user = users.iter().find(|one| one["metadata"]["name"] == user).unwrap();
        rights(user).iter().any(|(one, operations)| *one == topic && operations.contains(operation))
    };
    for topic in Topic::admission_inputs() {
        assert!(holds("attestream-admission", topic, "Read"), "{topic}");
    }
    for topic in Topic::ALL.iter().filter(|topic| topic.role() == TopicRole::Output) {
        let writer = if *topic == Topic::DeadLetter { "attestream-admission" } else { "attestream-ledger" };
        assert!(holds(writer, *topic, "Write"), "{topic}");
    }
    for topic in [Topic::Work, Topic::Positions, Topic::Ledger] {
        assert!(holds("attestream-ledger", topic, "Write"), "{topic}");
    }
}

/// A broker with access control refuses a writer whose id is nobody's.
#[test]
fn who_writes_in_transactions_may_use_the_id_that_it_opens() {
    let users: Vec<Value> = USERS.iter().map(|text| serde_saphyr::from_str(text).unwrap()).collect();
    let may = |user: &str, id: &str| {
        let user = users.iter().find(|one| one["metadata"]["name"] == user).unwrap();
        let acls = user["spec"]["authorization"]["acls"].as_array().unwrap();
        acls.iter().filter(|acl| acl["resource"]["type"] == "transactionalId").any(|acl| {
            let name = acl["resource"]["name"].as_str().unwrap();
            if acl["resource"]["patternType"] == "prefix" { id.starts_with(name) } else { id == name }
        })
    };
    let settings = WorkerSettings::new("attestream", "one");
    assert!(may("attestream-admission", &settings.transactional_id(Role::Admission)));
    assert!(may("attestream-ledger", &settings.transactional_id(Role::Ledger)));
    assert!(may("attestream-operator", "attestream-genesis"));
    // What the command line opens besides. Who publishes straight to the brokers is a principal of the operator's making.
    let opened = [include_str!("../../src/cli/cluster.rs"), include_str!("../../src/cli/serve/process.rs")];
    let ids: Vec<&str> = opened.iter().flat_map(|text| text.split("{APPLICATION}-").skip(1)).collect();
    let ids: Vec<&str> = ids.iter().filter_map(|rest| rest.split(['"', '{']).next()).collect();
    assert_eq!(ids, ["operator-activate", "gateway-"]);
    for (user, id) in ["attestream-operator", "attestream-gateway"].iter().zip(ids) {
        assert!(may(user, &format!("attestream-{id}")), "{user} {id}");
    }
}

#[test]
fn apply_creates_everything_once_and_never_touches_the_ledgers_partitions() {
    let Some(cluster) = broker::shared() else { return };
    let settings = cluster.settings();
    // Already there: an input with too few partitions, and a ledger whose count was chosen otherwise.
    let log = cluster.log_with(settings.clone(), &[(Topic::VexSubmitted, 2), (Topic::Ledger, 2)]);
    let ledger = Difference::FixedPartitions { topic: Topic::Ledger.into(), wanted: 12, found: 2 };
    let grown = Difference::Partitions { topic: Topic::VexSubmitted.into(), wanted: 12, found: 2 };

    let planned = plan(&log, &[], Some(1)).unwrap();
    assert!(planned.contains(&ledger) && planned.contains(&grown), "{planned:?}");
    let missing = planned.iter().filter(|one| matches!(one, Difference::Missing { .. })).count();
    assert_eq!(missing, Topic::ALL.len() - 2);
    assert!(log.partitions(Topic::Control).is_err(), "a plan changes nothing");

    let applied = apply(&log, &[], Some(1)).unwrap();
    assert_eq!(applied.left, std::slice::from_ref(&ledger));
    assert_eq!(applied.done.len(), planned.len() - 1);
    assert_eq!(plan(&log, &[], Some(1)).unwrap(), std::slice::from_ref(&ledger));
    for topic in Topic::ALL {
        let wanted = if *topic == Topic::Ledger { 2 } else { Manifest::of(*topic, None).unwrap().partitions };
        assert_eq!(log.partitions(*topic).unwrap(), wanted, "{topic}");
    }
    let again = apply(&log, &[], Some(1)).unwrap();
    assert!(again.done.is_empty(), "{again:?}");

    // The cluster has grown since, and nobody moved the data: one disk holds all there is.
    let alone = Difference::Replicas { topic: Topic::Control.into(), wanted: 3, found: 1 };
    assert!(plan(&log, &[], None).unwrap().contains(&alone) && !alone.is_applicable());
    assert_eq!(again.left, std::slice::from_ref(&ledger));

    // An operator's own setting stays; one of ours that was changed is set back.
    let name = format!("{}{}", settings.topic_prefix, Topic::Verified);
    let changed =
        AlterConfig::new(ResourceSpecifier::Topic(&name)).set("segment.ms", "3600000").set("retention.ms", "1000");
    let changed = wait_for(cluster.admin().alter_configs([&changed], &AdminOptions::new())).unwrap();
    assert!(changed[0].is_ok());
    let names: BTreeSet<String> = plan(&log, &[], Some(1)).unwrap().iter().map(ToString::to_string).collect();
    assert!(names.contains("events.verified: retention.ms is 1000, set 7776000000"), "{names:?}");
    apply(&log, &[], Some(1)).unwrap();
    assert_eq!(plan(&log, &[], Some(1)).unwrap(), [ledger]);
    let asked = [ResourceSpecifier::Topic(&name)];
    let found = wait_for(cluster.admin().describe_configs(&asked, &AdminOptions::new())).unwrap();
    let entries = &found[0].as_ref().unwrap().entries;
    let kept = entries.iter().find(|entry| entry.name == "segment.ms").unwrap();
    assert_eq!((kept.value.as_deref(), &kept.source), (Some("3600000"), &ConfigSource::DynamicTopic));
}
