//! The list of checks, written in the order of the rules whatever the order of evaluation.

use super::{AttestationStatus, Check, CheckOutcome, Reason};

crate::codes! {
    /// The checks, in the order in which a result lists them.
    pub enum CheckName {
        Encoding = "encoding",
        Key = "key",
        KeyStanding = "key-standing",
        KeyHint = "key-hint",
        Signature = "signature",
        Threshold = "threshold",
        PayloadType = "payload-type",
        Statement = "statement",
        PredicateType = "predicate-type",
        Certificate = "certificate",
        CertificateLog = "certificate-log",
        Timestamp = "timestamp",
        LogEntry = "log-entry",
        InclusionProof = "inclusion-proof",
        Checkpoint = "checkpoint",
        Promise = "entry-promise",
        Witnesses = "witnesses",
        LogPolicy = "log-policy",
        Time = "time",
        Age = "age",
    }
}

/// The outcomes so far.
#[derive(Debug, Clone, Default)]
pub struct Checks {
    outcomes: Vec<(CheckName, CheckOutcome, Option<Reason>)>,
}

impl Checks {
    pub fn pass(&mut self, name: CheckName) {
        self.outcomes.push((name, CheckOutcome::Pass, None));
    }

    /// Accepted, with something to say of it.
    pub fn note(&mut self, name: CheckName, reason: impl Into<Reason>) {
        self.outcomes.push((name, CheckOutcome::Pass, Some(reason.into())));
    }

    pub fn skip(&mut self, name: CheckName) {
        self.outcomes.push((name, CheckOutcome::Skip, None));
    }

    pub fn fail(&mut self, name: CheckName, reason: impl Into<Reason>) {
        self.outcomes.push((name, CheckOutcome::Fail, Some(reason.into())));
    }

    /// Records an outcome that is either way a statement; tells whether it passed.
    pub fn judge<R: Into<Reason>>(&mut self, name: CheckName, outcome: Result<(), R>) -> bool {
        match outcome {
            Ok(()) => self.pass(name),
            Err(reason) => {
                self.fail(name, reason);
                return false;
            }
        }
        true
    }

    pub fn failed(&self, name: CheckName) -> bool {
        self.outcomes.iter().any(|(of, outcome, _)| *of == name && *outcome == CheckOutcome::Fail)
    }

    /// The status and the reasons, the gravest first.
    pub fn verdict(&self) -> (AttestationStatus, Vec<Reason>) {
        let failed = self.outcomes.iter().filter(|(_, outcome, _)| *outcome == CheckOutcome::Fail);
        let mut reasons: Vec<Reason> = failed.filter_map(|(_, _, reason)| *reason).collect();
        reasons.sort_by_key(|reason| (std::cmp::Reverse(reason.status()), *reason));
        reasons.dedup();
        (reasons.first().map_or(AttestationStatus::Verified, |reason| reason.status()), reasons)
    }

    /// The list as published: one line per check and code, in the order of the rules. A check that failed somewhere is
    /// not also listed as passed.
    pub fn list(mut self) -> Vec<Check> {
        self.outcomes.sort();
        self.outcomes.dedup();
        let failed: Vec<CheckName> =
            self.outcomes.iter().filter(|(_, outcome, _)| *outcome == CheckOutcome::Fail).map(|(of, ..)| *of).collect();
        let shown = |(of, outcome, reason): &(CheckName, CheckOutcome, Option<Reason>)| {
            let hidden = *outcome != CheckOutcome::Fail && reason.is_none() && failed.contains(of);
            !hidden
        };
        let line = |(of, outcome, reason): (CheckName, CheckOutcome, Option<Reason>)| Check {
            check: of.code().into(),
            outcome,
            code: reason.map(|reason| reason.code().into()),
        };
        self.outcomes.into_iter().filter(shown).map(line).collect()
    }
}
