//! One process: HTTP first, so that it can be asked how it is; then the ledger's birth; then the workers.
//!
//! It ends the other way round: the workers finish the batch at hand and leave their groups, then HTTP ends, then the
//! log and the states are closed. A process that is killed instead leaves what recovery expects.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Runtime;

use super::workers::{self, Ended};
use super::{birth, registry, signals};
use crate::admission::ports::Objects;
use crate::cas::FolderObjects;
use crate::cli::cluster::{self, APPLICATION};
use crate::cli::exit::Failure;
use crate::cli::verify::now;
use crate::gateway::lag::LagWatch;
use crate::gateway::{Accept, Gateway, Given, Registry, Server, Writer, serve};
use crate::log::{Log, LogError};
use crate::processor::{Backlog, Stop, WorkerSettings};
use crate::rocks::{MemoryBudget, RocksStates, raise_open_files};
use crate::settings::Settings;
use crate::telemetry::{Fan, Happening, Health, Journal, Metrics, Observer, Role};

/// What a ledger needs before its workers begin, tried until it succeeds.
pub type Birth<L> = Box<dyn Fn(&L, &Settings) -> Result<(), LogError>>;

/// A process at work.
pub struct Process<L: Log> {
    pub log: L,
    pub address: SocketAddr,
    pub stop: Stop,
    settings: Settings,
    roles: Vec<Role>,
    budget: MemoryBudget,
    observer: Arc<dyn Observer>,
    health: Arc<Health>,
    backlog: Arc<Backlog>,
    registry: Registry,
    gateway: Arc<Gateway<L>>,
    server: Server,
    writer: JoinHandle<()>,
    runtime: Runtime,
    workers: Vec<JoinHandle<()>>,
    ended: (Sender<Ended>, Receiver<Ended>),
}

impl<L: Log> Process<L> {
    /// Serves HTTP. Nothing works yet.
    pub fn open(log: L, settings: Settings, roles: &[Role], budget: MemoryBudget) -> Result<Self, Failure> {
        let metrics = Arc::new(Metrics::new().map_err(Failure::io)?);
        let health = Arc::new(Health::of(roles));
        let backlog = Arc::new(Backlog::default());
        let observer: Arc<dyn Observer> = Arc::new(Fan(vec![
            Arc::clone(&metrics) as Arc<dyn Observer>,
            Arc::clone(&health) as Arc<dyn Observer>,
            Arc::clone(&backlog) as Arc<dyn Observer>,
            Arc::new(Journal),
        ]));
        if let Some(text) = raise_open_files() {
            observer.happened(&Happening::Notice { text: &text });
        }
        let listener = TcpListener::bind(settings.listen)
            .map_err(|error| Failure::io(format!("listen: {}: {error}", settings.listen)))?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.map_err(Failure::io)?;
        let stop = Stop::default();
        signals::listen(&runtime, stop.clone()).map_err(Failure::io)?;
        let instance = instance(&settings).to_owned();
        let (writer, thread) =
            Writer::start(log.clone(), &format!("{APPLICATION}-gateway-{instance}")).map_err(Failure::io)?;
        let accept: Accept = {
            let log = log.clone();
            Arc::new(move |record| {
                let table = cluster::in_force(&log).map_err(|error| error.to_string())?;
                cluster::judge(record, &table).and_then(|()| cluster::provided(&log, record))
            })
        };
        let registry = registry::registry(log.clone());
        let given = Given {
            metrics,
            health: Arc::clone(&health),
            observer: Arc::clone(&observer),
            accept,
            registry: Arc::clone(&registry),
            clock: Arc::new(now),
        };
        let gateway = Arc::new(Gateway::new(log.clone(), writer, given));
        let server = serve(&runtime, listener, Arc::clone(&gateway)).map_err(Failure::io)?;
        Ok(Process {
            log,
            address: server.address,
            stop,
            settings,
            roles: roles.to_vec(),
            budget,
            observer,
            health,
            backlog,
            registry,
            gateway,
            server,
            writer: thread,
            runtime,
            workers: Vec::new(),
            ended: channel(),
        })
    }

    /// The ledger's birth, then the workers. An absent log is waited for.
    pub fn start(&mut self, born: &Birth<L>) -> Result<(), Failure> {
        let mut retry = Duration::from_millis(500);
        while !self.stop.is_stopped() {
            match born(&self.log, &self.settings) {
                Ok(()) => break,
                Err(error @ (LogError::Unreachable(_) | LogError::Transaction(_) | LogError::Fenced(_))) => {
                    let why = error.to_string();
                    for role in &self.roles {
                        self.observer.happened(&Happening::Unreachable { role: *role, why: &why, retry });
                    }
                    workers::pause(&self.stop, retry);
                    retry = (retry * 2).min(Duration::from_secs(10));
                }
                Err(error) => return Err(error.into()),
            }
        }
        if self.stop.is_stopped() {
            return Ok(());
        }
        if let Ok(table) = cluster::in_force(&self.log) {
            birth::compare(&self.settings, &table, &*self.observer);
        }
        self.work()
    }

    fn work(&mut self) -> Result<(), Failure> {
        let settings = self.worker_settings();
        for role in self.roles.clone() {
            let (log, observer, stop) = (self.log.clone(), Arc::clone(&self.observer), self.stop.clone());
            let (settings, ended) = (settings.clone(), self.ended.0.clone());
            let worker = match role {
                Role::Admission => {
                    let folder = self.settings.objects_folder();
                    if self.settings.kafka.brokers.is_some() && self.settings.objects.is_none() {
                        let place = folder.display();
                        let text = format!("objects lie in {place}, which every process of this ledger must share");
                        observer.happened(&Happening::Notice { text: &text });
                    }
                    let objects = FolderObjects::open(&folder)
                        .map_err(|error| Failure::io(format!("{}: {error}", folder.display())))?;
                    let objects: Arc<dyn Objects> = Arc::new(objects);
                    let backlog = Arc::clone(&self.backlog);
                    workers::admission(log, objects, settings, observer, backlog, stop, ended)
                }
                Role::Ledger => {
                    let keep = self.settings.snapshots.keep;
                    let states =
                        RocksStates::new(&self.settings.data, keep, self.budget.clone(), Arc::clone(&observer));
                    workers::ledger(log, states, settings, observer, stop, ended)
                }
            };
            self.workers.push(worker.map_err(Failure::io)?);
        }
        // Admission makes tenants wait for the fold, wherever that runs.
        let looked_at = [Role::Admission, Role::Ledger].into_iter();
        let looked_at = looked_at.filter(|role| *role == Role::Ledger || self.roles.contains(role));
        let groups = looked_at.map(|role| (role, settings.group(role))).collect();
        let (registry, observer) = (Arc::clone(&self.registry), Arc::clone(&self.observer));
        let watch = LagWatch::new(self.log.clone(), registry, groups, observer, Arc::clone(&self.health));
        self.workers.push(workers::lag(watch, self.stop.clone()).map_err(Failure::io)?);
        Ok(())
    }

    /// Identity and limits of this process's workers.
    pub fn worker_settings(&self) -> WorkerSettings {
        WorkerSettings {
            tick: Duration::from_millis(self.settings.ticks.interval_ms),
            snapshot_every: self.settings.snapshots.every_records,
            ..WorkerSettings::new(APPLICATION, instance(&self.settings))
        }
    }

    /// Waits until it is told to stop, or a worker cannot go on.
    pub fn wait(&self) -> Result<(), Failure> {
        loop {
            match self.ended.1.recv_timeout(Duration::from_millis(100)) {
                Ok(Ended { outcome: Ok(()), .. }) | Err(RecvTimeoutError::Timeout) if self.stop.is_stopped() => {
                    return Ok(());
                }
                Ok(Ended { role, outcome: Err(error) }) => {
                    let failure = Failure::from(error);
                    return Err(Failure::new(failure.exit, format!("{}: {}", role.as_str(), failure.message)));
                }
                Ok(Ended { outcome: Ok(()), .. }) | Err(_) => {}
            }
        }
    }

    /// Ends in order.
    pub fn end(self) {
        self.health.stopping();
        self.stop.stop();
        for worker in self.workers {
            // A panic was reported by the worker's farewell.
            drop(worker.join());
        }
        self.gateway.close();
        self.server.stop(&self.runtime);
        self.runtime.shutdown_timeout(Duration::from_secs(2));
        drop(self.gateway);
        drop(self.writer.join());
    }
}

fn instance(settings: &Settings) -> &str {
    match settings.kafka.instance.as_str() {
        "" => "0",
        name => name,
    }
}
