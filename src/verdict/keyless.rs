//! Evidence signed under a certificate. The chain, the certificate transparency and the time stamps are verified by
//! `sigstore-verify`, between our own checks before it and after it: it accepts more than we do.

use sigstore_crypto::{CertificateInfo, parse_certificate_info};
use sigstore_types::{ArtifactDigest, Bundle, DerCertificate, DigestBytes, HashAlgorithm};
use sigstore_verify::{CertificateError, Error, TimestampError, VerificationPolicy};

use super::attestation::ParsedEvidence;
use super::check::CheckName;
use super::reason::Cause;
use super::root::TrustRoot;
use super::verify::{self, Found};
use super::{AttestationResult, CompiledTrust, KeyShown, Reason, RestsOn, logged, time};
use crate::event::{Millis, Subject, digest};
use crate::evidence::entry::Signer;
use crate::evidence::{Fault, PublicKey, der};

/// The leaf, as far as it is read before anything of it is trusted.
struct Leaf {
    info: CertificateInfo,
    key: PublicKey,
    issuer: String,
    san: String,
}

pub(super) fn verify(
    attestation: &ParsedEvidence,
    chain: &[Vec<u8>],
    trust: &CompiledTrust,
    now: Millis,
) -> AttestationResult {
    if trust.identities.is_empty() {
        return verify::unresolved(trust, RestsOn::Identities, Cause::KeyUnknown);
    }
    // C3. Refusing by what a certificate claims is safe before the chain is verified; accepting comes after.
    let fits = |leaf: &Leaf| trust.identities.iter().any(|identity| identity.matches(&leaf.issuer, &leaf.san));
    let leaf = chain.first().and_then(|der| Some((der, read_leaf(der)?)));
    let Some((der, leaf)) = leaf.filter(|(_, leaf)| fits(leaf)) else {
        return verify::unresolved(trust, RestsOn::Identities, Cause::IdentityMismatch);
    };
    let mut found = Found::default();
    found.rests_on.extend([RestsOn::Identities, RestsOn::Root]);
    found.checks.pass(CheckName::Key);
    verify::note_encoding(attestation, &mut found.checks);
    let envelope = &attestation.evidence.envelope;
    let signatures: Vec<&[u8]> = envelope.signatures.iter().map(|signature| signature.sig.as_slice()).collect();
    let signature = match signatures.as_slice() {
        [sig] => leaf.key.verify_message(&envelope.message(), sig),
        _ => Err(Fault::SignatureCount),
    };
    found.checks.judge(CheckName::Signature, signature);
    let alone = trust.threshold <= 1;
    found.checks.judge(CheckName::Threshold, alone.then_some(()).ok_or(Cause::ThresholdNotMet));
    verify::judge_statement(attestation, trust, &mut found.checks);
    verify::judge_timestamps(attestation, trust, &mut found);
    let signer = Signer::Certificate { der, key: &leaf.key };
    let signed: Vec<_> = signatures.iter().map(|sig| (*sig, Some(signer))).collect();
    logged::judge((envelope, &attestation.evidence.entries), &signed, trust, now, &mut found);
    time::judge_clock(&mut found, now);
    time::judge_age(&mut found, trust, now);
    judge_certificate(attestation, chain, &leaf, trust, &mut found);
    found.key = Some(key_shown(&leaf));
    found.finish(trust)
}

fn read_leaf(der: &[u8]) -> Option<Leaf> {
    let info = parse_certificate_info(&DerCertificate::new(der.to_vec())).ok()?;
    let key = PublicKey::of_log(info.public_key.as_bytes()).ok()?;
    let (issuer, san) = (info.issuer.clone()?, info.identity.as_ref()?.as_str().to_owned());
    Some(Leaf { info, key, issuer, san })
}

/// Z2, C1 and C2, at every verified time; there is no fallback to the clock.
fn judge_certificate(
    attestation: &ParsedEvidence,
    chain: &[Vec<u8>],
    leaf: &Leaf,
    trust: &CompiledTrust,
    found: &mut Found,
) {
    let millis = |time: jiff::Timestamp| Millis(time.as_millisecond());
    let within = |time: &Millis| millis(leaf.info.not_before) <= *time && *time <= millis(leaf.info.not_after);
    let rules = [
        (trust.root.is_some(), Cause::TrustRootMissing),
        (attestation.evidence.raw.is_some(), Cause::CertificateForm),
        (!chain.iter().any(|der| is_root(der)), Cause::CertificateInvalid),
        (found.times.iter().all(within), Cause::CertificateTime),
    ];
    if let Err(reason) = verify::all(&rules) {
        return found.checks.fail(CheckName::Certificate, reason);
    }
    if found.times.is_empty() {
        let moot = found.time_is_moot();
        return if moot {
            found.checks.skip(CheckName::Time)
        } else {
            found.checks.fail(CheckName::Time, Cause::TimeMissing)
        };
    }
    let Some(root) = trust.root.as_ref() else { return };
    if let Err(refused) = by_library(attestation, root) {
        // What it says beyond our own findings counts; what we found under our own codes is not repeated.
        let told = found.checks.verdict().1;
        let general = matches!(refused, (_, Reason::Verdict(Cause::BundleRefused)));
        if told.is_empty() || !general {
            found.checks.fail(refused.0, refused.1);
        }
        return;
    }
    found.checks.pass(CheckName::Certificate);
    found.checks.pass(CheckName::Time);
}

/// A root does not belong into a bundle (rule P4): its issuer is itself.
fn is_root(certificate: &[u8]) -> bool {
    let names = || {
        let (body, _) = der::first(der::only(certificate, 0x30)?, 0x30)?;
        let (tag, _, after) = der::element(body)?;
        let (_, rest) = der::first(if tag == 0xa0 { after } else { body }, 2)?;
        let (_, rest) = der::first(rest, 0x30)?;
        let (issuer, rest) = der::first(rest, 0x30)?;
        let (_, rest) = der::first(rest, 0x30)?;
        let (subject, _) = der::first(rest, 0x30)?;
        Some((issuer, subject))
    };
    names().is_none_or(|(issuer, subject)| issuer == subject)
}

/// Asks the library. The artifact is the statement's own first subject: what the attestation is about is bound to the
/// event elsewhere, by digest.
fn by_library(attestation: &ParsedEvidence, root: &TrustRoot) -> Result<(), (CheckName, Reason)> {
    let general = || (CheckName::Certificate, Reason::from(Cause::BundleRefused));
    let raw = attestation.evidence.raw.as_deref().ok_or_else(general)?;
    let bundle = Bundle::from_json(raw).map_err(|_| general())?;
    let artifact = match (&attestation.evidence.envelope.file, &attestation.statement) {
        (Some(file), _) => {
            ArtifactDigest::new(HashAlgorithm::Sha2256, DigestBytes::new(file.sha256.as_bytes().to_vec())).ok()
        }
        (None, Ok(statement)) => statement.subjects.iter().find_map(artifact),
        (None, Err(_)) => None,
    };
    let artifact = artifact.ok_or_else(general)?;
    let mut policy = VerificationPolicy::any_identity();
    if attestation.evidence.entries.iter().all(|entry| entry.proof.is_none()) {
        // Whether a log, and a proof, is needed is the tenant's policy and judged by our own rules.
        policy = policy.skip_tlog_unsafe();
    }
    let verified = root.verifier.verify(artifact, &bundle, &policy);
    let result = verified.map_err(|error| code(&error))?;
    if result.certificate_verified() && result.sct_verified() { Ok(()) } else { Err(general()) }
}

/// A digest of a kind that the library takes.
fn artifact(subject: &Subject) -> Option<ArtifactDigest> {
    let of = |algorithm: HashAlgorithm, hex: &Option<String>| {
        ArtifactDigest::new(algorithm, DigestBytes::new(digest::unhex(hex.as_deref()?)?)).ok()
    };
    let sha256 = of(HashAlgorithm::Sha2256, &subject.digest.sha256);
    sha256.or_else(|| of(HashAlgorithm::Sha2512, &subject.digest.sha512))
}

fn code(error: &Error) -> (CheckName, Reason) {
    let certificate = |cause: Cause| (CheckName::Certificate, cause.into());
    match error {
        Error::SignatureInvalid(_) => (CheckName::Signature, Fault::SignatureInvalid.into()),
        Error::Certificate(CertificateError::Sct(_)) => certificate(Cause::CertificateNotLogged),
        Error::Certificate(CertificateError::NotYetValid { .. } | CertificateError::Expired { .. }) => {
            certificate(Cause::CertificateTime)
        }
        Error::Certificate(_) => certificate(Cause::CertificateInvalid),
        Error::Timestamp(TimestampError::NoVerifiedTimestamp(_)) => (CheckName::Time, Cause::TimeMissing.into()),
        Error::Timestamp(_) => (CheckName::Timestamp, Cause::TimestampToken.into()),
        _ => certificate(Cause::BundleRefused),
    }
}

fn key_shown(leaf: &Leaf) -> KeyShown {
    KeyShown {
        key_id: leaf.key.key_id(),
        key_name: None,
        issuer: Some("fulcio".to_owned()),
        algo: leaf.key.algorithm().family().to_owned(),
        identity: Some(leaf.san.clone()),
    }
}
