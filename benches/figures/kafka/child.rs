//! An instance in a process of its own, which can be killed: this binary again, with orders in its environment.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use attestream::kafka::{KafkaLog, KafkaSettings};
use attestream::telemetry::{Happening, Observer, Role};
use serde::{Deserialize, Serialize};

use super::workers::{Stages, Workers};
use crate::Outcome;

const ORDERS: &str = "ATTESTREAM_FIGURES_ORDERS";
const PATIENCE: Duration = Duration::from_secs(120);

/// What an instance runs on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Orders {
    pub brokers: String,
    pub prefix: String,
    pub data: PathBuf,
}

/// What an instance tells.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Line {
    /// The ledger stage committed a transaction.
    Committed { records: u64, outputs: u64 },
    /// A state was brought up to what is committed.
    CaughtUp { records: u64, milliseconds: u64 },
    /// Something that must not happen here.
    Problem { text: String },
}

/// The orders of this process, if it was started with some.
pub fn orders() -> Outcome<Option<Orders>> {
    match std::env::var(ORDERS) {
        Ok(orders) => Ok(Some(serde_json::from_str(&orders)?)),
        Err(_) => Ok(None),
    }
}

/// Runs both stages until it is killed, or until whoever started it is gone.
pub fn obey(orders: &Orders) -> Outcome<()> {
    std::thread::spawn(|| {
        // Ends with the starter, which holds the other end and never writes.
        drop(std::io::stdin().read_to_end(&mut Vec::new()));
        std::process::exit(0)
    });
    let settings = KafkaSettings { topic_prefix: orders.prefix.clone(), ..KafkaSettings::new(&orders.brokers) };
    let observer: Arc<dyn Observer> = Arc::new(Telling);
    let log = KafkaLog::new(settings)?;
    Workers::start(&log, "restart", &orders.data, Stages::Both, &observer)?.join()
}

struct Telling;

impl Observer for Telling {
    fn happened(&self, happening: &Happening<'_>) {
        let line = match happening {
            Happening::Committed { role: Role::Ledger, records, outputs, .. } => {
                Line::Committed { records: *records, outputs: *outputs }
            }
            Happening::CaughtUp { records, took, .. } => {
                Line::CaughtUp { records: *records, milliseconds: u64::try_from(took.as_millis()).unwrap_or(u64::MAX) }
            }
            Happening::DeadLettered { .. } | Happening::Stopped { .. } => {
                Line::Problem { text: format!("{happening:?}") }
            }
            _ => return,
        };
        let Ok(mut line) = serde_json::to_vec(&line) else { return };
        line.push(b'\n');
        // Nobody listens any more: the end of its input ends this process.
        drop(std::io::stdout().write_all(&line));
    }
}

/// A running instance; killed when dropped.
pub struct Instance {
    child: Child,
    pub begun: Instant,
    lines: Receiver<(Instant, Line)>,
}

impl Instance {
    pub fn start(orders: &Orders) -> Outcome<Self> {
        let begun = Instant::now();
        let mut child = Command::new(std::env::current_exe()?)
            .env(ORDERS, serde_json::to_string(orders)?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let told = BufReader::new(child.stdout.take().ok_or("a pipe")?);
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in told.lines().map_while(Result::ok) {
                let at = Instant::now();
                let line = serde_json::from_str(&line).unwrap_or(Line::Problem { text: line });
                if sender.send((at, line)).is_err() {
                    break;
                }
            }
        });
        Ok(Instance { child, begun, lines })
    }

    /// The next line, and when it came.
    fn next(&mut self) -> Outcome<(Instant, Line)> {
        match self.lines.recv_timeout(PATIENCE) {
            Ok((_, Line::Problem { text })) => Err(text.into()),
            Ok(told) => Ok(told),
            Err(_) => Err("the instance says nothing any more".into()),
        }
    }

    /// Waits for the next transaction of the ledger stage that puts something out.
    pub fn next_output(&mut self) -> Outcome<Instant> {
        loop {
            if let (at, Line::Committed { outputs: 1.., .. }) = self.next()? {
                return Ok(at);
            }
        }
    }

    /// Memory that it has resident now, in MiB.
    pub fn resident_mib(&self) -> Outcome<usize> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<usize>()? / 1024)
    }

    /// SIGKILL: nothing is flushed, closed or left in order.
    pub fn kill(mut self) -> Outcome<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // It is gone already where it was killed on purpose.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Bytes of the files below a folder.
pub fn size_of(folder: &Path) -> Outcome<u64> {
    let mut size = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        // A compaction may take a file away in between.
        let Ok(metadata) = entry.metadata() else { continue };
        size += if metadata.is_dir() { size_of(&entry.path())? } else { metadata.len() };
    }
    Ok(size)
}
