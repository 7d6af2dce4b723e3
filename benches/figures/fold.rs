//! The fold alone, on one thread: batches as the ledger worker folds them, without log and transactions.

use std::collections::BTreeMap;

use attestream::admission::TrustTable;
use attestream::event::{Digest, limits};
use attestream::ledger::control::system_tenant;
use attestream::ledger::record::{Body, ControlCopy};
use attestream::ledger::state::{MemoryState, State, StatePosition};
use attestream::ledger::{Fate, Folding, LedgerRecord};
use attestream::log::Outgoing;
use attestream::rocks::{MemoryBudget, RocksState, StateIdentity};

use crate::Outcome;
use crate::admission::{admit_all, genesis};
use crate::inputs::Inputs;
use crate::report::{Report, Unit};
use crate::spent::measure as spent;

pub fn measure(report: &mut Report, inputs: &Inputs) -> Outcome<()> {
    let mut table = TrustTable::default();
    table.apply(&genesis(inputs));
    let first: Vec<&Outgoing> = inputs.pairs.iter().flat_map(|pair| [&pair.document, &pair.evidence]).collect();
    let late: Vec<&Outgoing> = inputs.pairs.iter().flat_map(|pair| [&pair.evidence, &pair.document]).collect();
    let ledger = admit_all(&table, inputs, &first)?;
    codec(report, &ledger)?;
    one(report, inputs, "document first", &ledger)?;
    one(report, inputs, "evidence first", &admit_all(&table, inputs, &late)?)
}

/// Writing and reading a ledger record: admission does the one, the ledger worker the other.
fn codec(report: &mut Report, ledger: &[LedgerRecord]) -> Outcome<()> {
    let (written, took) = spent(|| Ok(ledger.iter().map(LedgerRecord::to_bytes).collect::<Vec<_>>()))?;
    report.add("ledger record: write", Unit::Record, ledger.len(), took);
    let read =
        || Ok(written.iter().map(|bytes| serde_json::from_slice(bytes)).collect::<Result<Vec<LedgerRecord>, _>>()?);
    let (read, took) = spent(read)?;
    report.add("ledger record: read", Unit::Record, ledger.len(), took);
    if read == ledger { Ok(()) } else { Err("a ledger record reads otherwise than it was written".into()) }
}

fn one(report: &mut Report, inputs: &Inputs, order: &str, ledger: &[LedgerRecord]) -> Outcome<()> {
    let mut state = MemoryState::default();
    run(report, inputs, &format!("memory state, {order}"), ledger, &mut state)?;
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let identity = StateIdentity { ledger: "01FIGURES".to_owned(), partition: 0 };
    let mut state = RocksState::open(dir.path(), &identity, &MemoryBudget::default())?.state;
    run(report, inputs, &format!("RocksDB state, {order}"), ledger, &mut state)
}

fn run<S: State>(
    report: &mut Report,
    inputs: &Inputs,
    name: &str,
    ledger: &[LedgerRecord],
    state: &mut S,
) -> Outcome<()> {
    let copy = ControlCopy { seq: 0, record: genesis(inputs) };
    let born = LedgerRecord::new(system_tenant(), Body::Control(Box::new(copy)));
    fold(state, 0, std::slice::from_ref(&born))?;
    let events = u64::try_from(ledger.len() / 2)?;
    let (fates, took) = spent(|| fold(state, 1, ledger))?;
    if fates.get(&Fate::Published) != Some(&events) && fates.get(&Fate::Held) != Some(&events) {
        return Err(format!("the fates are {fates:?}").into());
    }
    report.add(&format!("fold: {name}"), Unit::Event, ledger.len() / 2, took);
    let (fates, took) = spent(|| fold(state, 1 + u64::try_from(ledger.len())?, ledger))?;
    if fates.get(&Fate::Repeated) != Some(&(2 * events)) {
        return Err(format!("the fates of what came again are {fates:?}").into());
    }
    report.add(&format!("fold: {name}, again"), Unit::Event, ledger.len() / 2, took);
    Ok(())
}

fn fold<S: State>(state: &mut S, first: u64, ledger: &[LedgerRecord]) -> Outcome<BTreeMap<Fate, u64>> {
    let mut fates = BTreeMap::new();
    let mut seq = first;
    for batch in ledger.chunks(limits::BATCH_RECORDS) {
        let mut folding = Folding::begin(state, 0, seq)?;
        folding.prefetch(batch)?;
        for record in batch {
            *fates.entry(folding.fold(record)?.fate).or_default() += 1;
        }
        seq = folding.seq();
        let memo = folding.finish()?;
        let (next_offset, last_offset) = (seq, seq.saturating_sub(1));
        let ledger = "01FIGURES".to_owned();
        let last_digest = Digest::of(&seq.to_be_bytes());
        state.remember(memo, &StatePosition { ledger, partition: 0, seq, next_offset, last_offset, last_digest })?;
    }
    Ok(fates)
}
