//! An instance in a process of its own, which kills itself with SIGKILL at an ordered point of the loop.
//!
//! The child is this test binary again: the entry below runs the workers when it finds orders in its environment.

use std::fs::File;
use std::io::Write as _;
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
    pub clock: Skew,
    /// Where it writes down what happens to it.
    pub notes: Option<PathBuf>,
    /// What it is run under: a program and its first arguments, none for nothing.
    pub under: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Death {
    pub role: String,
    pub point: String,
    pub nth: u64,
    /// Microseconds after the passing; 0: at it.
    pub after_us: u64,
    /// Whom it kills, instead of itself.
    pub whom: Option<i32>,
    /// Whether it only falls asleep.
    pub sleep: bool,
}

/// How an instance's clock goes wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skew {
    pub ahead_ms: i64,
    /// Every second period of so many milliseconds it is that much further ahead.
    pub jump_ms: i64,
    pub period_ms: i64,
}

impl Skew {
    fn of(&self, now: i64) -> i64 {
        let odd = self.period_ms > 0 && (now / self.period_ms) % 2 == 1;
        now + self.ahead_ms + if odd { self.jump_ms } else { 0 }
    }
}

impl Orders {
    pub fn spawn(&self) -> Child {
        let own = std::env::current_exe().unwrap();
        let mut command = match self.under.split_first() {
            None => Command::new(own),
            Some((program, arguments)) => {
                let mut command = Command::new(program);
                command.args(arguments).arg(own);
                command
            }
        };
        command
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

struct Obeying {
    die: Option<Death>,
    passed: AtomicU64,
    notes: Option<File>,
}

impl Observer for Obeying {
    fn happened(&self, happening: &Happening<'_>) {
        if let Happening::Passed { role, point } = happening {
            return self.passed(*role, *point);
        }
        let frequent = matches!(
            happening,
            Happening::Received { .. }
                | Happening::Fates { .. }
                | Happening::Verdict { .. }
                | Happening::DeadLettered { .. }
                | Happening::Committed { .. }
        );
        if let Some(mut notes) = self.notes.as_ref().filter(|_| !frequent) {
            // A full disk is one of the faults: then there is nothing to read.
            drop(notes.write_all(format!("{happening:?} at {}\n", now(&Skew::default()).0 % 1_000_000).as_bytes()));
        }
        if std::env::var_os("ATTESTREAM_TEST_LOUD").is_some() {
            eprintln!("{} {happening:?}", std::process::id());
        }
    }
}

impl Obeying {
    fn passed(&self, role: Role, point: Point) {
        let Some(die) = self.die.clone() else { return };
        if die.role != role.as_str() || die.point != point.as_str() {
            return;
        }
        if self.passed.fetch_add(1, Ordering::Relaxed) + 1 != die.nth {
            return;
        }
        if die.after_us == 0 {
            return strike(&die);
        }
        let after = Duration::from_micros(die.after_us);
        std::thread::spawn(move || {
            std::thread::sleep(after);
            strike(&die);
        });
    }
}

/// SIGKILL: nothing is flushed, closed or left in order.
fn strike(die: &Death) {
    let own = rustix::process::getpid();
    let whom = die.whom.and_then(rustix::process::Pid::from_raw).unwrap_or(own);
    let signal = if die.sleep { rustix::process::Signal::STOP } else { rustix::process::Signal::KILL };
    rustix::process::kill_process(whom, signal).unwrap();
    if whom == own && !die.sleep {
        loop {
            std::thread::park();
        }
    }
}

fn now(skew: &Skew) -> Millis {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    Millis(skew.of(i64::try_from(since.as_millis()).unwrap()))
}

fn obey(orders: &Orders) {
    // However the tests end, an instance does not outlive them.
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL)).unwrap();
    let notes = orders.notes.as_ref().map(|path| File::options().create(true).append(true).open(path).unwrap());
    let observer: Arc<dyn Observer> = Arc::new(Obeying { die: orders.die.clone(), passed: AtomicU64::new(0), notes });
    let objects: Arc<dyn Objects> = Arc::new(FolderObjects::open(&orders.objects).unwrap());
    let (log, settings) = (orders.log(), orders.settings());
    let admission = {
        let (log, settings, observer) = (log.clone(), settings.clone(), Arc::clone(&observer));
        let skew = orders.clock.clone();
        let clock = Arc::new(move || now(&skew));
        std::thread::spawn(move || AdmissionWorker::new(log, objects, settings, observer, clock).run(&Stop::default()))
    };
    let states = orders.states(Arc::clone(&observer));
    // Until the log answers, as a process of ours does.
    let mut worker = loop {
        match LedgerWorker::new(log.clone(), states.clone(), settings.clone(), Arc::clone(&observer)) {
            Ok(worker) => break worker,
            Err(error) => observer.happened(&Happening::Notice { text: &error.to_string() }),
        }
        std::thread::park_timeout(Duration::from_millis(200));
    };
    worker.run(&Stop::default()).unwrap();
    admission.join().unwrap().unwrap();
}

pub fn die(role: Role, point: Point, nth: u64, after_us: u64) -> Death {
    let (role, point) = (role.as_str().to_owned(), point.as_str().to_owned());
    Death { role, point, nth, after_us, whom: None, sleep: false }
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
        clock: Skew { ahead_ms: -5, jump_ms: 7, period_ms: 100 },
        notes: Some("notes".into()),
        under: Vec::new(),
    };
    assert_eq!([orders.clock.of(1_000), orders.clock.of(1_100)], [995, 1_102]);
    let text = serde_json::to_string(&orders).unwrap();
    assert_eq!(serde_json::from_str::<Orders>(&text).unwrap(), orders);
}
