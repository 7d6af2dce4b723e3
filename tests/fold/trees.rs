//! Checkpoints in the fold: the largest per log is kept, never an older one, and two roots of one size are an alarm.

use attestream::event::{Digest, Topic};
use attestream::ledger::checkpoint::{CheckpointSeen, SPLIT_VIEW, TreeRow};
use attestream::ledger::control::{ControlRecord, system_tenant};
use attestream::ledger::output::TimelineEntry;
use attestream::ledger::record::{Body, LedgerRecord};
use attestream::ledger::state::Recall as _;
use attestream::ledger::{Fate, keys, packed};
use attestream::signing::Signer;
use attestream::signing::log::TransparencyLog;
use attestream::verdict::{ConsistencyProof, SignedCheckpoint};

use super::run::{Run, run};
use super::world::{START, control, genesis, trust};

/// A log of so many entries; the leaves of `side` differ from those of others.
fn log(entries: u64, side: &str) -> TransparencyLog {
    let mut log = TransparencyLog::new(Signer::ed25519([7; 32]).unwrap(), "log.example", 5);
    for entry in 1..entries {
        log.append_leaf(format!("{side} {entry}").as_bytes());
    }
    log
}

fn checkpoint(log: &TransparencyLog, size: u64) -> SignedCheckpoint {
    SignedCheckpoint::read(log.id(), &log.checkpoint(size).unwrap()).unwrap()
}

fn seen(checkpoint: SignedCheckpoint) -> LedgerRecord {
    let seen = CheckpointSeen { admitted_at: START, checkpoint };
    LedgerRecord::new(system_tenant(), Body::Checkpoint(Box::new(seen)))
}

fn folded(records: Vec<LedgerRecord>) -> Run {
    let trusted = trust(&[1], &[], None);
    let records = [vec![control(0, genesis(trusted.clone()))], records].concat();
    run(records, &[], &[trusted], &[2], 0)
}

fn timeline(run: &Run) -> Vec<TimelineEntry> {
    let entries = run.outputs.iter().filter(|output| output.topic == Topic::Timeline);
    let entries = entries.map(|output| serde_json::from_slice::<TimelineEntry>(&output.value).unwrap());
    entries.filter(|entry| entry.subject.starts_with("checkpoint:")).collect()
}

fn tree(run: &Run, log: &TransparencyLog) -> Option<TreeRow> {
    let rows = run.state.get_many(&[keys::tree(log.id(), "log.example - 5")]).unwrap();
    rows[0].as_deref().map(|row| packed::read(row).unwrap())
}

#[test]
fn the_largest_is_kept_and_an_older_one_takes_nothing_back() {
    let log = log(9, "one");
    let run = folded([5, 8, 3, 8, 5].map(|size| seen(checkpoint(&log, size))).to_vec());
    assert_eq!(tree(&run, &log).unwrap().largest, checkpoint(&log, 8));
    assert_eq!(run.fates[&Fate::Remembered], 3);
    assert_eq!(run.fates[&Fate::Repeated], 2);
    assert_eq!(timeline(&run), []);
}

#[test]
fn two_roots_of_one_size_are_an_alarm_once_for_each_root() {
    let (one, two, three) = (log(9, "one"), log(9, "two"), log(9, "three"));
    let of = |log: &TransparencyLog| seen(checkpoint(log, 6));
    let run = folded(vec![of(&one), of(&two), of(&one), of(&two), of(&three), seen(checkpoint(&two, 7))]);
    let entries = timeline(&run);
    let expected = [&two, &three].map(|other| vec![one.checkpoint(6).unwrap(), other.checkpoint(6).unwrap()]);
    assert_eq!(entries.iter().map(|entry| entry.notes.clone()).collect::<Vec<_>>(), expected);
    assert!(entries.iter().all(|entry| entry.entry == SPLIT_VIEW && entry.tenant == system_tenant()));
    let of_log = |key: &[u8]| key.starts_with(b"0.system/checkpoint:");
    let first = run.outputs.iter().find(|output| output.topic == Topic::Timeline && of_log(&output.key));
    assert_eq!(entries[1].previous, first.map(|output| Digest::of(&output.value)), "entries are chained");
}

#[test]
fn a_proof_that_holds_is_kept_and_one_that_does_not_changes_nothing() {
    let (log, other) = (log(9, "one"), log(9, "two"));
    let proof = |new: &TransparencyLog, hashes| {
        let proof = ConsistencyProof { old: checkpoint(&log, 4), new: checkpoint(new, 9), hashes };
        control(1, ControlRecord::Consistency(Box::new(proof)))
    };
    let right = folded(vec![proof(&log, log.tree().consistency(4, 9))]);
    assert_eq!(tree(&right, &log).unwrap().proved, Some(9));
    assert_eq!(timeline(&right).iter().map(|entry| entry.entry.as_str()).collect::<Vec<_>>(), ["log-consistent"]);
    for wrong in [proof(&log, Vec::new()), proof(&other, log.tree().consistency(4, 9))] {
        let wrong = folded(vec![wrong]);
        assert_eq!(tree(&wrong, &log), None);
        assert_eq!(timeline(&wrong), []);
    }
}

#[test]
fn a_proof_whose_old_root_is_not_the_one_that_was_seen_raises_the_alarm() {
    let (log, other) = (log(9, "one"), log(9, "two"));
    let hashes = other.tree().consistency(4, 9);
    let proof = ConsistencyProof { old: checkpoint(&other, 4), new: checkpoint(&other, 9), hashes };
    let run = folded(vec![seen(checkpoint(&log, 4)), control(1, ControlRecord::Consistency(Box::new(proof)))]);
    let entries: Vec<String> = timeline(&run).into_iter().map(|entry| entry.entry).collect();
    assert_eq!(entries, ["split-view", "log-consistent"]);
}
