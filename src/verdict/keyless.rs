//! Evidence signed under a certificate: who signed, and, at every verified time, that an authority and a log of the trust
//! root vouch for it (rules Z2 and C1 to C3). The clock is an argument like any other input.

use std::collections::BTreeSet;

use super::attestation::ParsedEvidence;
use super::check::CheckName;
use super::reason::Cause;
use super::root::TrustRoot;
use super::verify::{self, Found};
use super::{AttestationResult, CompiledTrust, KeyShown, RestsOn, logged, time};
use crate::event::{Millis, Now};
use crate::evidence::entry::Signer;
use crate::evidence::identity::Identity;
use crate::evidence::path::{self, NoPath, Purpose};
use crate::evidence::sct::{self, NotLogged};
use crate::evidence::x509::{Certificate, oid};
use crate::evidence::{Fault, PublicKey};

/// The leaf, as far as it is read before anything of it is trusted.
struct Leaf<'a> {
    certificate: Certificate<'a>,
    key: PublicKey,
    identity: Identity,
}

impl<'a> Leaf<'a> {
    fn read(der: &'a [u8]) -> Option<Self> {
        let certificate = Certificate::parse(der)?;
        let key = PublicKey::of_log(certificate.spki).ok()?;
        let identity = Identity::of(&certificate)?;
        Some(Leaf { certificate, key, identity })
    }
}

pub(super) fn verify(
    attestation: &ParsedEvidence,
    chain: &[Vec<u8>],
    trust: &CompiledTrust,
    now: &Now,
) -> AttestationResult {
    if trust.identities.is_empty() {
        return verify::unresolved(trust, RestsOn::Identities, Cause::KeyUnknown);
    }
    let Some((leaf, helpers)) = chain.split_first().and_then(|(der, rest)| Some((Leaf::read(der)?, rest))) else {
        return verify::unresolved(trust, RestsOn::Identities, Cause::CertificateMalformed);
    };
    let mut found = Found::default();
    found.rests_on.insert(RestsOn::Identities);
    // Refusing by what a certificate claims is safe before its path is verified; accepting comes after.
    let vouchers = match vouchers(&leaf, trust) {
        Ok(vouchers) => vouchers,
        Err(Cause::CertificateIssuerMissing) => {
            found.rests_on.insert(RestsOn::Root);
            found.checks.fail(CheckName::Key, Cause::CertificateIssuerMissing);
            return found.finish(trust);
        }
        Err(cause) => return verify::unresolved(trust, RestsOn::Identities, cause),
    };
    found.rests_on.insert(RestsOn::Root);
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
    time::judge_stamps(attestation, trust, &mut found);
    let signer = Signer::Certificate { der: leaf.certificate.der, key: &leaf.key };
    let signed: Vec<_> = signatures.iter().map(|sig| (*sig, Some(signer))).collect();
    logged::judge((envelope, &attestation.evidence.entries), &signed, trust, now, &mut found);
    time::judge_clock(&mut found, now);
    time::judge_age(&mut found, trust, now);
    judge_certificate(&leaf, helpers, &vouchers, trust, now, &mut found);
    found.key = Some(key_shown(&leaf));
    found.finish(trust)
}

/// Who may have vouched for the leaf's name, of those whom an identity of the tenant accepts for that name: the issuer
/// that the certificate states. One that states none is vouched for by its authority, known by its address.
fn vouchers<'a>(leaf: &'a Leaf<'_>, trust: &'a CompiledTrust) -> Result<Vec<&'a str>, Cause> {
    let accepted =
        |issuer: &&str| trust.identities.iter().any(|identity| identity.matches(issuer, &leaf.identity.name));
    let Some(issuer) = leaf.identity.issuer.as_deref() else {
        let authorities = trust.root.iter().flat_map(|root| root.authorities());
        let vouchers: Vec<&str> = authorities.map(|authority| authority.uri.as_str()).filter(accepted).collect();
        return if vouchers.is_empty() { Err(Cause::CertificateIssuerMissing) } else { Ok(vouchers) };
    };
    Some(issuer).filter(accepted).map(|issuer| vec![issuer]).ok_or(Cause::IdentityMismatch)
}

/// Z2, C1 and C2, at every verified time; there is no fallback to the clock.
fn judge_certificate(
    leaf: &Leaf<'_>,
    helpers: &[Vec<u8>],
    vouchers: &[&str],
    trust: &CompiledTrust,
    now: &Now,
    found: &mut Found,
) {
    let certificate = &leaf.certificate;
    let rules = [
        (trust.root.is_some(), Cause::TrustRootMissing),
        (!is_self_issued(certificate), Cause::CertificateInvalid),
        (
            !helpers.iter().any(|der| Certificate::parse(der).is_none_or(|c| is_self_issued(&c))),
            Cause::CertificateInvalid,
        ),
        (may_sign_code(certificate), Cause::CertificateInvalid),
        (found.times.iter().all(|time| certificate.is_valid_at(*time)), Cause::CertificateTime),
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
    let mut leads = true;
    let times: BTreeSet<Millis> = found.times.iter().copied().collect();
    for time in times {
        match issuer_at(leaf, helpers, vouchers, root, time) {
            Ok(issuer) => judge_logged(certificate, &issuer, root, now, found),
            Err(cause) => {
                found.checks.fail(CheckName::Certificate, cause);
                leads = false;
                if cause == Cause::CertificateInvalid {
                    // No other time makes its signatures right; looking again is work that a stranger orders.
                    break;
                }
            }
        }
    }
    if leads {
        found.checks.pass(CheckName::Certificate);
        found.checks.pass(CheckName::Time);
        if !found.checks.failed(CheckName::CertificateLog) {
            found.claims.clone_from(&leaf.identity.claims);
        }
    }
}

/// A root does not belong into a bundle (rule P4): its issuer is itself.
fn is_self_issued(certificate: &Certificate<'_>) -> bool {
    certificate.issuer == certificate.subject
}

/// C1, of the leaf itself: it is for signing code, its key is for signing, and it is no authority.
fn may_sign_code(leaf: &Certificate<'_>) -> bool {
    let for_code = leaf.purposes().is_some_and(|(purposes, _)| purposes.contains(&oid::CODE_SIGNING));
    for_code && leaf.must_sign() && leaf.basic_constraints() == Some(false)
}

/// C1: the key of the one that issued the leaf, on a path that was valid at this time.
fn issuer_at(
    leaf: &Leaf<'_>,
    helpers: &[Vec<u8>],
    vouchers: &[&str],
    root: &TrustRoot,
    time: Millis,
) -> Result<Vec<u8>, Cause> {
    let mut furthest = None;
    for authority in root.authorities() {
        match path::verify(leaf.certificate.der, helpers, authority, Purpose::CodeSigning, time) {
            // Where it is the authority that vouches for the name, it must be one that may.
            Ok(_) if leaf.identity.issuer.is_none() && !vouchers.contains(&authority.uri.as_str()) => {
                furthest = furthest.max(Some(Cause::IdentityMismatch));
            }
            Ok(issuer) => return Ok(issuer),
            Err(NoPath::Invalid) => furthest = furthest.max(Some(Cause::CertificateInvalid)),
            Err(NoPath::Expired | NoPath::Window) => furthest = furthest.max(Some(Cause::AuthorityNotValidAtTime)),
        }
    }
    Err(furthest.unwrap_or(Cause::CertificateInvalid))
}

/// C2. A trust root without logs says that its authorities log nothing; a certificate that says it was logged must then
/// still not be believed.
fn judge_logged(leaf: &Certificate<'_>, issuer: &[u8], root: &TrustRoot, now: &Now, found: &mut Found) {
    if root.certificate_logs().is_empty() && !sct::is_stamped(leaf) {
        return found.checks.skip(CheckName::CertificateLog);
    }
    let logged = sct::verify(leaf, issuer, root.certificate_logs(), now).map_err(|why| match why {
        NotLogged::Unvouched => Cause::CertificateNotLogged,
        NotLogged::Wrong => Cause::CertificateStamp,
    });
    found.checks.judge(CheckName::CertificateLog, logged);
}

fn key_shown(leaf: &Leaf<'_>) -> KeyShown {
    KeyShown {
        key_id: leaf.key.key_id(),
        key_name: None,
        issuer: Some("fulcio".to_owned()),
        algo: leaf.key.algorithm().family().to_owned(),
        identity: Some(leaf.identity.name.clone()),
    }
}
