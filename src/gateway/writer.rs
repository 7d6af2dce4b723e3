//! The gateway's own writing side: one thread, one outlet, and what several requests bring at once in one transaction.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};

use tokio::sync::oneshot;

use crate::log::{Log, LogError, Outgoing, Outlet as _};

/// Requests that wait for the writer at most.
const QUEUE: usize = 1_024;
/// Requests and bytes of one transaction.
const BATCH: usize = 256;
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// Why records were not certainly written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    #[error("too many requests wait for the log")]
    Overloaded,
    #[error("nothing was written: {0}")]
    NotWritten(String),
    #[error("written or not: {0}")]
    Unknown(String),
    #[error("the process is about to end")]
    Stopping,
}

struct Request {
    record: Outgoing,
    answer: oneshot::Sender<Result<(), WriteError>>,
}

/// Hands records to the writing thread. Cheap to clone; the thread ends with the last one.
#[derive(Clone)]
pub struct Writer(SyncSender<Request>);

impl Writer {
    /// Starts the thread. `id` is its transactional id: one writer per id.
    pub fn start<L: Log>(log: L, id: &str) -> std::io::Result<(Writer, JoinHandle<()>)> {
        let (sender, requests) = sync_channel(QUEUE);
        let id = id.to_owned();
        let thread = thread::Builder::new().name("writer".to_owned()).spawn(move || write(&log, &id, &requests))?;
        Ok((Writer(sender), thread))
    }

    /// Writes one record; it is committed when this returns.
    pub async fn write(&self, record: Outgoing) -> Result<(), WriteError> {
        let (answer, answered) = oneshot::channel();
        self.0.try_send(Request { record, answer }).map_err(|error| match error {
            TrySendError::Full(_) => WriteError::Overloaded,
            TrySendError::Disconnected(_) => WriteError::Stopping,
        })?;
        answered.await.unwrap_or(Err(WriteError::Stopping))
    }
}

fn write<L: Log>(log: &L, id: &str, requests: &Receiver<Request>) {
    let mut outlet: Option<L::Outlet> = None;
    while let Ok(first) = requests.recv() {
        let mut batch = vec![first];
        let mut bytes = 0;
        while batch.len() < BATCH && bytes < BATCH_BYTES {
            let Ok(next) = requests.try_recv() else { break };
            bytes += next.record.value.as_ref().map_or(0, Vec::len);
            batch.push(next);
        }
        let outcome = transact(log, id, &mut outlet, &batch);
        if outcome.is_err() {
            // Nothing but another outlet is right after a failure; it also settles what this one left open.
            outlet = None;
        }
        for request in batch {
            // A client that has gone away is told nothing.
            drop(request.answer.send(outcome.clone()));
        }
    }
}

fn transact<L: Log>(log: &L, id: &str, outlet: &mut Option<L::Outlet>, batch: &[Request]) -> Result<(), WriteError> {
    let not_written = |error: LogError| WriteError::NotWritten(error.to_string());
    let mut open = match outlet.take() {
        Some(open) => open,
        None => log.outlet(id).map_err(not_written)?,
    };
    open.begin().map_err(not_written)?;
    for request in batch {
        open.append(request.record.clone()).map_err(not_written)?;
    }
    open.commit().map_err(|error| WriteError::Unknown(error.to_string()))?;
    *outlet = Some(open);
    Ok(())
}
