//! The workers of one instance on a deployment.

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use attestream::admission::ports::Objects;
use attestream::cas::FolderObjects;
use attestream::kafka::KafkaLog;
use attestream::log::LogError;
use attestream::processor::{AdmissionWorker, LedgerWorker, Stop, WorkerSettings};
use attestream::rocks::{MemoryBudget, RocksStates};
use attestream::telemetry::Observer;

use crate::Outcome;
use crate::whole::now;

/// Which stages run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stages {
    Both,
    Ledger,
}

/// Running workers.
pub struct Workers {
    stop: Stop,
    threads: Vec<JoinHandle<Result<(), LogError>>>,
}

impl Workers {
    /// Starts them with the settings that a process has by default.
    pub fn start(
        log: &KafkaLog,
        application: &str,
        data: &Path,
        stages: Stages,
        observer: &Arc<dyn Observer>,
    ) -> Outcome<Self> {
        let (stop, settings) = (Stop::default(), WorkerSettings::new(application, "one"));
        let mut threads = Vec::new();
        if stages == Stages::Both {
            let objects: Arc<dyn Objects> = Arc::new(FolderObjects::open(&data.join("objects"))?);
            let (log, settings, observer) = (log.clone(), settings.clone(), Arc::clone(observer));
            let stop = stop.clone();
            let mut worker = AdmissionWorker::new(log, objects, settings, observer, Arc::new(now));
            threads.push(std::thread::spawn(move || worker.run(&stop)));
        }
        let states = RocksStates::new(data, 1, MemoryBudget::default(), Arc::clone(observer));
        let (log, observer, own) = (log.clone(), Arc::clone(observer), stop.clone());
        threads.push(std::thread::spawn(move || LedgerWorker::new(log, states, settings, observer)?.run(&own)));
        Ok(Workers { stop, threads })
    }

    /// Ends them after the batch at hand.
    pub fn stop(mut self) -> Outcome<()> {
        self.stop.stop();
        self.join()
    }

    /// Waits until they end: they do not, unless something is wrong.
    pub fn join(&mut self) -> Outcome<()> {
        for thread in self.threads.drain(..) {
            thread.join().map_err(|_| "a worker panicked")??;
        }
        Ok(())
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.stop.stop();
        // What went wrong is told by whoever drops this early.
        drop(self.join());
    }
}
