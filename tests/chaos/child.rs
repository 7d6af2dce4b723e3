//! An instance in a process of its own, which kills itself with SIGKILL at an ordered point of the loop.
//!
//! The child is this test binary again: the entry below runs the workers when it finds orders in its environment.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use attestream::admission::ports::Objects;
use attestream::cas::FolderObjects;
use attestream::event::Millis;
use attestream::kafka::{KafkaLog, KafkaSettings};
use attestream::processor::{AdmissionWorker, LedgerWorker, Stop, WorkerSettings};
use attestream::rocks::{MemoryBudget, RocksStates};
use attestream::telemetry::{Happening, Observer, Point, Role};
use serde::{Deserialize, Serialize};

const ORDERS: &str = "ATTESTREAM_TEST_ORDERS";

/// What a child is to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orders {
    pub brokers: String,
    pub prefix: String,
    pub instance: String,
    /// Folder of objects, shared by all instances.
    pub objects: PathBuf,
    /// This instance's own folder.
    pub data: PathBuf,
    pub session_ms: u32,
    pub tick_ms: u64,
    pub snapshot_every: u64,
    pub batch: usize,
    /// Dies when it passes this point of this role for this time; never without.
    pub die: Option<Death>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Death {
    pub role: String,
    pub point: String,
    pub nth: u64,
    /// Microseconds after the passing; 0: at it.
    pub after_us: u64,
}

impl Orders {
    pub fn spawn(&self) -> Child {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "chaos::child::orders_reach_a_child", "--nocapture", "--test-threads", "1"])
            .env(ORDERS, serde_json::to_string(self).unwrap())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(if std::env::var_os("ATTESTREAM_TEST_LOUD").is_some() { Stdio::inherit() } else { Stdio::null() })
            .spawn()
            .unwrap()
    }

    pub fn log(&self) -> KafkaLog {
        let mut settings = KafkaSettings::new(&self.brokers);
        settings.topic_prefix.clone_from(&self.prefix);
        settings.instance.clone_from(&self.instance);
        settings.properties.insert("session.timeout.ms".to_owned(), self.session_ms.to_string());
        settings.properties.insert("heartbeat.interval.ms".to_owned(), (self.session_ms / 5).to_string());
        KafkaLog::new(settings).unwrap()
    }

    pub fn settings(&self) -> WorkerSettings {
        WorkerSettings {
            tick: Duration::from_millis(self.tick_ms),
            snapshot_every: self.snapshot_every,
            batch_records: self.batch,
            ..WorkerSettings::new("attestream", &self.instance)
        }
    }

    pub fn states(&self, observer: Arc<dyn Observer>) -> RocksStates {
        RocksStates::new(&self.data, 2, MemoryBudget::new(32 << 20, 32 << 20), observer)
    }
}

struct Dying {
    die: Option<Death>,
    passed: AtomicU64,
}

impl Observer for Dying {
    fn happened(&self, happening: &Happening<'_>) {
        if std::env::var_os("ATTESTREAM_TEST_LOUD").is_some() && !matches!(happening, Happening::Passed { .. }) {
            eprintln!("{} {happening:?}", std::process::id());
        }
        let (Some(die), Happening::Passed { role, point }) = (&self.die, happening) else { return };
        if die.role != role.as_str() || die.point != point.as_str() {
            return;
        }
        if self.passed.fetch_add(1, Ordering::Relaxed) + 1 != die.nth {
            return;
        }
        if die.after_us == 0 {
            kill_self();
        }
        let after = Duration::from_micros(die.after_us);
        std::thread::spawn(move || {
            std::thread::sleep(after);
            kill_self();
        });
    }
}

/// SIGKILL: nothing is flushed, closed or left in order.
fn kill_self() {
    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).unwrap();
    loop {
        std::thread::park();
    }
}

fn now() -> Millis {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    Millis(i64::try_from(since.as_millis()).unwrap())
}

fn obey(orders: &Orders) {
    let observer: Arc<dyn Observer> = Arc::new(Dying { die: orders.die.clone(), passed: AtomicU64::new(0) });
    let objects: Arc<dyn Objects> = Arc::new(FolderObjects::open(&orders.objects).unwrap());
    let (log, settings) = (orders.log(), orders.settings());
    let admission = {
        let (log, settings, observer) = (log.clone(), settings.clone(), Arc::clone(&observer));
        std::thread::spawn(move || {
            AdmissionWorker::new(log, objects, settings, observer, Arc::new(now)).run(&Stop::default())
        })
    };
    let states = orders.states(Arc::clone(&observer));
    let mut worker = LedgerWorker::new(log, states, settings, observer).unwrap();
    worker.run(&Stop::default()).unwrap();
    admission.join().unwrap().unwrap();
}

pub fn die(role: Role, point: Point, nth: u64, after_us: u64) -> Death {
    Death { role: role.as_str().to_owned(), point: point.as_str().to_owned(), nth, after_us }
}

/// In a child: obeys, and never returns. Alone: orders read back as they were written.
#[test]
fn orders_reach_a_child() {
    if let Ok(orders) = std::env::var(ORDERS) {
        obey(&serde_json::from_str(&orders).unwrap());
        return;
    }
    let orders = Orders {
        brokers: "127.0.0.1:1".to_owned(),
        prefix: "p.".to_owned(),
        instance: "one".to_owned(),
        objects: "objects".into(),
        data: "data".into(),
        session_ms: 6_000,
        tick_ms: 500,
        snapshot_every: 100,
        batch: 10,
        die: Some(die(Role::Ledger, Point::Committing, 3, 200)),
    };
    let text = serde_json::to_string(&orders).unwrap();
    assert_eq!(serde_json::from_str::<Orders>(&text).unwrap(), orders);
}
