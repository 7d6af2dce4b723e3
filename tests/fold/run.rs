//! Folds a ledger that grows by what the fold itself publishes: `continue` records and answers to its asks.

use std::collections::{BTreeMap, VecDeque};

use attestream::event::{Digest, Topic};
use attestream::ledger::output::Published;
use attestream::ledger::record::{Body, LedgerRecord, Work};
use attestream::ledger::state::{Memo, MemoryState, State as _, StatePosition};
use attestream::ledger::{Fate, Folding, Publication};
use attestream::verdict::tenant::TenantTrust;

use super::world::Attestation;

/// Everything that a run came to.
pub struct Run {
    pub ledger: Vec<LedgerRecord>,
    pub fates: BTreeMap<Fate, u64>,
    pub outputs: Vec<Publication>,
    pub state: MemoryState,
}

/// Folds `records` in batches of the sizes that `sizes` repeats, answering asks from `attestations` under `trusts`.
/// `delay` is how many live records an answer comes late.
pub fn run(
    records: Vec<LedgerRecord>,
    attestations: &[Attestation],
    trusts: &[TenantTrust],
    sizes: &[usize],
    delay: usize,
) -> Run {
    let mut live: VecDeque<LedgerRecord> = records.into();
    let mut own: VecDeque<LedgerRecord> = VecDeque::new();
    let mut late: VecDeque<(usize, LedgerRecord)> = VecDeque::new();
    let mut run =
        Run { ledger: Vec::new(), fates: BTreeMap::new(), outputs: Vec::new(), state: MemoryState::default() };
    let mut sizes = sizes.iter().copied().cycle();
    loop {
        let mut batch = Vec::new();
        for _ in 0..sizes.next().unwrap_or(1).max(1) {
            // The ledger's order: what was appended first. Live records and the fold's own take turns.
            let due = late.front().is_some_and(|(at, _)| *at <= run.ledger.len() + batch.len() || live.is_empty());
            let next = if due { late.pop_front().map(|(_, record)| record) } else { None };
            let next = next.or_else(|| own.pop_front()).or_else(|| live.pop_front());
            batch.extend(next);
        }
        if batch.is_empty() {
            break;
        }
        for publication in fold(&mut run, &batch) {
            match publication.topic {
                Topic::Ledger => own.push_back(serde_json::from_slice(&publication.value).unwrap()),
                Topic::Work => {
                    let Work::Verify(work) = serde_json::from_slice(&publication.value).unwrap();
                    let attestation = attestations.iter().find(|a| a.id() == work.attestation).unwrap();
                    let trust = trusts.iter().find(|trust| trust.digest(None) == work.pair.trust).unwrap();
                    late.push_back((run.ledger.len() + delay, attestation.answer(&work, trust)));
                }
                _ => {}
            }
        }
    }
    let total: u64 = run.fates.values().sum();
    assert_eq!(total, u64::try_from(run.ledger.len()).unwrap(), "records = sum of fates");
    run
}

fn fold(run: &mut Run, batch: &[LedgerRecord]) -> Vec<Publication> {
    let seq = u64::try_from(run.ledger.len()).unwrap();
    let mut folding = Folding::begin(&run.state, 0, seq).unwrap();
    folding.prefetch(batch).unwrap();
    let mut published = Vec::new();
    for record in batch {
        let step = folding.fold(record).unwrap();
        *run.fates.entry(step.fate).or_default() += 1;
        published.extend(step.publish);
    }
    let memo = folding.finish().unwrap();
    assert_eq!(memo, silently(&run.state, seq, batch), "who publishes nothing remembers the same");
    let seq = seq + u64::try_from(batch.len()).unwrap();
    let last_digest = Digest::of(&batch.last().unwrap().to_bytes());
    let ledger = "01TEST".to_owned();
    let position =
        StatePosition { ledger, partition: 0, seq, next_offset: seq, last_offset: seq.saturating_sub(1), last_digest };
    run.state.remember(memo, &position).unwrap();
    run.ledger.extend(batch.iter().cloned());
    run.outputs.extend(published.iter().cloned());
    published
}

/// What the fold remembers of a batch when it publishes nothing.
fn silently(state: &MemoryState, seq: u64, batch: &[LedgerRecord]) -> Memo {
    let mut folding = Folding::begin(state, 0, seq).unwrap().silently();
    folding.prefetch(batch).unwrap();
    for record in batch {
        assert_eq!(folding.fold(record).unwrap().publish, []);
    }
    folding.finish().unwrap()
}

/// Folds a given ledger again, in other batches: what it publishes.
pub fn replay(ledger: &[LedgerRecord], size: usize) -> Run {
    let mut run =
        Run { ledger: Vec::new(), fates: BTreeMap::new(), outputs: Vec::new(), state: MemoryState::default() };
    for batch in ledger.chunks(size) {
        fold(&mut run, batch);
    }
    run
}

/// The last enriched record of each event, without revision and position.
pub fn last_enriched(run: &Run) -> BTreeMap<String, Published> {
    let mut last = BTreeMap::new();
    for output in run.outputs.iter().filter(|output| output.topic == Topic::Enriched) {
        let mut record: Published = serde_json::from_slice(&output.value).unwrap();
        record.revision = None;
        record.position = None;
        last.insert(record.id.clone(), record);
    }
    last
}

/// What a consumer that reads only `change` and `revision` of the verified topic ends with.
pub fn consumed(run: &Run) -> Vec<String> {
    let mut standing: BTreeMap<String, u64> = BTreeMap::new();
    for output in run.outputs.iter().filter(|output| output.topic == Topic::Verified) {
        let record: Published = serde_json::from_slice(&output.value).unwrap();
        let (change, revision) = (record.change.unwrap(), record.revision.unwrap());
        let before = standing.get(&record.id).copied();
        assert_eq!(record.supersedes, before, "{} supersedes what stood", record.id);
        match change.as_str() {
            "verified" => assert!(standing.insert(record.id.clone(), revision).is_none(), "verified once"),
            "superseded" => assert!(standing.insert(record.id.clone(), revision).is_some_and(|old| old < revision)),
            _ => assert!(standing.remove(&record.id).is_some_and(|old| old < revision) && record.document.is_none()),
        }
    }
    standing.into_keys().collect()
}

/// Whether a record came from outside: no control copy and no step of a sweep.
pub fn is_live(record: &LedgerRecord) -> bool {
    !matches!(record.body, Body::Continue(_) | Body::Control(_))
}
