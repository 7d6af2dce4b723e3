//! A small certificate authority: X.509 certificates in DER, right or as they are asked for.

use super::{Signer, SigningError};
use crate::event::Millis;
use crate::evidence::der::wrap;

/// Object identifiers, whole.
pub(super) const ECDSA_SHA256: &[u8] = &[0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
const COMMON_NAME: &[u8] = &[6, 3, 0x55, 4, 3];

/// What is certified.
#[derive(Debug, Clone)]
pub struct Certify<'a> {
    pub serial: u64,
    pub issuer: &'a str,
    pub subject: &'a str,
    pub not_before: Millis,
    pub not_after: Millis,
    pub spki: &'a [u8],
    /// Whole extensions (`extension`).
    pub extensions: Vec<Vec<u8>>,
}

impl Certify<'_> {
    /// What is to be signed.
    pub fn tbs(&self) -> Vec<u8> {
        let validity = [utc(self.not_before), utc(self.not_after)].concat();
        let fields = [
            &wrap(0xa0, &[2, 1, 2]),
            &integer(self.serial),
            ECDSA_SHA256,
            &name(self.issuer),
            &wrap(0x30, &validity),
            &name(self.subject),
            self.spki,
            &wrap(0xa3, &wrap(0x30, &self.extensions.concat())),
        ];
        wrap(0x30, &fields.concat())
    }

    /// The certificate, signed by this P-256 key.
    pub fn sign(&self, signer: &Signer) -> Result<Vec<u8>, SigningError> {
        let tbs = self.tbs();
        let signature = wrap(3, &[&[0], signer.sign(&tbs)?.as_slice()].concat());
        Ok(wrap(0x30, &[tbs.as_slice(), ECDSA_SHA256, &signature].concat()))
    }
}

/// A name of one part.
pub fn name(common: &str) -> Vec<u8> {
    wrap(0x30, &wrap(0x31, &wrap(0x30, &[COMMON_NAME, &wrap(0x0c, common.as_bytes())].concat())))
}

/// A positive INTEGER.
pub fn integer(number: u64) -> Vec<u8> {
    let bytes = number.to_be_bytes();
    let zeros = bytes.iter().take(7).take_while(|byte| **byte == 0).count();
    let magnitude = bytes.get(zeros..).unwrap_or_default();
    let lead: &[u8] = if magnitude.first().is_some_and(|byte| byte & 0x80 != 0) { &[0] } else { &[] };
    wrap(2, &[lead, magnitude].concat())
}

/// An extension: the contents of its OID, whether it is critical, and its value.
pub fn extension(oid: &[u8], critical: bool, value: &[u8]) -> Vec<u8> {
    let critical: &[u8] = if critical { &[1, 1, 0xff] } else { &[] };
    wrap(0x30, &[wrap(6, oid).as_slice(), critical, &wrap(4, value)].concat())
}

/// The extensions of an authority over certificates.
pub fn of_authority() -> Vec<Vec<u8>> {
    vec![extension(&[0x55, 0x1d, 19], true, &[0x30, 3, 1, 1, 0xff]), extension(&[0x55, 0x1d, 15], true, &[3, 2, 1, 6])]
}

fn utc(time: Millis) -> Vec<u8> {
    let text = time.rfc3339();
    let digits: String = text.split('.').next().unwrap_or_default().chars().filter(char::is_ascii_digit).collect();
    wrap(0x17, format!("{}Z", digits.get(2..14).unwrap_or_default()).as_bytes())
}

/// A time as GeneralizedTime, to the second.
pub fn generalized(time: Millis) -> Vec<u8> {
    let text = time.rfc3339();
    let digits: String = text.split('.').next().unwrap_or_default().chars().filter(char::is_ascii_digit).collect();
    wrap(0x18, format!("{}Z", digits.get(..14).unwrap_or_default()).as_bytes())
}
