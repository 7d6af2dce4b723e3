//! The registry in force, for the gateway: control is read once to its end, and what has come since at each question.

use std::sync::{Arc, Mutex, PoisonError};

use crate::gateway::{Entries, Registry};
use crate::log::Log;
use crate::processor::ControlView;
use crate::telemetry::Silent;

struct Reading<L: Log> {
    view: ControlView<L>,
    position: u64,
    entries: Arc<Entries>,
}

/// Reads what control has brought whenever it is asked. After an error it begins anew.
pub fn registry<L: Log>(log: L) -> Registry {
    let reading: Mutex<Option<Reading<L>>> = Mutex::new(None);
    Arc::new(move || {
        let mut held = reading.lock().unwrap_or_else(PoisonError::into_inner);
        // Taken out while it is used: what failed is not used again.
        let mut now = match held.take() {
            Some(mut known) => {
                // What is there already: nobody waits for a log that brings nothing.
                let mut before = None;
                while before != Some(known.view.table.position()) {
                    before = Some(known.view.table.position());
                    known.view.glance(&Silent)?;
                }
                known
            }
            None => {
                let view = ControlView::open(&log, &Silent)?;
                let (position, entries) = (view.table.position(), Arc::new(Entries::of(&view.table)));
                Reading { view, position, entries }
            }
        };
        if now.position != now.view.table.position() {
            now.position = now.view.table.position();
            now.entries = Arc::new(Entries::of(&now.view.table));
        }
        let entries = Arc::clone(&now.entries);
        *held = Some(now);
        Ok(entries)
    })
}
