//! The topics' and users' manifests (Strimzi), embedded: what is deployed by GitOps and what `topics apply` makes are one.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::event::{Topic, TopicName, limits};
use crate::log::LogError;

use super::own::{topic_manifest, users};

macro_rules! manifest {
    ($name:literal) => {
        include_str!(concat!("../../topics/", $name, ".yaml"))
    };
}

/// The manifest of a topic, as it lies in `topics/`.
pub const fn text(topic: Topic) -> &'static str {
    match topic {
        Topic::SbomSubmitted => manifest!("sbom.submitted"),
        Topic::VexSubmitted => manifest!("vex.submitted"),
        Topic::ScanCompleted => manifest!("scan.completed"),
        Topic::AttestationPublished => manifest!("attestation.published"),
        Topic::CallgraphCaptured => manifest!("signals.callgraph.captured"),
        Topic::RuntimeFactsObserved => manifest!("signals.runtime-facts.observed"),
        Topic::ExportCreated => manifest!("orchestrator.export.created"),
        Topic::AdvisoryRecorded => manifest!("advisory.statement.recorded"),
        Topic::AttestationBackfill => manifest!("attestation.backfill"),
        Topic::Work => manifest!("attestream.work"),
        Topic::Control => manifest!("attestream.control"),
        Topic::Ledger => manifest!("attestream.ledger"),
        Topic::Positions => manifest!("attestream.positions"),
        Topic::Enriched => manifest!("events.enriched"),
        Topic::Verified => manifest!("events.verified"),
        Topic::Quarantined => manifest!("events.quarantined"),
        Topic::DeadLetter => manifest!("events.dead-letter"),
        Topic::Decisions => manifest!("policy.decisions"),
        Topic::Timeline => manifest!("ledger.timeline"),
        Topic::SignalsProvenance => manifest!("signals.provenance"),
    }
}

/// The manifests of the principals and what each may do.
pub const USERS: &[&str] = &[
    manifest!("users/attestream-admission"),
    manifest!("users/attestream-ledger"),
    manifest!("users/attestream-gateway"),
    manifest!("users/attestream-operator"),
    manifest!("users/attestream-producer"),
    manifest!("users/attestream-consumer"),
];

/// All of it as one YAML stream, with the topics that tenants have of their own.
pub fn export(own: &[TopicName]) -> String {
    let shared = Topic::ALL.iter().map(|topic| text(*topic).to_owned());
    let texts = shared.chain(own.iter().map(|name| topic_manifest(*name))).chain(users(own));
    texts.map(|text| format!("---\n{text}")).collect()
}

/// What a topic must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    pub topic: TopicName,
    pub partitions: u32,
    pub replicas: u32,
    /// Broker-side settings of the topic, as text.
    pub config: BTreeMap<String, String>,
}

impl Manifest {
    /// The manifest of a topic (a tenant's own: that of the shared one of its kind), with at most `replicas_max` replicas where a cluster has fewer brokers.
    pub fn of(name: impl Into<TopicName>, replicas_max: Option<u32>) -> Result<Manifest, LogError> {
        let name = name.into();
        let topic = name.topic;
        let problem = |problem: String| LogError::Topic { topic: topic.name().into(), problem };
        let read: Document = serde_saphyr::from_str(text(topic)).map_err(|error| problem(error.to_string()))?;
        if read.metadata.name != topic.name() || read.spec.topic_name != topic.name() {
            return Err(problem(format!("its manifest names {}", read.spec.topic_name)));
        }
        let mut config: BTreeMap<String, String> =
            read.spec.config.into_iter().map(|(name, value)| (name, value.text())).collect();
        let largest = limits::MESSAGE_MAX.to_string();
        if config.get("max.message.bytes") != Some(&largest) {
            return Err(problem(format!("max.message.bytes in its manifest: expected {largest}")));
        }
        let replicas = read.spec.replicas.min(replicas_max.unwrap_or(u32::MAX)).max(1);
        // More in-sync replicas than replicas would refuse every write.
        if let Some(isr) = config.get_mut("min.insync.replicas")
            && isr.parse().is_ok_and(|isr: u32| isr > replicas)
        {
            *isr = replicas.to_string();
        }
        Ok(Manifest { topic: name, partitions: read.spec.partitions, replicas, config })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Document {
    #[serde(rename = "apiVersion")]
    _api_version: ApiVersion,
    #[serde(rename = "kind")]
    _kind: DocumentKind,
    metadata: Metadata,
    spec: Spec,
}

#[derive(Deserialize)]
enum ApiVersion {
    #[serde(rename = "kafka.strimzi.io/v1")]
    V1,
}

#[derive(Deserialize)]
enum DocumentKind {
    KafkaTopic,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Metadata {
    name: String,
    #[serde(rename = "labels")]
    _labels: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Spec {
    topic_name: String,
    partitions: u32,
    replicas: u32,
    config: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Value {
    Number(i64),
    Flag(bool),
    Text(String),
}

impl Value {
    fn text(self) -> String {
        match self {
            Value::Number(number) => number.to_string(),
            Value::Flag(flag) => flag.to_string(),
            Value::Text(text) => text,
        }
    }
}
