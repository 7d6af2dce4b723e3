//! What the handlers share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Semaphore;

use super::registry::{Entries, Rates, Registry};
use super::{Problem, ProblemCode, Writer};
use crate::event::Millis;
use crate::ledger::control::ControlRecord;
use crate::log::Log;
use crate::telemetry::{Health, Metrics, Observer};

/// Judges a control record before it is written: the trust in force decides, which other rooms know. Blocks.
pub type Accept = Arc<dyn Fn(&ControlRecord) -> Result<(), String> + Send + Sync>;

/// The clock that rates are measured by.
pub type Clock = Arc<dyn Fn() -> Millis + Send + Sync>;

/// What other rooms give to a gateway.
pub struct Given {
    pub metrics: Arc<Metrics>,
    pub health: Arc<Health>,
    pub observer: Arc<dyn Observer>,
    pub accept: Accept,
    pub registry: Registry,
    pub clock: Clock,
}

/// Clients that read topics at once; each has a thread.
const READERS: usize = 32;

/// One process's HTTP surface over its log.
pub struct Gateway<L: Log> {
    pub log: L,
    pub writer: Writer,
    pub metrics: Arc<Metrics>,
    pub health: Arc<Health>,
    pub accept: Accept,
    pub registry: Registry,
    pub clock: Clock,
    pub observer: Arc<dyn Observer>,
    pub(super) rates: Rates,
    pub(super) readers: Arc<Semaphore>,
    closing: AtomicBool,
}

impl<L: Log> Gateway<L> {
    pub fn new(log: L, writer: Writer, given: Given) -> Self {
        let Given { metrics, health, observer, accept, registry, clock } = given;
        let (readers, closing) = (Arc::new(Semaphore::new(READERS)), AtomicBool::new(false));
        let rates = Rates::default();
        Gateway { log, writer, metrics, health, accept, registry, clock, observer, rates, readers, closing }
    }

    /// The registry in force.
    pub(super) async fn entries(&self) -> Result<Arc<Entries>, Problem> {
        let registry = Arc::clone(&self.registry);
        let read = tokio::task::spawn_blocking(move || registry()).await;
        Ok(read.map_err(|error| Problem::new(ProblemCode::Internal, error.to_string()))??)
    }

    /// Ends the streams that would go on for ever.
    pub fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }
}
