//! The way from a certificate to an authority of the trust root, at a given time (RFC 5280 section 6, rule C1). Paths are
//! built and their names, constraints and signatures verified by `webpki`; the clock is an argument.

use std::time::Duration;

use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, KeyUsage, VerifiedPath, anchor_from_trusted_cert};

use super::scheme::{self, SCHEMES, Scheme};
use super::x509::{Certificate, oid};
use super::{Window, der};
use crate::event::Millis;

/// An authority of the trust root: one unit, whose parts vouch for no other's.
#[derive(Debug, Clone)]
pub struct Authority {
    /// Its address in the trust root.
    pub uri: String,
    pub window: Window,
    /// The certificate that is trusted.
    pub anchor: Vec<u8>,
    /// Certificates between leaf and anchor, helpers like those of a bundle.
    pub helpers: Vec<Vec<u8>>,
}

impl Authority {
    /// Verifies what its certificates, and a leaf that is pinned with them, say of each other, so that no evidence needs
    /// it computed. The order is that of the trust root: each is signed by the next. What does not hold is found by
    /// [`verify`], as if nobody had looked.
    pub fn keep_links(&self, leaf: Option<&[u8]>) {
        let chain = leaf.into_iter().chain(self.helpers.iter().map(Vec::as_slice)).chain([self.anchor.as_slice()]);
        let certificates: Vec<_> = chain.map(Certificate::parse).collect();
        for link in certificates.windows(2) {
            if let [Some(signed), Some(by)] = link {
                keep_link(signed, by);
            }
        }
    }
}

fn keep_link(signed: &Certificate<'_>, by: &Certificate<'_>) -> Option<bool> {
    let (message, signature_algorithm, signature) = signed.signed()?;
    let (key_algorithm, key) = scheme::key_of(by.spki)?;
    Some(Scheme::of(key_algorithm, signature_algorithm)?.keeps(key, message, signature))
}

/// What a leaf is to be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    CodeSigning,
    TimeStamping,
}

impl Purpose {
    const fn oid(self) -> &'static [u8] {
        match self {
            Purpose::CodeSigning => oid::CODE_SIGNING,
            Purpose::TimeStamping => oid::TIME_STAMPING,
        }
    }
}

/// Why there is no way; the later, the further it led.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoPath {
    /// None of its signatures, names or constraints lead to the authority.
    Invalid,
    /// A certificate on the way is not valid at the time.
    Expired,
    /// The authority is not in its window at the time.
    Window,
}

/// Verifies that the leaf leads to the authority at this time, every certificate on the way being valid then, the anchor
/// too. Gives the SubjectPublicKeyInfo of the one that issued the leaf.
pub fn verify(
    leaf: &[u8],
    helpers: &[Vec<u8>],
    authority: &Authority,
    purpose: Purpose,
    at: Millis,
) -> Result<Vec<u8>, NoPath> {
    let anchor_der = CertificateDer::from(authority.anchor.as_slice());
    let anchor = anchor_from_trusted_cert(&anchor_der).map_err(|_| NoPath::Invalid)?;
    let trusted = Certificate::parse(&authority.anchor).filter(Certificate::is_authority).ok_or(NoPath::Invalid)?;
    let leaf_der = CertificateDer::from(leaf);
    let end_entity = EndEntityCert::try_from(&leaf_der).map_err(|_| NoPath::Invalid)?;
    let between: Vec<_> =
        authority.helpers.iter().chain(helpers).map(|der| CertificateDer::from(der.as_slice())).collect();
    let seconds = u64::try_from(at.0.div_euclid(1000)).map_err(|_| NoPath::Expired)?;
    let time = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    // What the leaf itself must say of its usage is stricter, and asked elsewhere.
    let usage = KeyUsage::required_if_present(purpose.oid());
    let fits =
        |path: &VerifiedPath<'_>| if issuers_fit(path, at) { Ok(()) } else { Err(webpki::Error::CaUsedAsEndEntity) };
    let anchors = [anchor];
    let path = end_entity
        .verify_for_usage(SCHEMES, &anchors, &between, time, usage, None, Some(&fits))
        .map_err(|error| no_path(&error))?;
    if !trusted.is_valid_at(at) {
        return Err(NoPath::Expired);
    }
    if !authority.window.contains(at) {
        return Err(NoPath::Window);
    }
    let issuer = path.intermediate_certificates().next().map(|issuer| issuer.subject_public_key_info().to_vec());
    Ok(issuer.unwrap_or_else(|| der::wrap(0x30, path.anchor().subject_public_key_info.as_ref())))
}

/// Whether every issuer between leaf and anchor may sign certificates and is valid at the time, to the millisecond.
fn issuers_fit(path: &VerifiedPath<'_>, at: Millis) -> bool {
    path.intermediate_certificates().all(|issuer| {
        let der = issuer.der();
        Certificate::parse(&der).is_some_and(|issuer| issuer.is_authority() && issuer.is_valid_at(at))
    })
}

fn no_path(error: &webpki::Error) -> NoPath {
    match error {
        webpki::Error::CertExpired { .. } | webpki::Error::CertNotValidYet { .. } => NoPath::Expired,
        _ => NoPath::Invalid,
    }
}
