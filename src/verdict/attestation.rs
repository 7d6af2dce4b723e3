//! An attestation, parsed once: its evidence and what its statement says.

use super::{AttestationFacts, Reason, StatementFacts};
use crate::event::json::Form;
use crate::event::{Digest, Kind, Subject, digest, jcs};
use crate::evidence::{Artifact, Evidence, Fault};
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
    Ok(parsed(Evidence::parse(bytes)?, own))
}

/// The same of bytes whose SHA-256 is known.
pub(super) fn parse_known(bytes: &[u8], digest: Digest, own: &[(&str, Kind)]) -> Result<ParsedEvidence, Reason> {
    Ok(parsed(Evidence::of_digest(bytes, digest)?, own))
}

/// Reads evidence about a file: beside all other forms, a bundle whose message signature is over the file itself. For
/// files on the command line; an event has none.
pub fn parse_about(bytes: &[u8], file: &Artifact, own: &[(&str, Kind)]) -> Result<ParsedEvidence, Reason> {
    Ok(parsed(Evidence::parse_about(bytes, file)?, own))
}

/// Whether the evidence is about the file: its signature is over it, or a subject of its statement has its digest.
pub fn judge_file(attestation: &ParsedEvidence, file: &Artifact) -> Result<(), Reason> {
    if attestation.evidence.envelope.file.as_ref() == Some(file) {
        return Ok(());
    }
    let statement = attestation.statement.as_ref().map_err(|reason| *reason)?;
    let hex = |name: &str| file.hash(name).flatten().map(digest::hex);
    let known = [hex("SHA2_256"), hex("SHA2_384"), hex("SHA2_512")];
    let is_named = |subject: &Subject| {
        let named = [&subject.digest.sha256, &subject.digest.sha384, &subject.digest.sha512];
        let mut pairs = named.into_iter().zip(&known).filter(|(named, known)| named.is_some() && known.is_some());
        // Every digest of one subject is of one file: one that fits beside one that does not is of neither.
        let first = pairs.next();
        first.is_some_and(|(named, known)| named == known) && pairs.all(|(named, known)| named == known)
    };
    if statement.subjects.iter().any(is_named) { Ok(()) } else { Err(Fault::FileMismatch.into()) }
}

fn parsed(evidence: Evidence, own: &[(&str, Kind)]) -> ParsedEvidence {
    if evidence.envelope.file.is_some() {
        return ParsedEvidence { evidence, statement: Err(Fault::NoEnvelope.into()), canonical: true };
    }
    let statement = statement::read(&evidence.envelope.payload, own);
    let canonical = match statement.as_ref().map(|statement| statement.form) {
        Ok(Form::Canonical) => true,
        Ok(Form::Other) => false,
        Ok(Form::Unsure) | Err(_) => jcs::is_canonical(&evidence.envelope.payload),
    };
    let statement = statement.map(|statement| statement.facts).map_err(Reason::from);
    ParsedEvidence { evidence, statement, canonical }
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
