//! A deployment on the shared broker, fed by the real binary.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use attestream::admission::ports::Objects;
use attestream::cas::MemoryObjects;
use attestream::event::{Digest, Millis, Topic};
use attestream::kafka::KafkaLog;
use attestream::ledger::control::TrustRootBytes;
use attestream::ledger::record::{Body, LedgerRecord};
use attestream::log::Outgoing;
use attestream::processor::WorkerSettings;
use attestream::telemetry::{Observer, Silent};
use attestream::verdict::TenantTrust;
use serde::Deserialize;
use tempfile::TempDir;

use crate::broker::Cluster;
use crate::spine::oracle::{Judgement, judge};
use crate::spine::plant::{self, Running, TestClock, read_all};
use crate::spine::states::KeptStates;

/// After everything that the sets hold was signed.
pub const NOW: Millis = Millis(1_795_300_000_000);

const COUNTS: &[(Topic, u32)] = &[(Topic::Ledger, 3), (Topic::SbomSubmitted, 2), (Topic::AttestationPublished, 2)];
/// Records of one transaction of ours: some are large.
const CHUNK: usize = 20;

pub struct Site {
    folder: TempDir,
    pub log: KafkaLog,
    brokers: String,
    objects: Arc<dyn Objects>,
    settings: WorkerSettings,
    workers: Vec<Running>,
}

/// What `publish` says of a file.
#[derive(Debug, Clone, Deserialize)]
pub struct Line {
    pub path: PathBuf,
    pub outcome: String,
    pub digest: Option<Digest>,
    pub why: Option<String>,
}

/// The fate of an input by what admission wrote: the reasons of its attestation, or why it is dead-lettered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    Admitted(Vec<String>),
    DeadLettered(String),
}

impl Fate {
    /// The one line that a table has for it.
    pub fn said(&self) -> String {
        match self {
            Fate::Admitted(reasons) if reasons.is_empty() => "verified".to_owned(),
            Fate::Admitted(reasons) => reasons.join(" "),
            Fate::DeadLettered(code) => code.clone(),
        }
    }
}

impl Site {
    pub fn open(cluster: &Cluster, tenants: Vec<TenantTrust>, root: Option<TrustRootBytes>) -> Site {
        let settings = cluster.settings();
        let folder = tempfile::tempdir().unwrap();
        let config = format!("kafka:\n  topicPrefix: {}\n", settings.topic_prefix);
        std::fs::write(folder.path().join("attestream.yaml"), config).unwrap();
        let count = |topic: &Topic| COUNTS.iter().find(|(counted, _)| counted == topic).map_or(1, |(_, count)| *count);
        let counts: Vec<(Topic, u32)> = Topic::ALL.iter().map(|topic| (*topic, count(topic))).collect();
        let log = cluster.log_with(settings, &counts);
        plant::genesis(&log, "attestream", NOW, tenants, root);
        let settings = WorkerSettings::new("attestream", "one");
        let objects: Arc<dyn Objects> = Arc::new(MemoryObjects::default());
        let observer: Arc<dyn Observer> = Arc::new(Silent);
        let clock = TestClock::at(NOW).clock();
        let workers = vec![
            plant::admission(&log, &objects, &settings, &observer, clock),
            plant::ledger(&log, KeptStates::default(), &settings, &observer, None),
        ];
        Site { folder, log, brokers: cluster.brokers().to_owned(), objects, settings, workers }
    }

    /// Publishes as an operator does; a line per file.
    pub fn publish(&self, tenant: &str, paths: &[PathBuf]) -> Vec<Line> {
        let output = Command::new(env!("CARGO_BIN_EXE_attestream"))
            .args(["publish", "--format", "json", "--tenant", tenant, "--brokers", &self.brokers, "--config"])
            .arg(self.folder.path().join("attestream.yaml"))
            .args(paths)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let lines: Vec<serde_json::Value> = output
            .stdout
            .split(|b| *b == b'\n')
            .filter(|l| !l.is_empty())
            .map(|l| serde_json::from_slice(l).unwrap())
            .collect();
        let (summary, lines) = lines.split_last().unwrap_or_else(|| {
            panic!("{paths:?}: {} {}", output.status, String::from_utf8_lossy(&output.stderr));
        });
        let summary = &summary["summary"];
        let lines: Vec<Line> = lines.iter().map(|line| serde_json::from_value(line.clone()).unwrap()).collect();
        for outcome in ["published", "skipped", "failed"] {
            let count = lines.iter().filter(|line| line.outcome == outcome).count();
            assert_eq!(summary[outcome], count, "{paths:?}: the summary is the sum of the lines");
        }
        // 1: a file was to be published and could not; 3: nothing among the files is one of ours.
        let expected = match (&summary["published"], &summary["failed"]) {
            (_, failed) if *failed != 0 => 1,
            (published, _) if *published == 0 => 3,
            _ => 0,
        };
        assert_eq!(output.status.code(), Some(expected), "{paths:?}: {lines:?}");
        lines
    }

    /// Sends evidence as a producer of its own.
    pub fn send(&self, evidence: &[(String, Vec<u8>)]) {
        for chunk in evidence.chunks(CHUNK) {
            let input = |(key, value): &(String, Vec<u8>)| Outgoing {
                topic: Topic::AttestationPublished,
                owner: None,
                partition: None,
                key: Some(key.clone().into_bytes()),
                value: Some(value.clone()),
                headers: Vec::new(),
            };
            plant::send(&self.log, "authority", chunk.iter().map(input).collect());
        }
    }

    pub fn settle(&self) {
        plant::settle_but_control(&self.log, &self.settings);
    }

    /// What admission made of each input, by tenant and the digest of its bytes.
    pub fn fates(&self) -> BTreeMap<(String, Digest), Fate> {
        let mut fates = BTreeMap::new();
        for record in read_all(&self.log, Topic::Ledger) {
            let record: LedgerRecord = serde_json::from_slice(record.value.as_deref().unwrap()).unwrap();
            let Body::Admitted(admitted) = record.body else { continue };
            let reasons = admitted.attestation.map(|attestation| attestation.result.reasons).unwrap_or_default();
            fates.insert((record.tenant.to_string(), admitted.input.digest), Fate::Admitted(reasons));
        }
        for letter in read_all(&self.log, Topic::DeadLetter) {
            let key = String::from_utf8(letter.key.clone().unwrap()).unwrap();
            let (tenant, _) = key.split_once('/').unwrap();
            let (_, code) = letter.headers.iter().find(|(name, _)| name == "attestream-error-code").unwrap();
            let code = String::from_utf8(code.clone().unwrap()).unwrap();
            // What is kept by reference is too large for anything here to look it up.
            let Some(value) = letter.value.as_deref() else { continue };
            let digest = Digest::of(value);
            fates.insert((tenant.to_owned(), digest), Fate::DeadLettered(code));
        }
        fates
    }

    /// Lets everything finish, and holds it to the oracle.
    pub fn judge(mut self) -> Judgement {
        self.settle();
        for worker in self.workers.drain(..) {
            worker.finish().unwrap();
        }
        judge(&self.log, &*self.objects)
    }
}

/// Reads the bytes of a published file.
pub fn bytes(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap()
}
