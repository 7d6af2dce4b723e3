//! What the transparency logs say of the envelope, and what the tenant demands of them (rules L1 to L10).

use std::collections::BTreeSet;

use super::check::CheckName;
use super::reason::Cause;
use super::root::TrustedLog;
use super::tenant::LogPolicy;
use super::verify::Found;
use super::{CompiledTrust, Reason, RekorShown, RestsOn};
use crate::event::{Millis, Now};
use crate::evidence::entry::{self, Signed};
use crate::evidence::transparency::{self, Broken, Included};
use crate::evidence::{Envelope, LogEntry, Proof};

/// Judges every entry that is there, whatever the policy: evidence that is present must be right.
pub(super) fn judge(
    (envelope, entries): (&Envelope, &[LogEntry]),
    signed: &[Signed<'_>],
    trust: &CompiledTrust,
    now: &Now,
    found: &mut Found,
) {
    if !entries.is_empty() {
        found.rests_on.insert(RestsOn::Root);
    }
    for entry in entries {
        let log = match known_log(entry, trust) {
            Ok(log) => log,
            Err(reason) => {
                found.checks.fail(CheckName::LogEntry, reason);
                continue;
            }
        };
        let bound = found.checks.judge(CheckName::LogEntry, entry::bind(entry, envelope, signed));
        let included = judge_proof(entry, log, trust, now, found);
        let promised = judge_promise(entry, log, found);
        let right = bound && !found.checks.failed(CheckName::Checkpoint) && !found.checks.failed(CheckName::Promise);
        if right && found.rekor.is_none() && (included.is_some() || promised.is_some()) {
            found.rekor = Some(shown(entry, included.as_ref(), promised));
        }
    }
    judge_windows(entries, trust, now, found);
    judge_policy(entries, trust, found);
}

/// L1: one log for the id, the checkpoint and the promise.
fn known_log<'a>(entry: &LogEntry, trust: &'a CompiledTrust) -> Result<&'a TrustedLog, Reason> {
    let root = trust.root.as_ref().ok_or(Cause::TrustRootMissing)?;
    Ok(root.log(entry.log_id).ok_or(Cause::LogUnknown)?)
}

fn judge_proof<'a>(
    entry: &'a LogEntry,
    log: &TrustedLog,
    trust: &CompiledTrust,
    now: &Now,
    found: &mut Found,
) -> Option<Included<'a>> {
    let proof: &Proof = entry.proof.as_ref()?;
    match transparency::verify_proof(entry, proof, &log.log) {
        Ok(included) => {
            found.checks.pass(CheckName::Checkpoint);
            found.checks.pass(CheckName::InclusionProof);
            judge_witnesses(&included, log, trust, now, found);
            Some(included)
        }
        Err(Broken::Checkpoint(fault)) => {
            found.checks.fail(CheckName::Checkpoint, fault);
            None
        }
        Err(Broken::Proof(fault)) => {
            found.checks.pass(CheckName::Checkpoint);
            found.checks.fail(CheckName::InclusionProof, fault);
            None
        }
    }
}

/// Counts the operators that cosigned, and whether they are the quorum that the tenant demands.
fn judge_witnesses(included: &Included<'_>, log: &TrustedLog, trust: &CompiledTrust, now: &Now, found: &mut Found) {
    let all = &trust.witnesses.witnesses;
    let cosigners = match transparency::cosigners(&included.checkpoint, &log.log, all, now) {
        Ok(cosigners) => cosigners,
        Err(fault) => return found.checks.fail(CheckName::Witnesses, fault),
    };
    let named = |at: &usize| all.get(*at).map(|witness| witness.name.as_str());
    let operators: BTreeSet<&str> = cosigners.iter().filter_map(named).collect();
    found.witnesses = found.witnesses.max(u32::try_from(operators.len()).unwrap_or(u32::MAX));
    found.witnessed |= trust.witnesses.is_met(&cosigners);
    if !operators.is_empty() {
        found.checks.pass(CheckName::Witnesses);
    }
}

/// Z1 (a): an integrated time is a time only where a promise verifies.
fn judge_promise(entry: &LogEntry, log: &TrustedLog, found: &mut Found) -> Option<i64> {
    let promise = entry.promise.as_deref()?;
    match transparency::verify_promise(entry, promise, &log.log) {
        Ok(seconds) => {
            found.checks.pass(CheckName::Promise);
            found.times.push(Millis::from_seconds(seconds));
            Some(seconds)
        }
        Err(fault) => {
            found.checks.fail(CheckName::Promise, fault);
            None
        }
    }
}

/// The global index is authenticated by a promise alone, the index in the tree by a proof alone.
fn shown(entry: &LogEntry, included: Option<&Included<'_>>, promised: Option<i64>) -> RekorShown {
    let tree = included.and_then(|included| included.checkpoint.tree_id());
    let leaf = included.map_or_else(|| entry.leaf(), |included| included.leaf).hex();
    let in_tree = included.map_or(entry.index, |included| included.index);
    RekorShown {
        log_id: entry.log_id.hex(),
        log_index: if promised.is_some() { entry.index } else { in_tree },
        uuid: tree.map_or_else(|| leaf.clone(), |tree| format!("{tree:016x}{leaf}")),
        integrated_time: promised,
    }
}

/// L10: a log's key must be in its window at every verified time; without any, it must have begun.
fn judge_windows(entries: &[LogEntry], trust: &CompiledTrust, now: &Now, found: &mut Found) {
    for entry in entries {
        let Ok(log) = known_log(entry, trust) else { continue };
        let begun = log.window.start.is_none_or(|start| now.has_come(start));
        let valid = found.times.iter().all(|time| log.window.contains(*time));
        if !valid || (found.times.is_empty() && !begun) {
            found.checks.fail(CheckName::LogEntry, Cause::LogNotValidAtTime);
        }
    }
}

fn judge_policy(entries: &[LogEntry], trust: &CompiledTrust, found: &mut Found) {
    if trust.witnesses.demands() && !found.witnessed {
        found.checks.fail(CheckName::Witnesses, Cause::WitnessQuorum);
    }
    let proven = entries.iter().any(|entry| entry.proof.is_some());
    let outcome = match trust.log {
        LogPolicy::None => return found.checks.skip(CheckName::LogPolicy),
        LogPolicy::Proof | LogPolicy::Promise if entries.is_empty() => Err(Cause::LogRequired),
        LogPolicy::Proof if !proven => Err(Cause::InclusionProofMissing),
        LogPolicy::Proof | LogPolicy::Promise => Ok(()),
    };
    found.checks.judge(CheckName::LogPolicy, outcome);
}
