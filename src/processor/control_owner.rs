//! The one worker that owns control: it numbers control records, copies each to every ledger partition, and ticks.

use std::time::Duration;

use crate::event::{Millis, Topic, limits};
use crate::ledger::control::{ControlRecord, system_tenant};
use crate::ledger::record::{Body, ControlCopy, LedgerRecord};
use crate::log::{Log, LogError, Outgoing, Reader as _, Record};

use super::control_view::CONTROL;
use super::genesis::outgoing;
use super::worker::Pace;

/// Where the owner stands.
pub(super) struct ControlOwner {
    /// Number of the next control record, and its offset.
    pub(super) seq: u64,
    pub(super) next: u64,
    last_tick: Duration,
    pace: Pace,
}

impl ControlOwner {
    /// The owner that goes on at offset `start`: the control records before it are counted.
    pub(super) fn at<L: Log>(log: &L, start: u64, pace: &Pace) -> Result<Self, LogError> {
        let (seq, pace) = (count_before(log, start)?, pace.clone());
        Ok(ControlOwner { seq, next: start, last_tick: pace.elapsed(), pace })
    }

    /// The tick that is due, if one is.
    pub(super) fn tick(&mut self, every: Duration, now: Millis) -> Option<Outgoing> {
        let elapsed = self.pace.elapsed();
        if elapsed.saturating_sub(self.last_tick) < every {
            return None;
        }
        self.last_tick = elapsed;
        Some(outgoing(Topic::Control, 0, b"tick", ControlRecord::Tick { at: now }.to_bytes()))
    }
}

/// The copies of the control record with number `seq`, and the number of the next one; why it is dropped, if it is.
/// Genesis is in every partition already.
pub(super) fn copies(record: &Record, seq: u64, partitions: u32) -> (u64, Result<Vec<Outgoing>, &'static str>) {
    let Ok(control) = serde_json::from_slice::<ControlRecord>(record.value.as_deref().unwrap_or_default()) else {
        return (seq, Err("not a control record"));
    };
    if let ControlRecord::Tick { at } = control
        && at.0 > record.timestamp.0 + limits::TICK_AHEAD_MAX_MS
    {
        return (seq + 1, Err("a tick beyond its own append time"));
    }
    if seq == 0 {
        return (1, Ok(Vec::new()));
    }
    let copy = Body::Control(Box::new(ControlCopy { seq, record: control }));
    let value = LedgerRecord::new(system_tenant(), copy).to_bytes();
    let tenant = system_tenant();
    let to = |number| outgoing(Topic::Ledger, number, tenant.as_str().as_bytes(), value.clone());
    (seq + 1, Ok((0..partitions).map(to).collect()))
}

/// How many control records lie before `offset`: offsets have gaps, numbers have none.
fn count_before<L: Log>(log: &L, offset: u64) -> Result<u64, LogError> {
    let range = log.range(CONTROL)?;
    let mut reader = log.reader(&[(CONTROL, range.first)])?;
    let mut seq = 0;
    loop {
        let records = reader.read(1_000, Duration::from_millis(100))?;
        for record in &records {
            if record.offset >= offset {
                return Ok(seq);
            }
            let value = record.value.as_deref().unwrap_or_default();
            seq += u64::from(serde_json::from_slice::<ControlRecord>(value).is_ok());
        }
        if records.is_empty() && reader.at_end()? {
            return Ok(seq);
        }
    }
}
