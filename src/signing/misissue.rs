//! The certificate of a keyless signer, right or wrong: what it says, and what a certificate log says of it.

use super::authority::flip_last;
use super::certificate::{Certify, extension};
use super::keyless::Signed;
use super::wrong_keyless::KeylessWrong as W;
use super::{Signer, SigningError};
use crate::event::{Digest, Millis};
use crate::evidence::der::wrap;

/// An authority's key and the name under which it issues.
#[derive(Debug)]
pub struct Issuer<'a> {
    pub name: &'a str,
    pub key: &'a Signer,
}

/// The certificate logs that may see it.
#[derive(Debug)]
pub struct CertificateLogs<'a> {
    pub trusted: &'a Signer,
    pub other: &'a Signer,
}

const MINUTE_MS: i64 = 60_000;
const YEAR_MS: i64 = 365 * 86_400_000;

/// Certifies a key for ten minutes around `at`.
pub fn certify(
    leaf: &Signer,
    by: &Issuer<'_>,
    logs: &CertificateLogs<'_>,
    signed: &Signed<'_>,
    wrong: Option<W>,
) -> Result<Vec<u8>, SigningError> {
    let late = if wrong == Some(W::LeafExpired) { -60 * MINUTE_MS } else { 0 };
    let mut certify = Certify {
        serial: 4711,
        issuer: by.name,
        subject: "",
        not_before: signed.at.plus(late - 5 * MINUTE_MS),
        not_after: signed.at.plus(late + 5 * MINUTE_MS),
        spki: leaf.public().spki(),
        extensions: extensions(signed, wrong),
    };
    if wrong != Some(W::NotLogged) {
        let stamp = log_stamp(&certify, by, logs, wrong)?;
        certify.extensions.push(extension(&[0x2b, 6, 1, 4, 1, 0xd6, 0x79, 2, 4, 2], false, &wrap(4, &stamp)));
    }
    certify.sign(by.key)
}

/// An OID of Fulcio's, by what comes last in it.
fn fulcio(last: u8) -> Vec<u8> {
    vec![0x2b, 6, 1, 4, 1, 0x83, 0xbf, 0x30, 1, last]
}

fn extensions(signed: &Signed<'_>, wrong: Option<W>) -> Vec<Vec<u8>> {
    let usage: &[u8] = if wrong == Some(W::KeyNotForSigning) { &[3, 2, 5, 0x20] } else { &[3, 2, 7, 0x80] };
    let mut extensions = vec![extension(&[0x55, 0x1d, 15], true, usage)];
    let purpose = if wrong == Some(W::NotForCode) { 1 } else { 3 };
    if wrong != Some(W::NoPurpose) {
        let purposes = wrap(0x30, &wrap(6, &[0x2b, 6, 1, 5, 5, 7, 3, purpose]));
        extensions.push(extension(&[0x55, 0x1d, 37], false, &purposes));
    }
    if wrong == Some(W::LeafIsAuthority) {
        extensions.push(extension(&[0x55, 0x1d, 19], true, &[0x30, 3, 1, 1, 0xff]));
    }
    let uri = |text: &str| wrap(0x86, text.as_bytes());
    let names = match wrong {
        Some(W::NameAround) => uri(&format!("https://evil.example/{}", signed.uri)),
        Some(W::TwoNames) => [uri(signed.uri), uri("https://other.example/")].concat(),
        Some(W::NoName) => Vec::new(),
        _ => uri(signed.uri),
    };
    extensions.push(extension(&[0x55, 0x1d, 17], true, &wrap(0x30, &names)));
    let issuer = if wrong == Some(W::IssuerOfAnother) { "https://issuer.example/other" } else { signed.issuer };
    if wrong != Some(W::NoIssuer) {
        let encoded =
            if wrong == Some(W::IssuerRaw) { issuer.as_bytes().to_vec() } else { wrap(0x0c, issuer.as_bytes()) };
        extensions.push(extension(&fulcio(1), false, issuer.as_bytes()));
        extensions.push(extension(&fulcio(8), false, &encoded));
    }
    extensions.push(extension(&fulcio(9), false, &wrap(0x0c, signed.uri.as_bytes())));
    if wrong == Some(W::ExtensionTwice) {
        extensions.push(extension(&fulcio(9), false, &wrap(0x0c, signed.uri.as_bytes())));
    }
    extensions
}

/// A list of one signed certificate timestamp (RFC 6962 section 3.2).
fn log_stamp(
    certify: &Certify<'_>,
    by: &Issuer<'_>,
    logs: &CertificateLogs<'_>,
    wrong: Option<W>,
) -> Result<Vec<u8>, SigningError> {
    let log = if wrong == Some(W::LoggedElsewhere) { logs.other } else { logs.trusted };
    let issuer = if wrong == Some(W::LoggedForAnotherIssuer) { logs.other } else { by.key };
    let early = if wrong == Some(W::LogStampTooEarly) { -20 * YEAR_MS } else { 0 };
    let Millis(time) = certify.not_before.plus(early);
    let (time, tbs) = (time.unsigned_abs().to_be_bytes(), certify.tbs());
    let length = u32::try_from(tbs.len()).unwrap_or_default().to_be_bytes();
    let issuer = Digest::of(issuer.public().spki());
    let length = length.get(1..).unwrap_or_default();
    let signed = [&[0, 0], time.as_slice(), &[0, 1], issuer.as_bytes(), length, &tbs, &[0, 0]].concat();
    let mut signature = log.sign(&signed)?;
    if wrong == Some(W::LogStampForged) {
        flip_last(&mut signature);
    }
    let id = log.fingerprint();
    let stamp = [&[0], id.as_bytes().as_slice(), &time, &[0, 0, 4, 3], &vector(&signature)].concat();
    let mut list = vector(&vector(&stamp));
    if wrong == Some(W::LogStampTrailing) {
        list.push(0);
    }
    Ok(list)
}

/// A vector of TLS, led by its length in two bytes.
fn vector(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or_default().to_be_bytes();
    [length.as_slice(), bytes].concat()
}
