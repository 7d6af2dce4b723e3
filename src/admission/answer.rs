//! Work that the fold asked for.

use crate::event::Millis;
use crate::ledger::LedgerRecord;
use crate::ledger::record::{Answer, Body, VerifyWork};
use crate::verdict;

use super::TrustTable;
use super::ports::{ObjectError, Objects};

/// Why an ask is not answered now. The asker waits: an ask is never dropped.
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    /// The trust digest of the asked pair has not been read from control, or needs a newer binary.
    #[error("the trust that was asked for is not known yet")]
    TrustUnknown,
    /// The evidence that the ask names is not there, or is not what it was.
    #[error("the evidence that was asked about cannot be read")]
    EvidenceMissing,
    #[error(transparent)]
    Object(#[from] ObjectError),
}

/// Verifies an attestation under the pair that was asked for. An ask under an epoch that only an older binary had is
/// answered under this one's: such a result waits in the ledger until its epoch is activated, and nothing waits here.
pub fn answer(
    work: &VerifyWork,
    table: &TrustTable,
    objects: &dyn Objects,
    now: Millis,
) -> Result<LedgerRecord, Unanswered> {
    let trust = table.by_digest(work.pair.trust).filter(|trust| work.pair.epoch <= trust.pair.epoch);
    let trust = trust.ok_or(Unanswered::TrustUnknown)?;
    let bytes = match &work.evidence.inline {
        Some(bytes) => bytes.clone(),
        None => objects.get(&work.tenant, work.evidence.digest)?.ok_or(Unanswered::EvidenceMissing)?,
    };
    // What was admitted once parses again: the bytes are the same.
    let parsed = verdict::parse(&bytes, &trust.own_types()).map_err(|_| Unanswered::EvidenceMissing)?;
    let result = verdict::verify(&parsed, trust, work.at);
    let answer = Answer { admitted_at: now, control: table.position(), attestation: work.attestation, result };
    Ok(LedgerRecord::new(work.tenant.clone(), Body::Answer(Box::new(answer))))
}
