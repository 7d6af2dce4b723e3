//! Verification: explicit inputs in, a result out. No clock, no network, no state; the rules are those of the contract
//! (P: parsing, D: envelope and statement, Z: time, C: certificates, L: log).

use std::collections::{BTreeMap, BTreeSet};

use super::attestation::ParsedEvidence;
use super::check::{CheckName, Checks};
use super::reason::Cause;
use super::{
    AttestationResult, AttestationStatus, CompiledTrust, KeyShown, Reason, RekorShown, RestsOn, keyed, keyless,
};
use crate::event::{Millis, Now};
use crate::evidence::{Material, Note};
use crate::formats::{predicate, statement::PAYLOAD_TYPE};

/// Verifies one attestation under one tenant's trust, at the admission clock `now`.
///
/// The same attestation, trust and clock give the same result, byte for byte. Revocation and removal of a pinned key
/// are not judged here (`standing`).
pub fn verify(attestation: &ParsedEvidence, trust: &CompiledTrust, now: Millis) -> AttestationResult {
    verify_at(attestation, trust, &Now::at(now))
}

/// The same, by a clock that says which others would have given this result.
pub(super) fn verify_at(attestation: &ParsedEvidence, trust: &CompiledTrust, now: &Now) -> AttestationResult {
    match &attestation.evidence.material {
        Material::Certificates(chain) => keyless::verify(attestation, chain, trust, now),
        Material::None | Material::Hint(_) => keyed::verify(attestation, trust, now),
    }
}

/// What the steps of one verification have found so far.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub checks: Checks,
    pub rests_on: BTreeSet<RestsOn>,
    /// Every verified time.
    pub times: Vec<Millis>,
    pub not_before: Option<Millis>,
    pub witnesses: u32,
    /// Whether an inclusion proof ends in a checkpoint that the demanded quorum of witnesses cosigned.
    pub witnessed: bool,
    pub key: Option<KeyShown>,
    pub rekor: Option<RekorShown>,
    pub claims: BTreeMap<String, String>,
}

impl Found {
    /// Whether there is no time because the log or authority that would give it is missing or wrong, which is said
    /// already.
    pub fn time_is_moot(&self) -> bool {
        let sources = [CheckName::Timestamp, CheckName::LogEntry, CheckName::Promise, CheckName::LogPolicy];
        self.times.is_empty() && sources.into_iter().any(|source| self.checks.failed(source))
    }

    pub fn finish(mut self, trust: &CompiledTrust) -> AttestationResult {
        self.rests_on.insert(RestsOn::Rules);
        let (status, reasons) = self.checks.verdict();
        let root = trust.root.as_ref().filter(|_| self.rests_on.contains(&RestsOn::Root));
        AttestationResult {
            pair: trust.pair,
            status,
            reasons: reasons.into_iter().map(|reason| reason.code().to_owned()).collect(),
            checks: self.checks.list(),
            rests_on: self.rests_on.into_iter().collect(),
            trusted_time: self.times.iter().min().copied(),
            not_before: self.not_before.filter(|_| status == AttestationStatus::Verified),
            witnesses: self.witnesses,
            key: self.key,
            rekor: self.rekor,
            claims: self.claims,
            trust_root: root.map(|root| root.digest()),
        }
    }
}

/// The result of evidence for which no key or identity is configured: one failing check and nothing else, so that a
/// key which was removed and one which never was give the same bytes.
pub(super) fn unresolved(trust: &CompiledTrust, rests_on: RestsOn, reason: Cause) -> AttestationResult {
    let mut found = Found::default();
    found.rests_on.insert(rests_on);
    found.checks.fail(CheckName::Key, reason);
    found.finish(trust)
}

/// Spellings that are accepted and noted.
pub(super) fn note_encoding(attestation: &ParsedEvidence, checks: &mut Checks) {
    for note in &attestation.evidence.notes {
        let cause = match note {
            Note::UrlSafeBase64 => Cause::NotedUrlSafe,
            Note::MediaTypeSpelling => Cause::NotedMediaType,
        };
        checks.note(CheckName::Encoding, cause);
    }
    if !attestation.canonical {
        checks.note(CheckName::Encoding, Cause::NotedNotCanonical);
    }
}

/// D5 and D6: the payload type is accepted, the statement is one, and its predicate type is known to the tenant.
pub(super) fn judge_statement(attestation: &ParsedEvidence, trust: &CompiledTrust, checks: &mut Checks) {
    if attestation.evidence.envelope.file.is_some() {
        // A message signature states nothing: it is about its file.
        return;
    }
    let payload_type = attestation.evidence.envelope.payload_type.as_str();
    let listed = trust.payload_types.contains(payload_type);
    let accepted = payload_type == PAYLOAD_TYPE || listed;
    checks.judge(CheckName::PayloadType, accepted.then_some(()).ok_or(Cause::PayloadType));
    match &attestation.statement {
        Ok(statement) => {
            checks.pass(CheckName::Statement);
            let of = statement.predicate_type.as_str();
            let built_in = predicate::known(of).is_some() && of != predicate::COSIGN_CUSTOM;
            let known = built_in || trust.predicate_types.contains_key(of);
            checks.judge(CheckName::PredicateType, known.then_some(()).ok_or(Cause::PredicateTypeUnknown));
        }
        Err(_) if payload_type != PAYLOAD_TYPE => checks.skip(CheckName::Statement),
        Err(reason) => checks.fail(CheckName::Statement, *reason),
    }
}

/// The first failing reason of a list of rules, as a result.
pub(super) fn all(rules: &[(bool, Cause)]) -> Result<(), Reason> {
    rules.iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, cause)| Err((*cause).into()))
}
