//! A deployment on the shared broker: topics, genesis, producers, instances, and the oracle at the end.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::Arc;
use std::time::{Duration, Instant};

use attestream::cas::FolderObjects;
use attestream::event::{Millis, Topic};
use attestream::kafka::KafkaLog;
use attestream::ledger::control::ControlRecord;
use attestream::ledger::state::{State as _, States as _};
use attestream::telemetry::Silent;
use attestream::verdict::VERIFIER_EPOCH;
use rdkafka::admin::AdminOptions;
use tempfile::TempDir;

use super::child::{Death, Orders, Skew};
use super::traffic::send_surely;
use crate::broker::{Cluster, wait_for};
use crate::spine::feed::{Made, Producer};
use crate::spine::oracle::{Judgement, judge};
use crate::spine::plant;

/// Topics and partitions of a site.
const COUNTS: &[(Topic, u32)] = &[(Topic::Ledger, 4), (Topic::SbomSubmitted, 3), (Topic::AttestationPublished, 2)];

const PATIENCE: Duration = Duration::from_secs(180);

pub struct Site {
    folder: TempDir,
    pub log: KafkaLog,
    brokers: String,
    pub prefix: String,
    pub producers: Vec<Producer>,
    pub made: Vec<Vec<Made>>,
    /// Records of a partition between two snapshots: each reads the state's files whole, so large states want few.
    pub snapshot_every: u64,
    /// States of which we changed files ourselves.
    pub damaged: BTreeSet<(String, u32)>,
    round: u64,
}

/// A running instance; killed when dropped.
pub struct Instance(pub Child);

impl Drop for Instance {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Instance {
    /// Waits until it has died of its orders.
    pub fn wait_dead(&mut self) {
        let begun = Instant::now();
        while self.0.try_wait().unwrap().is_none() {
            assert!(begun.elapsed() < PATIENCE, "the instance never reached the point at which it was to die");
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }

    pub fn signal(&self, signal: &str) {
        let pid = self.0.id().to_string();
        assert!(std::process::Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }
}

impl Site {
    pub fn open(cluster: &Cluster, tenants: u64) -> Site {
        let start = Millis(1_750_000_000_000);
        let producers =
            (0..tenants).map(|number| Producer::new(&format!("tenant-{number}"), number + 1, start)).collect();
        Site::of(cluster, producers, VERIFIER_EPOCH)
    }

    /// A site of these producers, born under an epoch; the last one's key is not in force yet.
    pub fn of(cluster: &Cluster, producers: Vec<Producer>, epoch: u32) -> Site {
        let settings = cluster.settings();
        let prefix = settings.topic_prefix.clone();
        let count = |topic: &Topic| COUNTS.iter().find(|(counted, _)| counted == topic).map_or(1, |(_, count)| *count);
        let counts: Vec<(Topic, u32)> = Topic::ALL.iter().map(|topic| (*topic, count(topic))).collect();
        let log = cluster.log_with(settings, &counts);
        // The last tenant's key is activated in mid-stream.
        let late = producers.len() - 1;
        let trust =
            |(at, producer): (usize, &Producer)| if at == late { producer.no_trust() } else { producer.trust() };
        let trusts = producers.iter().enumerate().map(trust).collect();
        plant::genesis_at(&log, "attestream", epoch, producers[0].start, trusts, None);
        let made = producers.iter().map(|_| Vec::new()).collect();
        let folder = tempfile::tempdir().unwrap();
        let brokers = cluster.brokers().to_owned();
        let damaged = BTreeSet::new();
        Site { folder, log, brokers, prefix, producers, made, snapshot_every: 60, damaged, round: 0 }
    }

    pub fn orders(&self, instance: &str, die: Option<Death>) -> Orders {
        Orders {
            brokers: self.brokers.clone(),
            prefix: self.prefix.clone(),
            instance: instance.to_owned(),
            objects: self.objects(),
            data: self.folder.path().join(instance),
            session_ms: 3_000,
            tick_ms: 700,
            snapshot_every: self.snapshot_every,
            // Three batches are more than 500 records in the long form: that many are committed between two kills.
            batch: if super::is_long() { 250 } else { 40 },
            die,
            clock: Skew::default(),
            notes: None,
            under: Vec::new(),
        }
    }

    fn objects(&self) -> PathBuf {
        self.folder().join("objects")
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The topics go; others have the cluster to themselves.
    pub fn close(self, cluster: &Cluster) {
        let names: Vec<String> = Topic::ALL.iter().map(|topic| format!("{}{topic}", self.prefix)).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let options = AdminOptions::new().operation_timeout(Some(Duration::from_secs(30)));
        wait_for(cluster.admin().delete_topics(&names, &options)).unwrap();
    }

    pub fn start(&self, instance: &str, die: Option<Death>) -> Instance {
        Instance(self.orders(instance, die).spawn())
    }

    /// Sends the next documents of every tenant, with a little that nobody can read.
    pub fn feed(&mut self, rounds: u64) {
        let mut inputs = Vec::new();
        for _ in 0..rounds {
            self.round += 1;
            for (at, producer) in self.producers.iter_mut().enumerate() {
                let mut next = producer.next();
                inputs.extend(next.send());
                self.made[at].push(next);
                if self.round % 17 == 3 {
                    inputs.extend(producer.garbage());
                }
            }
        }
        send_surely(&self.log, "attestream-admission-producer", &inputs);
    }

    /// Sends the next documents of one tenant alone.
    pub fn feed_one(&mut self, at: usize, documents: usize) {
        let mut next: Vec<Made> = (0..documents).map(|_| self.producers[at].next()).collect();
        let inputs: Vec<_> = next.iter_mut().flat_map(Made::send).collect();
        send_surely(&self.log, "attestream-admission-producer", &inputs);
        self.made[at].extend(next);
    }

    /// The last tenant's key comes into force.
    pub fn activate(&self) {
        let trust = self.producers.last().unwrap().trust();
        plant::control(&self.log, &ControlRecord::Tenant(Box::new(trust)));
    }

    /// Lets a healthy instance finish, ends it, and holds everything to the oracle.
    pub fn judge(&self, instance: Instance, names: &[&str]) -> Judgement {
        let settings = self.orders("judge", None).settings();
        plant::settle_but_control(&self.log, &settings);
        drop(instance);
        self.judge_ended(names)
    }

    /// The same where every instance has finished and ended.
    pub fn judge_ended(&self, names: &[&str]) -> Judgement {
        let objects = FolderObjects::open(&self.objects()).unwrap();
        let judgement = judge(&self.log, &objects);
        for name in names {
            self.states_are_the_folds(name, &judgement);
        }
        judgement
    }

    /// Every state that an instance left is the fold of the ledger up to where it stands; the last owner's, of all of it.
    fn states_are_the_folds(&self, name: &str, judgement: &Judgement) {
        let states = self.orders(name, None).states(Arc::new(Silent));
        let mut whole = 0;
        for (partition, hash) in &judgement.hashes {
            let state = states.open("01TESTLEDGER", *partition).unwrap();
            let Some(position) = state.position().unwrap() else { continue };
            let found = match state.state_hash() {
                Ok(found) => found,
                // It says so itself, and that is all that is asked of it.
                Err(error) if self.damaged.contains(&(name.to_owned(), *partition)) => {
                    println!("{name}: the state of partition {partition} knows that it is damaged: {error}");
                    continue;
                }
                Err(error) => panic!("state of partition {partition} of {name}: {error}"),
            };
            let expected = crate::spine::oracle::hash_at(&self.log, *partition, position.seq);
            assert_eq!(found, expected, "state of partition {partition} of {name}");
            whole += usize::from(expected == *hash);
        }
        println!("{name}: {whole} of {} states hold the whole ledger", judgement.hashes.len());
    }
}
