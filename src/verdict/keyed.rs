//! Evidence signed by a pinned key. Entirely our own: no part of it needs a certificate.

use std::collections::{BTreeMap, BTreeSet};

use super::attestation::ParsedEvidence;
use super::check::CheckName;
use super::reason::Cause;
use super::trust::CompiledKey;
use super::verify::{self, Found};
use super::{AttestationResult, CompiledTrust, KeyShown, RestsOn, logged, time};
use crate::event::{Digest, Now};
use crate::evidence::entry::{Signed, Signer};
use crate::evidence::{Evidence, Fault, Material, keys};

/// The signatures of an envelope and what they resolved to.
struct Signers<'a> {
    /// Each signature with the key that it verified under.
    signed: Vec<(&'a [u8], Option<&'a CompiledKey>)>,
    /// The keys that verified, by fingerprint: two signatures of one key are one.
    verified: BTreeMap<Digest, &'a CompiledKey>,
    /// Pinned keys that a hint names and under which the signature does not verify.
    refuted: BTreeMap<Digest, &'a CompiledKey>,
    /// A signature resolved no key; the fingerprint is that of its hint.
    unresolved: Vec<Option<Digest>>,
}

pub(super) fn verify(attestation: &ParsedEvidence, trust: &CompiledTrust, now: &Now) -> AttestationResult {
    let evidence = &attestation.evidence;
    let signers = resolve(evidence, trust);
    if signers.verified.is_empty() && signers.refuted.is_empty() {
        let hint = match signers.unresolved.as_slice() {
            [hint] => *hint,
            _ => None,
        };
        return verify::unresolved(trust, RestsOn::Unresolved(hint), Cause::KeyUnknown);
    }
    let mut found = Found::default();
    rest_on(&signers, &mut found);
    verify::note_encoding(attestation, &mut found.checks);
    found.checks.pass(CheckName::Key);
    judge_hint(evidence, &mut found);
    let right = signers.refuted.is_empty();
    found.checks.judge(CheckName::Signature, right.then_some(()).ok_or(Fault::SignatureInvalid));
    verify::judge_statement(attestation, trust, &mut found.checks);
    time::judge_stamps(attestation, trust, &mut found);
    let signed: Vec<Signed<'_>> =
        signers.signed.iter().map(|(sig, key)| (*sig, key.map(|key| Signer::Key(&key.key)))).collect();
    logged::judge((&evidence.envelope, &evidence.entries), &signed, trust, now, &mut found);
    time::judge_clock(&mut found, now);
    time::judge_age(&mut found, trust, now);
    let shown = judge_keys(attestation, &signers, trust, &mut found);
    found.key = shown.map(key_shown);
    found.finish(trust)
}

/// D2 to D4: candidates come from hints or are all keys; a hint that is the fingerprint of a key names the only
/// candidate. The algorithm is the key's own.
fn resolve<'a>(evidence: &'a Evidence, trust: &'a CompiledTrust) -> Signers<'a> {
    let message = evidence.envelope.message();
    let mut signers =
        Signers { signed: Vec::new(), verified: BTreeMap::new(), refuted: BTreeMap::new(), unresolved: Vec::new() };
    for signature in &evidence.envelope.signatures {
        let hint = hint_of(evidence, signature.keyid.as_deref());
        let verifies = |key: &&CompiledKey| key.key.verify_message(&message, &signature.sig).is_ok();
        let named = hint.and_then(|hint| trust.key(hint));
        let signer = match hint {
            Some(_) => named.filter(verifies),
            None => trust.keys().find(verifies),
        };
        signers.signed.push((&signature.sig, signer));
        match (signer, named) {
            (Some(key), _) => drop(signers.verified.insert(key.key.fingerprint(), key)),
            (None, Some(key)) => drop(signers.refuted.insert(key.key.fingerprint(), key)),
            (None, None) => signers.unresolved.push(hint),
        }
    }
    signers
}

/// The fingerprint that narrows the candidates: the bundle's hint, else the key id.
fn hint_of(evidence: &Evidence, keyid: Option<&str>) -> Option<Digest> {
    match &evidence.material {
        Material::Hint(hint) if !hint.is_empty() => keys::hinted(hint),
        _ => keyid.and_then(keys::hinted),
    }
}

fn rest_on(signers: &Signers<'_>, found: &mut Found) {
    for fingerprint in signers.verified.keys().chain(signers.refuted.keys()) {
        found.rests_on.insert(RestsOn::Key(*fingerprint));
    }
    for hint in &signers.unresolved {
        found.rests_on.insert(RestsOn::Unresolved(*hint));
    }
}

/// D3: where both are given, the bundle's hint and the envelope's key id must be the same.
fn judge_hint(evidence: &Evidence, found: &mut Found) {
    let Material::Hint(hint) = &evidence.material else { return };
    let keyid = evidence.envelope.signatures.iter().find_map(|signature| signature.keyid.as_ref());
    if let Some(keyid) = keyid.filter(|_| !hint.is_empty()) {
        let same = keyid == hint;
        found.checks.judge(CheckName::KeyHint, same.then_some(()).ok_or(Cause::KeyHintMismatch));
    }
}

/// D4 and Z5: enough different keys have signed, may sign this predicate type, and did so within their windows. Gives
/// the key to show: of those that count, else of those that are known, the one of the lowest fingerprint.
fn judge_keys<'a>(
    attestation: &ParsedEvidence,
    signers: &Signers<'a>,
    trust: &CompiledTrust,
    found: &mut Found,
) -> Option<&'a CompiledKey> {
    let of = attestation.statement.as_ref().ok().map(|statement| statement.predicate_type.as_str());
    let may_sign = |key: &CompiledKey| {
        key.predicate_types.is_empty() || of.is_none_or(|predicate| key.predicate_types.contains(predicate))
    };
    let in_window = |key: &CompiledKey| {
        let timed = !key.window.is_bound() || !found.times.is_empty();
        timed && found.times.iter().all(|time| key.window.contains(*time))
    };
    let count =
        |fits: &dyn Fn(&CompiledKey) -> bool| holders(signers.verified.values().copied().filter(|key| fits(key)));
    let enough = |count: usize| count >= trust.threshold;
    let (known, typed, timed) = (enough(count(&|_| true)), enough(count(&may_sign)), enough(count(&in_window)));
    let counting = count(&|key| may_sign(key) && in_window(key));
    let counts = |key: &&&CompiledKey| may_sign(key) && in_window(key);
    let shown = signers.verified.values().find(counts).or_else(|| signers.verified.values().next());
    let shown = shown.or_else(|| signers.refuted.values().next()).copied();
    if signers.verified.is_empty() {
        return shown;
    }
    let late = if found.times.is_empty() { Cause::TimeMissing } else { Cause::KeyNotValidAtTime };
    let met = known && (enough(counting) || !typed || !timed);
    found.checks.judge(CheckName::Threshold, met.then_some(()).ok_or(Cause::ThresholdNotMet));
    if known && !typed {
        found.checks.fail(CheckName::PredicateType, Cause::KeyPredicateType);
    }
    if known && (timed || !found.time_is_moot()) {
        found.checks.judge(CheckName::Time, timed.then_some(()).ok_or(late));
    }
    shown
}

/// How many different holders these keys have: a key without an owner is one by itself.
fn holders<'a>(keys: impl Iterator<Item = &'a CompiledKey>) -> usize {
    let holder = |key: &'a CompiledKey| match &key.owner {
        Some(owner) => (Some(owner.as_str()), None),
        None => (None, Some(key.key.fingerprint())),
    };
    keys.map(holder).collect::<BTreeSet<_>>().len()
}

fn key_shown(key: &CompiledKey) -> KeyShown {
    KeyShown {
        key_id: key.key.key_id(),
        key_name: Some(key.name.clone()),
        issuer: None,
        algo: key.key.algorithm().family().to_owned(),
        identity: None,
    }
}
