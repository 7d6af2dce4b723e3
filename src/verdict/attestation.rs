//! An attestation, parsed once: its evidence and what its statement says.

use super::{AttestationFacts, Reason, StatementFacts};
use crate::event::{Kind, jcs};
use crate::evidence::Evidence;
use crate::formats::statement;

/// Evidence and its statement, parsed and not verified.
#[derive(Debug, Clone)]
pub struct ParsedEvidence {
    pub evidence: Evidence,
    /// What the payload says; the reason where it is no statement.
    pub statement: Result<StatementFacts, Reason>,
    /// Whether the payload is RFC 8785 canonical.
    pub canonical: bool,
}

/// Reads evidence in any of its forms. A reason here sends the bytes to the dead-letter topic; whatever else is wrong
/// is for `verify` to say. `own` are the tenant's predicate types and their kinds (`CompiledTrust::own_types`).
pub fn parse(bytes: &[u8], own: &[(&str, Kind)]) -> Result<ParsedEvidence, Reason> {
    let evidence = Evidence::parse(bytes)?;
    let statement = statement::read(&evidence.envelope.payload, own);
    let statement = statement.map(|statement| statement.facts).map_err(Reason::from);
    let canonical = jcs::is_canonical(&evidence.envelope.payload);
    Ok(ParsedEvidence { evidence, statement, canonical })
}

/// What the attestation says, whoever signed it.
pub fn facts(attestation: &ParsedEvidence) -> AttestationFacts {
    AttestationFacts {
        envelope: attestation.evidence.envelope.digest,
        bundle: attestation.evidence.bundle,
        payload_type: attestation.evidence.envelope.payload_type.clone(),
        statement: attestation.statement.as_ref().ok().cloned(),
    }
}
