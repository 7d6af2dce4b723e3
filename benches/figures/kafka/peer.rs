//! The Kafka Streams peer: how it is built, started, watched and ended.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rdkafka::consumer::BaseConsumer;

use super::interval::number;
use super::site::Group;
use crate::Outcome;
use crate::spent::cpu_of;

const PATIENCE: Duration = Duration::from_secs(600);
const LOOK: Duration = Duration::from_millis(25);

/// Records, and what they took.
#[derive(Debug, Clone, Copy)]
pub struct Stretch {
    pub records: usize,
    pub cpu: Duration,
    pub wall: Duration,
}

impl Stretch {
    /// Records for each second of processor time.
    pub fn per_core(&self) -> f64 {
        number(self.records) / self.cpu.as_secs_f64()
    }

    pub fn per_second(&self) -> f64 {
        number(self.records) / self.wall.as_secs_f64()
    }
}

/// A whole run and its second half, which does without most of the warming up.
#[derive(Debug, Clone, Copy)]
pub struct Halves {
    pub whole: Stretch,
    pub second: Stretch,
}

/// The built peer and what it reads.
pub struct Peer {
    class_path: String,
    pub brokers: String,
    pub events: String,
    pub attestations: String,
    pub partitions: u32,
}

impl Peer {
    /// Builds it. The error says why it cannot be had here.
    pub fn build(brokers: &str, partitions: u32) -> Outcome<Self> {
        let output = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/streams/build")).output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned().into());
        }
        let class_path = String::from_utf8(output.stdout)?.trim().to_owned();
        let (events, attestations) = ("peer.events".to_owned(), "peer.attestations".to_owned());
        Ok(Peer { class_path, brokers: brokers.to_owned(), events, attestations, partitions })
    }

    pub fn inputs(&self) -> [String; 2] {
        [self.events.clone(), self.attestations.clone()]
    }

    pub fn joined(application: &str) -> String {
        format!("{application}-joined")
    }

    /// The topics of one run that are nobody else's.
    pub fn own_topics(application: &str) -> [String; 2] {
        [Self::joined(application), format!("{application}-waiting-changelog")]
    }

    pub fn start(&self, application: &str, state: &Path) -> Outcome<Process> {
        let child = Command::new("java")
            .args(["-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error"])
            .args(["-cp", &self.class_path, "Join", &self.brokers, application, &self.events, &self.attestations])
            .arg(Self::joined(application))
            .arg(state)
            .arg("1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()?;
        Ok(Process { child, begun: Instant::now() })
    }

    /// Waits until the group of `application` has committed `records` inputs.
    pub fn wait(&self, process: &mut Process, application: &str, records: usize) -> Outcome<Halves> {
        let group = Group::open(&self.brokers, application, &self.inputs(), self.partitions)?;
        let mut half = None;
        loop {
            let committed = usize::try_from(group.committed()?)?;
            let now = process.stretch(committed)?;
            if committed >= records / 2 && half.is_none() {
                half = Some(now);
            }
            if let (true, Some(half)) = (committed >= records, half) {
                let second = Stretch {
                    records: committed - half.records,
                    cpu: now.cpu.saturating_sub(half.cpu),
                    wall: now.wall.saturating_sub(half.wall),
                };
                return Ok(Halves { whole: now, second });
            }
            if now.wall > PATIENCE {
                return Err(format!("Kafka Streams has committed {committed} of {records} records").into());
            }
            std::thread::park_timeout(LOOK);
        }
    }
}

/// The running peer; killed when dropped.
pub struct Process {
    child: Child,
    begun: Instant,
}

impl Process {
    /// What it took since its start.
    fn stretch(&mut self, records: usize) -> Outcome<Stretch> {
        if let Some(status) = self.child.try_wait()? {
            return Err(format!("Kafka Streams ended: {status}").into());
        }
        Ok(Stretch { records, cpu: cpu_of(&self.child.id().to_string())?, wall: self.begun.elapsed() })
    }

    /// The most memory that it had resident, in MiB.
    pub fn resident_mib(&self) -> Outcome<usize> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("VmHWM")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<usize>()? / 1024)
    }

    /// Seconds from the start of the process to the first record that `reader` gets.
    pub fn first_output(&mut self, reader: &BaseConsumer) -> Outcome<f64> {
        while self.begun.elapsed() < PATIENCE {
            if let Some(Ok(_)) = reader.poll(Duration::from_millis(10)) {
                return Ok(self.begun.elapsed().as_secs_f64());
            }
            self.stretch(0)?;
        }
        Err("Kafka Streams puts nothing out".into())
    }

    pub fn kill(mut self) -> Outcome<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It is gone already where it was killed on purpose.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
