//! Evidence from bytes to result, and a bounded memory of what verified: producers send again, and what comes again is
//! taken for what it was.
//!
//! A result is a function of the bytes, of the trust, which its pair names by digest, and of the answers that the clock
//! gave (`event::now`). So the memory gives what verification would give, and forgetting changes nothing. Refusals are not
//! remembered.

use std::ops::Range;
use std::sync::{Arc, LazyLock};

use super::attestation::{self, ParsedEvidence};
use super::checkpoints::{SignedCheckpoint, checkpoints};
use super::verify::verify_at;
use super::{AttestationFacts, AttestationResult, AttestationStatus, CompiledTrust, Reason};
use crate::event::{Digest, Millis, Now};
use crate::evidence::generations::Generations;

/// Bytes of evidence in one generation of one of 16 shards: what is kept of it is of the same order or smaller.
const GENERATION_MAX: usize = 2 * 1024 * 1024;
/// Evidence that is larger is verified each time.
const BYTES_MAX: usize = 64 * 1024;

/// What is said of an attestation.
#[derive(Debug, Clone)]
pub struct Judged {
    pub facts: AttestationFacts,
    pub result: AttestationResult,
    /// The verified checkpoints that the result rests on.
    pub checkpoints: Vec<SignedCheckpoint>,
}

impl Judged {
    pub fn of(parsed: &ParsedEvidence, trust: &CompiledTrust, now: Millis) -> Self {
        Self::at(parsed, trust, &Now::at(now))
    }

    fn at(parsed: &ParsedEvidence, trust: &CompiledTrust, now: &Now) -> Self {
        let result = verify_at(parsed, trust, now);
        let checkpoints = checkpoints(parsed, &result);
        Judged { facts: attestation::facts(parsed), result, checkpoints }
    }
}

/// What was judged, and by which clocks it would be judged so.
type Remembered = (Range<Millis>, Arc<Judged>);

static MEMORY: LazyLock<Generations<Remembered>> = LazyLock::new(|| Generations::new(GENERATION_MAX));

/// Parses and verifies evidence whose SHA-256 is `digest`; by memory where the same was verified under the same pair.
pub fn judge(bytes: &[u8], digest: Digest, trust: &CompiledTrust, now: Millis) -> Result<Arc<Judged>, Reason> {
    let pair = trust.pair;
    let name = Digest::of_parts(&[digest.as_bytes(), pair.trust.as_bytes(), &pair.epoch.to_be_bytes()]);
    if let Some((clocks, judged)) = MEMORY.get(name)
        && clocks.contains(&now)
    {
        return Ok(judged);
    }
    let parsed = attestation::parse_known(bytes, digest, &trust.own_types())?;
    let clock = Now::at(now);
    let judged = Arc::new(Judged::at(&parsed, trust, &clock));
    if judged.result.status == AttestationStatus::Verified && bytes.len() <= BYTES_MAX {
        MEMORY.insert(name, (clock.alike(), Arc::clone(&judged)), bytes.len());
    }
    Ok(judged)
}

/// Forgets everything: what is measured as seen for the first time must be.
pub fn forget() {
    MEMORY.forget();
}
