//! Reading `attestream.control`: every process that admits reads it whole, before it admits anything.

use std::time::Duration;

use crate::admission::TrustTable;
use crate::event::{Millis, Topic};
use crate::ledger::control::ControlRecord;
use crate::log::{Log, LogError, Partition, Reader};
use crate::telemetry::{Happening, Observer};

/// The control topic as this process has read it.
pub struct ControlView<L: Log> {
    reader: L::Reader,
    pub table: TrustTable,
    /// When the trust root in force was activated, by the log's clock.
    pub root_since: Option<Millis>,
}

/// The one partition of control.
pub const CONTROL: Partition = Partition::shared(Topic::Control, 0);

impl<L: Log> ControlView<L> {
    /// Reads control from its beginning to its end.
    pub fn open(log: &L, observer: &dyn Observer) -> Result<Self, LogError> {
        let range = log.range(CONTROL)?;
        let reader = log.reader(&[(CONTROL, range.first)])?;
        let mut view = ControlView { reader, table: TrustTable::default(), root_since: None };
        view.read_to_end(observer)?;
        Ok(view)
    }

    /// Reads what has been appended since, to the end. Returns how many records that were.
    pub fn read_to_end(&mut self, observer: &dyn Observer) -> Result<usize, LogError> {
        let mut count = 0;
        loop {
            let records = self.reader.read(1_000, Duration::from_millis(10))?;
            count += records.len();
            for record in &records {
                match serde_json::from_slice::<ControlRecord>(record.value.as_deref().unwrap_or_default()) {
                    Ok(control) => self.apply(&control, record.timestamp),
                    // Its owner drops it too, so the numbers of records agree.
                    Err(_) => observer.happened(&Happening::ControlDropped { why: "not a control record" }),
                }
            }
            for problem in std::mem::take(&mut self.table.problems) {
                observer.happened(&Happening::Notice { text: &problem });
            }
            if records.is_empty() && self.reader.at_end()? {
                return Ok(count);
            }
        }
    }

    fn apply(&mut self, control: &ControlRecord, at: Millis) {
        self.table.apply(control);
        if matches!(control, ControlRecord::Root(_) | ControlRecord::Genesis(_)) {
            self.root_since = self.table.root_in_force().map(|_| at);
        }
    }

    /// Takes what is there already, without waiting.
    pub fn glance(&mut self, observer: &dyn Observer) -> Result<(), LogError> {
        let records = self.reader.read(1_000, Duration::ZERO)?;
        for record in &records {
            if let Ok(control) = serde_json::from_slice(record.value.as_deref().unwrap_or_default()) {
                self.apply(&control, record.timestamp);
            }
        }
        for problem in std::mem::take(&mut self.table.problems) {
            observer.happened(&Happening::Notice { text: &problem });
        }
        Ok(())
    }
}
