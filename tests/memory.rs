//! The log port in memory: the same contract, with and without the gaps that transactions leave.

use attestream::log::memory::MemoryLog;

use crate::port;

crate::conformance!(|| Some(MemoryLog::new(port::COUNTS)));

mod dense {
    use super::*;

    crate::conformance!(|| Some(MemoryLog::new(port::COUNTS).with_dense_offsets()));
}
