//! What transparency logs say of themselves, in the ledger of the system tenant: the largest checkpoint per log, what was
//! said at every size, and an alarm where a log said two things. No verdict changes here: what an operator concludes from
//! an alarm comes into force as a control record.

use std::rc::Rc;

use serde::{Deserialize, Serialize};

use crate::event::{Digest, Millis, partition_of};
use crate::verdict::{ConsistencyProof, SignedCheckpoint};

use super::control::system_tenant;
use super::fold::{FoldError, Folding};
use super::keys;
use super::output::TimelineEntry;
use super::step::Fate;

/// A checkpoint that admission met for the first time since its start. Known ones change nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CheckpointSeen {
    pub admitted_at: Millis,
    pub checkpoint: SignedCheckpoint,
}

/// A log's tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TreeRow {
    pub largest: SignedCheckpoint,
    /// The largest size up to which one history is proved, by consistency proofs that an operator brought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proved: Option<u64>,
    /// Digest of the last timeline entry about this tree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeline: Option<Digest>,
}

/// The entry of the timeline for a log that signed two roots for one size.
pub const SPLIT_VIEW: &str = "split-view";
/// The entry for a consistency proof between two signed checkpoints.
pub const CONSISTENT: &str = "log-consistent";

/// Roots that are kept for one size. The second is an alarm already; more say nothing new.
const ROOTS_MAX: usize = 8;

impl Folding<'_> {
    pub(super) fn checkpoint(&mut self, seen: &CheckpointSeen) -> Result<Fate, FoldError> {
        let new = &seen.checkpoint;
        let at_size = keys::tree_at(new.log, &new.origin, new.size);
        let mut said: Vec<SignedCheckpoint> = self.rows.get(&at_size)?.map(Rc::unwrap_or_clone).unwrap_or_default();
        if said.len() >= ROOTS_MAX || said.iter().any(|known| known.root == new.root) {
            return Ok(Fate::Repeated);
        }
        said.push(new.clone());
        let key = keys::tree(new.log, &new.origin);
        let row: Option<TreeRow> = self.rows.get(&key)?.map(Rc::unwrap_or_clone);
        let mut row = row.unwrap_or_else(|| TreeRow { largest: new.clone(), proved: None, timeline: None });
        // Never back: a smaller one that comes later is only remembered.
        if new.size > row.largest.size {
            row.largest = new.clone();
        }
        if let [first, .., _] = said.as_slice() {
            self.tell(SPLIT_VIEW, [first, new], &mut row)?;
        }
        self.rows.put(&key, row)?;
        self.rows.put(&at_size, said)?;
        Ok(Fate::Remembered)
    }

    /// A consistency proof that an operator activated. It concerns the partition of the system tenant alone; one that
    /// does not hold proves nothing and changes nothing.
    pub(super) fn consistency(&mut self, proof: &ConsistencyProof) -> Result<(), FoldError> {
        let ours = partition_of(system_tenant().as_str().as_bytes(), self.partition.partitions);
        if ours != self.number || !proof.holds() {
            return Ok(());
        }
        for checkpoint in [&proof.old, &proof.new] {
            let seen = CheckpointSeen { admitted_at: self.partition.clock, checkpoint: checkpoint.clone() };
            self.checkpoint(&seen)?;
        }
        let key = keys::tree(proof.old.log, &proof.old.origin);
        let mut row: TreeRow = self.rows.get(&key)?.map(Rc::unwrap_or_clone).ok_or(FoldError::Row)?;
        row.proved = row.proved.max(Some(proof.new.size));
        self.tell(CONSISTENT, [&proof.old, &proof.new], &mut row)?;
        self.rows.put(&key, row)
    }

    fn tell(
        &mut self,
        entry: &'static str,
        [old, new]: [&SignedCheckpoint; 2],
        row: &mut TreeRow,
    ) -> Result<(), FoldError> {
        let said = |checkpoint: &SignedCheckpoint| format!("{} {}", checkpoint.size, checkpoint.root);
        if entry != CONSISTENT {
            self.step.alarms.push((entry, new.origin.clone()));
        }
        let entry = TimelineEntry {
            tenant: system_tenant(),
            subject: format!("checkpoint:{}", new.origin),
            entry: entry.to_owned(),
            at: self.partition.clock,
            from: Some(said(old)),
            to: Some(said(new)),
            reasons: Vec::new(),
            notes: vec![old.note.clone(), new.note.clone()],
            previous: row.timeline,
            position: self.position(),
        };
        row.timeline = Some(self.enter(&entry)?);
        Ok(())
    }
}
