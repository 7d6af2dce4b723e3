//! Signed certificate timestamps: a log's promise that it holds a certificate (RFC 6962 section 3.2, rule C2).

use super::x509::{Certificate, oid};
use super::{KeyAlgorithm, PublicKey, Window, der};
use crate::event::{Digest, Millis, Now, limits};

/// A certificate transparency log of the trust root.
#[derive(Debug, Clone)]
pub struct CertificateLog {
    pub id: Digest,
    pub key: PublicKey,
    pub window: Window,
}

/// Why no log vouches for a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotLogged {
    /// There is no timestamp of a known log.
    Unvouched,
    /// A timestamp that is malformed, untimely, or not of this certificate and its issuer.
    Wrong,
}

/// One timestamp.
struct Stamp<'a> {
    log: Digest,
    /// Milliseconds since the Unix epoch.
    time: u64,
    extensions: &'a [u8],
    algorithm: [u8; 2],
    signature: &'a [u8],
}

/// Whether the certificate carries timestamps at all.
pub fn is_stamped(certificate: &Certificate<'_>) -> bool {
    certificate.extension(oid::SCT_LIST).is_some()
}

/// Verifies that a known log vouches for the certificate, whose issuer has this SubjectPublicKeyInfo: the issuer of the
/// verified path, never one looked up by name. A known log's timestamp that is wrong refuses, whatever others say.
pub fn verify(
    certificate: &Certificate<'_>,
    issuer: &[u8],
    logs: &[CertificateLog],
    now: &Now,
) -> Result<(), NotLogged> {
    let list = certificate.extension(oid::SCT_LIST).ok_or(NotLogged::Unvouched)?;
    let stamps = stamps(list.value).ok_or(NotLogged::Wrong)?;
    let entry = entry(certificate, issuer).ok_or(NotLogged::Wrong)?;
    let mut vouched = false;
    for stamp in &stamps {
        let Some(log) = logs.iter().find(|log| log.id == stamp.log) else { continue };
        let time = i64::try_from(stamp.time).map(Millis).map_err(|_| NotLogged::Wrong)?;
        let timely = log.window.contains(time) && now.has_come(time.plus(-limits::TIME_AHEAD_MAX_MS));
        let right =
            stamp.algorithm == algorithm(&log.key) && log.key.verify(&signed(stamp, &entry), stamp.signature).is_ok();
        if !timely || !right {
            return Err(NotLogged::Wrong);
        }
        vouched = true;
    }
    if vouched { Ok(()) } else { Err(NotLogged::Unvouched) }
}

/// What follows the time in what a log signs: that it is a precertificate's, the hash of the issuer's key, and the
/// certificate without its timestamps.
fn entry(certificate: &Certificate<'_>, issuer: &[u8]) -> Option<Vec<u8>> {
    let tbs = certificate.precertificate()?;
    let [0, length @ ..] = u32::try_from(tbs.len()).ok()?.to_be_bytes() else { return None };
    Some([&[0, 1], Digest::of(issuer).as_bytes().as_slice(), &length, &tbs].concat())
}

/// The `digitally-signed` struct: version 1, a certificate timestamp.
fn signed(stamp: &Stamp<'_>, entry: &[u8]) -> Vec<u8> {
    let length = u16::try_from(stamp.extensions.len()).unwrap_or(u16::MAX).to_be_bytes();
    [&[0, 0], stamp.time.to_be_bytes().as_slice(), entry, &length, stamp.extensions].concat()
}

/// The SignatureAndHashAlgorithm that a key's signatures have (RFC 5246 section 7.4.1.4.1).
fn algorithm(key: &PublicKey) -> [u8; 2] {
    match key.algorithm() {
        KeyAlgorithm::EcdsaP256Sha256 => [4, 3],
        KeyAlgorithm::EcdsaP384Sha384 => [5, 3],
        KeyAlgorithm::EcdsaP521Sha512 => [6, 3],
        KeyAlgorithm::RsaPkcs1Sha256 => [4, 1],
        KeyAlgorithm::RsaPssSha256 => [8, 4],
        KeyAlgorithm::Ed25519 | KeyAlgorithm::Ed25519ph => [8, 7],
    }
}

/// A list of timestamps, with nothing around or behind them.
fn stamps(extension: &[u8]) -> Option<Vec<Stamp<'_>>> {
    let (mut list, rest) = vector(der::only(extension, 4)?)?;
    let mut stamps = Vec::new();
    while !list.is_empty() {
        let (stamp, after) = vector(list)?;
        stamps.push(self::stamp(stamp)?);
        list = after;
    }
    (rest.is_empty() && !stamps.is_empty() && stamps.len() <= limits::SIGNATURES_MAX).then_some(stamps)
}

fn stamp(bytes: &[u8]) -> Option<Stamp<'_>> {
    let ([0], rest) = bytes.split_first_chunk::<1>()? else { return None };
    let (log, rest) = rest.split_first_chunk::<32>()?;
    let (time, rest) = rest.split_first_chunk::<8>()?;
    let (extensions, rest) = vector(rest)?;
    let (algorithm, rest) = rest.split_first_chunk::<2>()?;
    let (signature, rest) = vector(rest)?;
    let (log, time) = (Digest::from_bytes(*log), u64::from_be_bytes(*time));
    rest.is_empty().then_some(Stamp { log, time, extensions, algorithm: *algorithm, signature })
}

/// A vector of TLS, led by its length in two bytes, and what follows it.
fn vector(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}
