//! What the verifier came to, for a person or a program: what was checked, what was not, and the exit code.

use serde_json::json;

use super::exit::Exit;
use super::out::{Colour, Format, Out, tame};
use crate::event::Millis;
use crate::verdict::check::CheckName;
use crate::verdict::{self, facts};
use crate::verdict::{
    AttestationFacts, AttestationResult, AttestationStatus, Check, CheckOutcome, Code, CompiledTrust, KeyShown,
    ParsedEvidence, Reason, RekorShown, TenantTrust,
};

/// Checks of the command line beyond those of the verdict.
pub const FILE: &str = "file";
pub const DOCUMENT: &str = "document";

/// An opinion on one attestation.
#[derive(Debug)]
pub struct Opinion {
    status: AttestationStatus,
    reasons: Vec<String>,
    checks: Vec<Check>,
    trusted_time: Option<Millis>,
    key: Option<KeyShown>,
    rekor: Option<RekorShown>,
    facts: Option<AttestationFacts>,
    not_before: Option<Millis>,
    /// It is no evidence of any form: there was nothing to verify.
    nothing: bool,
}

impl Opinion {
    /// Bytes that are no evidence.
    pub fn refused(reason: Reason) -> Self {
        Opinion {
            status: AttestationStatus::Failed,
            reasons: vec![reason.code().to_owned()],
            checks: Vec::new(),
            trusted_time: None,
            key: None,
            rekor: None,
            facts: None,
            not_before: None,
            nothing: reason == Reason::Evidence(crate::evidence::Fault::Form),
        }
    }

    /// Verifies under a tenant's trust, at this machine's clock.
    pub fn of(parsed: &ParsedEvidence, trust: &TenantTrust, compiled: &CompiledTrust, now: Millis) -> Self {
        let result: AttestationResult = verdict::verify(parsed, compiled, now);
        let standing = verdict::standing(&result, trust);
        Opinion {
            status: standing.status,
            reasons: standing.reasons.to_vec(),
            checks: standing.checks.to_vec(),
            trusted_time: standing.trusted_time,
            key: standing.key.cloned(),
            rekor: standing.rekor.cloned(),
            not_before: result.not_before,
            facts: Some(facts(parsed)),
            nothing: false,
        }
    }

    /// Whether the signature verified.
    pub fn signed(&self) -> bool {
        let signature = CheckName::Signature.code();
        self.checks.iter().any(|check| check.check == signature && check.outcome == CheckOutcome::Pass)
    }

    /// One more check: of the file or the document that it must be about.
    pub fn also(&mut self, check: &'static str, outcome: Result<(), Reason>) {
        let code = outcome.err().map(Reason::code);
        let failed = code.is_some();
        if let Some(code) = code {
            // Its own failures are graver: they come first.
            self.reasons.push(code.to_owned());
            if self.status == AttestationStatus::Verified {
                self.status = AttestationStatus::Failed;
            }
        }
        let outcome = if failed { CheckOutcome::Fail } else { CheckOutcome::Pass };
        self.checks.push(Check { check: check.into(), outcome, code: code.map(Code::from) });
    }

    pub fn exit(&self) -> Exit {
        match self.status {
            _ if self.nothing => Exit::Indeterminate,
            // A time that lies ahead is right and does not count yet.
            AttestationStatus::Verified if self.not_before.is_some() => Exit::Indeterminate,
            AttestationStatus::Verified => Exit::Done,
            AttestationStatus::KeyPolicyMismatch | AttestationStatus::Failed => Exit::Failed,
        }
    }

    /// Checks that were neither passed nor failed: for want of evidence, or because nobody asked.
    fn not_checked(&self) -> Vec<&str> {
        let judged =
            |name: &str| self.checks.iter().any(|check| check.check == name && check.outcome != CheckOutcome::Skip);
        let all = CheckName::ALL.iter().map(|name| name.code()).chain([FILE, DOCUMENT]);
        all.filter(|name| !judged(name)).collect()
    }

    pub fn show(&self, out: &Out, format: Format) {
        match format {
            Format::Json => self.show_json(out),
            Format::Text => self.show_text(out),
        }
    }

    fn show_json(&self, out: &Out) {
        let statement = self.facts.as_ref().and_then(|facts| facts.statement.as_ref());
        out.answer(json!({
            "status": self.status,
            "reasons": self.reasons,
            "checks": self.checks,
            "notChecked": self.not_checked(),
            "trustedTime": self.trusted_time,
            "notBefore": self.not_before,
            "key": self.key,
            "rekor": self.rekor,
            "envelope": self.facts.as_ref().map(|facts| facts.envelope),
            "predicateType": statement.map(|statement| &statement.predicate_type),
            "subjects": statement.map(|statement| &statement.subjects),
        }));
    }

    fn show_text(&self, out: &Out) {
        let (colour, word) = match self.status {
            AttestationStatus::Verified => (Colour::Green, "verified"),
            AttestationStatus::KeyPolicyMismatch => (Colour::Yellow, "key-policy-mismatch"),
            AttestationStatus::Failed => (Colour::Red, "failed"),
        };
        out.answer(format!("{} {}", out.paint(colour, word), self.reasons.join(", ")).trim_end());
        for check in self.checks.iter().filter(|check| check.outcome != CheckOutcome::Skip) {
            let outcome = match check.outcome {
                CheckOutcome::Pass => out.paint(Colour::Green, "pass"),
                _ => out.paint(Colour::Red, "fail"),
            };
            let line = format!("  {outcome}  {}  {}", check.check, check.code.as_deref().unwrap_or_default());
            out.answer(line.trim_end());
        }
        out.answer(format!("  {}: {}", out.paint(Colour::Dim, "not checked"), self.not_checked().join(", ")));
        if let Some(key) = &self.key {
            let by = key.identity.as_deref().or(key.key_name.as_deref()).unwrap_or_default();
            out.answer(format!("  signed by {} {}", tame(by), key.key_id));
        }
        if let Some(time) = self.trusted_time {
            out.answer(format!("  at {}", time.rfc3339()));
        }
    }
}
