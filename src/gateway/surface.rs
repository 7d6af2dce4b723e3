//! What the handlers share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Semaphore;

use super::Writer;
use crate::ledger::control::ControlRecord;
use crate::log::Log;
use crate::telemetry::{Health, Metrics};

/// Judges a control record before it is written: the trust in force decides, which other rooms know. Blocks.
pub type Accept = Arc<dyn Fn(&ControlRecord) -> Result<(), String> + Send + Sync>;

/// Clients that read topics at once; each has a thread.
const READERS: usize = 32;

/// One process's HTTP surface over its log.
pub struct Gateway<L: Log> {
    pub log: L,
    pub writer: Writer,
    pub metrics: Arc<Metrics>,
    pub health: Arc<Health>,
    pub accept: Accept,
    pub(super) readers: Arc<Semaphore>,
    closing: AtomicBool,
}

impl<L: Log> Gateway<L> {
    pub fn new(log: L, writer: Writer, metrics: Arc<Metrics>, health: Arc<Health>, accept: Accept) -> Self {
        let (readers, closing) = (Arc::new(Semaphore::new(READERS)), AtomicBool::new(false));
        Gateway { log, writer, metrics, health, accept, readers, closing }
    }

    /// Ends the streams that would go on for ever.
    pub fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }
}
