//! What a log proves of an entry: inclusion under a checkpoint that it signed, and a promise with a time (L1 to L8).

use std::collections::BTreeSet;

use super::note::{Checkpoint, LogKey, WitnessKey};
use super::{Fault, LogEntry, Proof, entry, merkle};
use crate::event::{Digest, Now, digest};

/// What an inclusion proof shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Included<'a> {
    /// The index in the tree.
    pub index: u64,
    /// The hash of the entry as a leaf.
    pub leaf: Digest,
    /// What the proof ends in, signed by the log.
    pub checkpoint: Checkpoint<'a>,
}

/// Why a proof shows nothing: the proof itself, or the checkpoint that it ends in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    Proof(Fault),
    Checkpoint(Fault),
}

/// Verifies the proof of an entry: its hashes lead to the root of a checkpoint that this log signed.
pub fn verify_proof<'a>(entry: &LogEntry, proof: &'a Proof, log: &LogKey) -> Result<Included<'a>, Broken> {
    let text = proof.checkpoint.as_deref().ok_or(Broken::Checkpoint(Fault::CheckpointMissing))?;
    let checkpoint = Checkpoint::parse(text).map_err(Broken::Checkpoint)?;
    log.verify(&checkpoint).map_err(Broken::Checkpoint)?;
    // L3: Rekor v1 states the root beside the checkpoint; in Rekor v2 the checkpoint alone says it.
    let same_root = proof.root.map_or(entry::is_v2(entry), |root| root == checkpoint.root);
    if !same_root || proof.size != checkpoint.size {
        return Err(Broken::Proof(Fault::ProofFields));
    }
    let index = if entry::is_v2(entry) { entry.index } else { proof.index };
    if entry::is_v2(entry) && proof.index != entry.index {
        return Err(Broken::Proof(Fault::ProofFields));
    }
    let leaf = entry.leaf();
    merkle::verify_inclusion(index, checkpoint.size, leaf, &proof.hashes, checkpoint.root).map_err(Broken::Proof)?;
    if entry.uuid.as_deref().is_some_and(|uuid| !uuid_fits(uuid, leaf, checkpoint.tree_id())) {
        return Err(Broken::Proof(Fault::EntryUuid));
    }
    Ok(Included { index, leaf, checkpoint })
}

/// Verifies the promise of an entry and gives its time. Without a promise that verifies there is no time.
pub fn verify_promise(entry: &LogEntry, promise: &[u8], log: &LogKey) -> Result<i64, Fault> {
    let time = entry.integrated_time.filter(|_| !entry::is_v2(entry)).ok_or(Fault::PromiseInvalid)?;
    log.key.verify(&entry::promise_bytes(entry), promise).map_err(|_| Fault::PromiseInvalid)?;
    if entry.uuid.as_deref().is_some_and(|uuid| !uuid_fits(uuid, entry.leaf(), None)) {
        return Err(Fault::EntryUuid);
    }
    Ok(time)
}

/// Which of `witnesses` cosigned the checkpoint of a verified proof, not after `now`, by their place. The log itself is
/// no witness of itself, whatever name its key has.
pub fn cosigners(
    checkpoint: &Checkpoint<'_>,
    log: &LogKey,
    witnesses: &[WitnessKey],
    now: &Now,
) -> Result<BTreeSet<usize>, Fault> {
    let mut cosigners = BTreeSet::new();
    for (at, witness) in witnesses.iter().enumerate() {
        let time = witness.cosigned(checkpoint)?;
        if time.is_some_and(|time| now.has_come(time)) && !witness.is_log(log) {
            cosigners.insert(at);
        }
    }
    Ok(cosigners)
}

/// Whether a UUID of Rekor v1 is that of this entry: a leaf hash, or a tree id and a leaf hash (rule L7).
fn uuid_fits(uuid: &str, leaf: Digest, tree: Option<u64>) -> bool {
    match digest::unhex(uuid) {
        Some(bytes) if bytes.len() == 32 => bytes == leaf.as_bytes(),
        Some(bytes) => bytes.split_first_chunk::<8>().is_some_and(|(id, hash)| {
            hash == leaf.as_bytes() && tree.is_none_or(|tree| tree == u64::from_be_bytes(*id))
        }),
        None => false,
    }
}
