//! Folding committed ledger records again, outside of any worker.

use attestream::event::Digest;
use attestream::ledger::record::LedgerRecord;
use attestream::ledger::state::{MemoryState, State as _, StatePosition};
use attestream::ledger::{Folding, Step};
use attestream::log::Record;

/// Folds the next records of a partition, the first of which has the number `seq`, into a state that holds those before
/// them. Each record goes on, parsed, with what it came to. The number of the record behind them.
pub fn fold_batch(
    state: &mut MemoryState,
    number: u32,
    seq: u64,
    batch: &[Record],
    folded: &mut dyn FnMut(&Record, LedgerRecord, Step),
) -> u64 {
    let Some(last) = batch.last() else { return seq };
    let parsed: Vec<LedgerRecord> =
        batch.iter().map(|record| serde_json::from_slice(record.value.as_deref().unwrap()).unwrap()).collect();
    let mut folding = Folding::begin(state, number, seq).unwrap();
    folding.prefetch(&parsed).unwrap();
    for (record, parsed) in batch.iter().zip(parsed) {
        let step = folding.fold(&parsed).unwrap();
        folded(record, parsed, step);
    }
    let seq = folding.seq();
    let position = StatePosition {
        ledger: folding.ledger().to_owned(),
        partition: number,
        seq,
        next_offset: last.offset + 1,
        last_offset: last.offset,
        last_digest: Digest::of(last.value.as_deref().unwrap()),
    };
    state.remember(folding.finish().unwrap(), &position).unwrap();
    seq
}
