//! One or three brokers from `deploy/kafka/kafka`, and topics under a prefix that no other test uses.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use attestream::event::{Topic, TopicName};
use attestream::kafka::{KafkaLog, KafkaSettings};
use attestream::log::Log as _;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;

/// One or three brokers. Their data lies below the target folder and is removed with them.
pub struct Cluster {
    dir: PathBuf,
    bootstrap: String,
    nodes: u32,
}

/// A cluster of a test's own, which it may break. They run one after the other: each is several processes.
pub struct Own {
    cluster: Cluster,
    _turn: MutexGuard<'static, ()>,
}

static TURN: Mutex<()> = Mutex::new(());

impl Own {
    pub fn start(nodes: u32) -> Option<Own> {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        Cluster::start(nodes, &[]).map(|cluster| Own { cluster, _turn: turn })
    }

    /// Three brokers that can also be reached through proxies, and, where one is given, on another address.
    pub fn start_apart(also: Option<&str>) -> Option<Own> {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let mut options = vec!["--proxied"];
        if let Some(address) = also {
            options.extend(["--also", address]);
        }
        Cluster::start(3, &options).map(|cluster| Own { cluster, _turn: turn })
    }
}

impl std::ops::Deref for Own {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        &self.cluster
    }
}

/// The one-node cluster that the tests of this process share; `None` where no broker can be started, which the test
/// then says. Where `CI` is set, that is a failure.
pub fn shared() -> Option<&'static Cluster> {
    static SHARED: OnceLock<Option<Cluster>> = OnceLock::new();
    SHARED.get_or_init(|| Cluster::start(1, &[])).as_ref()
}

impl Cluster {
    fn start(nodes: u32, options: &[&str]) -> Option<Cluster> {
        match Self::try_start(nodes, options) {
            Ok(cluster) => Some(cluster),
            Err(problem) => {
                assert!(std::env::var_os("CI").is_none(), "no broker: {problem}");
                eprintln!("skipped, no broker: {problem}");
                None
            }
        }
    }

    fn try_start(nodes: u32, options: &[&str]) -> Result<Cluster, String> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let base = Path::new(env!("CARGO_TARGET_TMPDIR"));
        remove_leftovers(base);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = base.join(format!("kafka-{}-{number}", std::process::id()));
        let number_of = nodes.to_string();
        let arguments = [&["start", "--nodes", &number_of], options, &[path(&dir)]].concat();
        script(&arguments)?;
        let bootstrap = std::fs::read_to_string(dir.join("bootstrap")).map_err(|error| error.to_string())?;
        Ok(Cluster { dir, bootstrap: bootstrap.trim().to_owned(), nodes })
    }

    pub fn brokers(&self) -> &str {
        &self.bootstrap
    }

    /// Settings under a prefix that no other test uses.
    pub fn settings(&self) -> KafkaSettings {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let topic_prefix = format!("t{}-{number}.", std::process::id());
        KafkaSettings { topic_prefix, ..KafkaSettings::new(&self.bootstrap) }
    }

    /// A log whose topics exist with these numbers of partitions.
    pub fn log(&self, counts: &[(Topic, u32)]) -> KafkaLog {
        self.log_with(self.settings(), counts)
    }

    /// The same with topics of tenants' own.
    pub fn log_of(&self, counts: Vec<(TopicName, u32)>) -> KafkaLog {
        self.log_with(self.settings(), &counts)
    }

    pub fn log_with<N: Into<TopicName> + Copy>(&self, settings: KafkaSettings, counts: &[(N, u32)]) -> KafkaLog {
        for (topic, count) in counts {
            self.create(&settings, *topic, *count);
        }
        let log = KafkaLog::new(settings).unwrap();
        // The controller has answered; the broker may learn of the topic a moment later.
        let known = |(topic, count): &(N, u32)| log.partitions(*topic).is_ok_and(|found| found == *count);
        let begun = Instant::now();
        while !counts.iter().all(known) {
            assert!(begun.elapsed() < Duration::from_secs(60), "the topics never appear");
            std::thread::park_timeout(Duration::from_millis(10));
        }
        log
    }

    pub fn create(&self, settings: &KafkaSettings, topic: impl Into<TopicName>, partitions: u32) {
        let topic = topic.into();
        let name = format!("{}{topic}", settings.topic_prefix);
        let replicas = i32::try_from(self.nodes).unwrap();
        let mut new = NewTopic::new(&name, i32::try_from(partitions).unwrap(), TopicReplication::Fixed(replicas));
        if topic.topic == Topic::Control {
            // As its manifest says: the age of a tick is judged by the broker's clock.
            new = new.set("message.timestamp.type", "LogAppendTime");
        }
        let options = AdminOptions::new().operation_timeout(Some(Duration::from_secs(20)));
        let created = wait_for(self.admin().create_topics([&new], &options)).unwrap();
        created.into_iter().next().unwrap().unwrap();
    }

    pub fn admin(&self) -> AdminClient<DefaultClientContext> {
        ClientConfig::new().set("bootstrap.servers", &self.bootstrap).create().unwrap()
    }

    pub fn kill(&self, node: u32) {
        self.signal(node, "-KILL");
    }

    pub fn restart(&self, node: u32) {
        script(&["restart", path(&self.dir), &node.to_string()]).unwrap();
    }

    pub fn pause(&self, node: u32) {
        self.signal(node, "-STOP");
    }

    pub fn resume(&self, node: u32) {
        self.signal(node, "-CONT");
    }

    fn signal(&self, node: u32, signal: &str) {
        let pid = self.pid(node).to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    pub fn pid(&self, node: u32) -> i32 {
        self.of_node(node, "pid")
    }

    pub fn nodes(&self) -> u32 {
        self.nodes
    }

    /// The port that a node advertises to those who come through a proxy, and the one behind it.
    pub fn proxied(&self, node: u32) -> (u16, u16) {
        (self.of_node(node, "proxy"), self.of_node(node, "proxied"))
    }

    /// Where clients begin: `bootstrap-proxied` or `bootstrap-also`.
    pub fn bootstrap(&self, which: &str) -> String {
        std::fs::read_to_string(self.dir.join(which)).unwrap().trim().to_owned()
    }

    fn of_node<T: std::str::FromStr>(&self, node: u32, what: &str) -> T {
        let text = std::fs::read_to_string(self.dir.join(format!("node-{node}/{what}"))).unwrap();
        text.trim().parse().ok().unwrap()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for node in 1..=self.nodes {
            if let Ok(pid) = std::fs::read_to_string(self.dir.join(format!("node-{node}/pid"))) {
                let _ = Command::new("kill").args(["-KILL", pid.trim()]).stderr(Stdio::null()).status();
            }
        }
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// Waits for librdkafka's answer.
pub fn wait_for<T>(answer: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(answer)
}

fn path(dir: &Path) -> &str {
    dir.to_str().unwrap()
}

/// The brokers die with this process: the script watches it.
fn script(arguments: &[&str]) -> Result<(), String> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/kafka/kafka");
    let parent = std::process::id().to_string();
    let output = Command::new(script)
        .args(arguments)
        .env("ATTESTREAM_KAFKA_PARENT", parent)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

/// Folders of processes that are gone: the shared cluster outlives every destructor.
fn remove_leftovers(base: &Path) {
    for entry in std::fs::read_dir(base).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let pid = name.strip_prefix("kafka-").and_then(|rest| rest.split('-').next()).map(str::to_owned);
        if pid.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}
