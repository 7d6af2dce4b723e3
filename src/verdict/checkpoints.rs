//! The checkpoints that evidence rests on: what a log says of itself, kept so that a log which says two things is caught.

use serde::{Deserialize, Serialize};

use super::check::CheckName;
use super::reason::Cause;
use super::{AttestationResult, CheckOutcome, ParsedEvidence, Reason, TrustRoot};
use crate::event::Digest;
use crate::evidence::note::Checkpoint;
use crate::evidence::{Fault, merkle};

/// A checkpoint whose signature by its log was verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignedCheckpoint {
    /// The log's id.
    pub log: Digest,
    /// The log's own name of this tree (C2SP tlog-checkpoint, first line).
    pub origin: String,
    pub size: u64,
    pub root: Digest,
    /// The signed note, whole: what proves to others that the log said so.
    pub note: String,
}

impl SignedCheckpoint {
    /// What the log said, whoever else signed it.
    pub fn identity(&self) -> Digest {
        let size = self.size.to_be_bytes();
        Digest::of_parts(&[self.log.as_bytes(), self.root.as_bytes(), &size, self.origin.as_bytes()])
    }
}

/// The verified checkpoints of an attestation: those of its inclusion proofs, where every one of them verified.
pub fn checkpoints(attestation: &ParsedEvidence, result: &AttestationResult) -> Vec<SignedCheckpoint> {
    let verified = |name: CheckName| {
        result.checks.iter().any(|check| check.check == name.code() && check.outcome == CheckOutcome::Pass)
    };
    if !verified(CheckName::Checkpoint) {
        return Vec::new();
    }
    let entries = attestation.evidence.entries.iter();
    let noted = entries.filter_map(|entry| Some((entry.log_id, entry.proof.as_ref()?.checkpoint.as_deref()?)));
    noted.filter_map(|(log, note)| SignedCheckpoint::read(log, note).ok()).collect()
}

impl SignedCheckpoint {
    /// Reads a note that `log` is said to have signed. The signature is not looked at here.
    pub fn read(log: Digest, note: &str) -> Result<Self, Reason> {
        let checkpoint = Checkpoint::parse(note)?;
        let (origin, size, root) = (checkpoint.origin.to_owned(), checkpoint.size, checkpoint.root);
        Ok(SignedCheckpoint { log, origin, size, root, note: note.to_owned() })
    }

    /// Verifies that a log of the trust root signed the note, and that it says what is written beside it.
    pub fn verify(&self, root: &TrustRoot) -> Result<(), Reason> {
        let log = root.log(self.log).ok_or(Cause::LogUnknown)?;
        log.log.verify(&Checkpoint::parse(&self.note)?)?;
        let same = SignedCheckpoint::read(self.log, &self.note)? == *self;
        if same { Ok(()) } else { Err(Fault::ProofFields.into()) }
    }
}

/// That the tree of one checkpoint begins with the tree of another (RFC 9162, section 2.1.4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConsistencyProof {
    pub old: SignedCheckpoint,
    pub new: SignedCheckpoint,
    pub hashes: Vec<Digest>,
}

impl ConsistencyProof {
    /// Whether the proof leads from the one root to the other, both of one log. Signatures are not looked at here.
    pub fn holds(&self) -> bool {
        let (old, new) = (&self.old, &self.new);
        let same_log = old.log == new.log && old.origin == new.origin;
        same_log && merkle::verify_consistency(old.size, new.size, &self.hashes, old.root, new.root).is_ok()
    }
}
