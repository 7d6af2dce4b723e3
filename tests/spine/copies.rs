//! Control has one order, and every ledger partition has all of it, once. The fold itself cannot tell: a copy that comes
//! again does nothing, and a tick that never comes is not missed.

use std::collections::BTreeMap;

use attestream::event::{Topic, limits};
use attestream::ledger::control::ControlRecord;
use attestream::ledger::record::ControlCopy;
use attestream::log::{Log, Partition};

use super::plant::all_of;

/// The copies of control records, by ledger partition, in the order of the ledger.
#[derive(Default)]
pub struct Copies(BTreeMap<u32, Vec<ControlCopy>>);

impl Copies {
    pub fn take(&mut self, partition: u32, copy: ControlCopy) {
        self.0.entry(partition).or_default().push(copy);
    }

    /// Compares them with the control topic. `until` is the offset up to which its owner has come; where it is not known,
    /// no more than ticks may be missing at the end, as the clock goes on while everything else rests.
    pub fn are_in_every_partition<L: Log>(&self, log: &L, until: Option<u64>) {
        let mut expected = Vec::new();
        let control = all_of(log, Partition::of(Topic::Control, 0));
        let parsed = control.filter_map(|record| {
            let parsed: ControlRecord = serde_json::from_slice(record.value.as_deref()?).ok()?;
            Some((record.offset, record.timestamp, parsed))
        });
        for (seq, (offset, stamped, record)) in (0u64..).zip(parsed) {
            // One that is far ahead of its own append time has a number and no copy.
            let ahead = matches!(record, ControlRecord::Tick { at } if at.0 > stamped.0 + limits::TICK_AHEAD_MAX_MS);
            if !ahead && until.is_none_or(|until| offset < until) {
                expected.push(ControlCopy { seq, record });
            }
        }
        let demanded = match until {
            Some(_) => expected.len(),
            None => 1 + expected.iter().rposition(|copy| !matches!(copy.record, ControlRecord::Tick { .. })).unwrap(),
        };
        for number in 0..log.partitions(Topic::Ledger).unwrap() {
            let found = self.0.get(&number).map_or(&[][..], Vec::as_slice);
            let same = found.iter().zip(&expected).take_while(|(found, expected)| found == expected).count();
            let at = found.get(same).map(|copy| copy.seq);
            assert!(at.is_none(), "copy {same} of control in partition {number} is that of record {at:?}");
            assert!(same >= demanded, "partition {number} has {same} control records, and control {demanded}");
        }
    }
}
