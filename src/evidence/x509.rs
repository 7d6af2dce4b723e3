//! X.509 certificates, read strictly (RFC 5280): the fields that verification asks for, and nothing believed.

use super::der::{self, Reader};
use crate::event::Millis;

/// Extensions, by the contents of their OID.
pub mod oid {
    pub const KEY_USAGE: &[u8] = &[0x55, 0x1d, 15];
    pub const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 17];
    pub const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 19];
    pub const SUBJECT_KEY_ID: &[u8] = &[0x55, 0x1d, 14];
    pub const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 37];
    /// The list of signed certificate timestamps (RFC 6962 section 3.3).
    pub const SCT_LIST: &[u8] = &[0x2b, 6, 1, 4, 1, 0xd6, 0x79, 2, 4, 2];
    pub const CODE_SIGNING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 3];
    pub const TIME_STAMPING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 8];
}

/// A certificate, in the bytes that it was read from.
#[derive(Debug, Clone)]
pub struct Certificate<'a> {
    pub der: &'a [u8],
    /// What is signed, without its tag and length.
    tbs: &'a [u8],
    /// The contents of the serial number.
    pub serial: &'a [u8],
    /// The whole name of who issued it.
    pub issuer: &'a [u8],
    /// The whole name of who it is for.
    pub subject: &'a [u8],
    pub not_before: Millis,
    pub not_after: Millis,
    /// The whole SubjectPublicKeyInfo.
    pub spki: &'a [u8],
    pub extensions: Vec<Extension<'a>>,
}

/// One extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extension<'a> {
    whole: &'a [u8],
    /// The contents of its OID.
    pub oid: &'a [u8],
    pub critical: bool,
    pub value: &'a [u8],
}

/// A name by which a certificate calls its subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name<'a> {
    Email(&'a str),
    Uri(&'a str),
    /// The contents of its OID, and its value as a whole element.
    Other(&'a [u8], &'a [u8]),
    /// Of a kind that names no signer.
    Unread,
}

impl<'a> Certificate<'a> {
    /// Reads a certificate of version 3 from its DER; `None` where it is not one.
    pub fn parse(der: &'a [u8]) -> Option<Self> {
        let mut outer = Reader::new(der::only(der, 0x30)?);
        let tbs = outer.take(0x30)?;
        let signed_by = outer.element(0x30)?;
        outer.take(3)?;
        outer.end()?;
        let mut fields = Reader::new(tbs);
        (fields.take(0xa0)? == [2, 1, 2]).then_some(())?;
        let serial = fields.take(2).filter(|serial| der::is_integer(serial))?;
        (fields.element(0x30)?.whole == signed_by.whole).then_some(())?;
        let issuer = fields.element(0x30)?.whole;
        let mut validity = fields.inside(0x30)?;
        let (not_before, not_after) = (time(&mut validity)?, time(&mut validity)?);
        validity.end()?;
        let subject = fields.element(0x30)?.whole;
        let spki = fields.element(0x30)?.whole;
        let extensions = if fields.is_empty() { Vec::new() } else { extensions(fields.take(0xa3)?)? };
        fields.end()?;
        Some(Certificate { der, tbs, serial, issuer, subject, not_before, not_after, spki, extensions })
    }

    /// What is signed, with its tag and length; the contents of the signature's AlgorithmIdentifier; the signature.
    pub fn signed(&self) -> Option<(&'a [u8], &'a [u8], &'a [u8])> {
        let mut outer = Reader::new(der::only(self.der, 0x30)?);
        let (tbs, algorithm) = (outer.element(0x30)?.whole, outer.take(0x30)?);
        let [0, signature @ ..] = outer.take(3)? else { return None };
        Some((tbs, algorithm, signature))
    }

    /// Whether it is valid at this time, by its own window, closed at both ends.
    pub fn is_valid_at(&self, time: Millis) -> bool {
        self.not_before <= time && time <= self.not_after
    }

    pub fn extension(&self, oid: &[u8]) -> Option<Extension<'a>> {
        self.extensions.iter().find(|extension| extension.oid == oid).copied()
    }

    /// Whether it may be used so, by the bit of its key usage; a certificate without that extension may.
    fn may(&self, bits: u8) -> Option<bool> {
        let Some(usage) = self.extension(oid::KEY_USAGE) else { return Some(true) };
        let [unused, rest @ ..] = der::only(usage.value, 3)? else { return None };
        let first = rest.first().copied().unwrap_or(0);
        (*unused < 8).then_some(first & bits != 0)
    }

    /// Whether its key may sign other things than certificates: `digitalSignature`.
    pub fn may_sign(&self) -> bool {
        self.may(0x80).unwrap_or(false)
    }

    /// Whether its key may sign, said in so many words.
    pub fn must_sign(&self) -> bool {
        self.extension(oid::KEY_USAGE).is_some() && self.may_sign()
    }

    /// Whether its key may stamp times: `digitalSignature` or `nonRepudiation`.
    pub fn may_stamp(&self) -> bool {
        self.may(0xc0).unwrap_or(false)
    }

    /// Whether it is a certificate of an authority, which may sign certificates.
    pub fn is_authority(&self) -> bool {
        self.basic_constraints() == Some(true) && self.may(4).unwrap_or(false)
    }

    /// Whether it calls itself an authority; `None` where what it says cannot be read.
    pub fn basic_constraints(&self) -> Option<bool> {
        let Some(constraints) = self.extension(oid::BASIC_CONSTRAINTS) else { return Some(false) };
        let mut fields = Reader::new(der::only(constraints.value, 0x30)?);
        let authority = fields.optional(1).map(der::boolean);
        let depth = fields.optional(2).map(der::is_integer);
        fields.end()?;
        (depth != Some(false)).then_some(authority.unwrap_or(Some(false))?)
    }

    /// The purposes of its extended key usage, and whether the extension is critical.
    pub fn purposes(&self) -> Option<(Vec<&'a [u8]>, bool)> {
        let usage = self.extension(oid::EXTENDED_KEY_USAGE)?;
        let mut list = Reader::new(der::only(usage.value, 0x30)?);
        let mut purposes = Vec::new();
        while !list.is_empty() {
            purposes.push(list.take(6)?);
        }
        Some((purposes, usage.critical))
    }

    /// Its subject alternative names.
    pub fn names(&self) -> Option<Vec<Name<'a>>> {
        let mut list = Reader::new(der::only(self.extension(oid::SUBJECT_ALT_NAME)?.value, 0x30)?);
        let mut names = Vec::new();
        while !list.is_empty() {
            let name = list.any()?;
            let text = |bytes: &'a [u8]| std::str::from_utf8(bytes).ok().filter(|text| text.is_ascii());
            names.push(match name.tag {
                0x81 => Name::Email(text(name.contents)?),
                0x86 => Name::Uri(text(name.contents)?),
                0xa0 => {
                    let mut other = Reader::new(name.contents);
                    let oid = other.take(6)?;
                    let value = other.take(0xa0)?;
                    other.end()?;
                    Name::Other(oid, value)
                }
                _ => Name::Unread,
            });
        }
        Some(names)
    }

    /// What a certificate transparency log signed: what is signed here, without the list of its signatures
    /// (RFC 6962 section 3.2).
    pub fn precertificate(&self) -> Option<Vec<u8>> {
        let kept: Vec<&[u8]> =
            self.extensions.iter().filter(|extension| extension.oid != oid::SCT_LIST).map(|kept| kept.whole).collect();
        let mut fields = Reader::new(self.tbs);
        let mut tbs = Vec::new();
        while let Some(field) = fields.any() {
            if field.tag != 0xa3 {
                tbs.extend_from_slice(field.whole);
            }
        }
        fields.end()?;
        tbs.extend(der::wrap(0xa3, &der::wrap(0x30, &kept.concat())));
        Some(der::wrap(0x30, &tbs))
    }
}

fn extensions(bytes: &[u8]) -> Option<Vec<Extension<'_>>> {
    let mut list = Reader::new(der::only(bytes, 0x30)?);
    let mut extensions: Vec<Extension<'_>> = Vec::new();
    while !list.is_empty() {
        let element = list.element(0x30)?;
        let mut fields = Reader::new(element.contents);
        let oid = fields.take(6)?;
        let critical = match fields.optional(1) {
            Some(contents) => der::boolean(contents)?,
            None => false,
        };
        let value = fields.take(4)?;
        fields.end()?;
        if extensions.iter().any(|other| other.oid == oid) {
            return None;
        }
        extensions.push(Extension { whole: element.whole, oid, critical, value });
    }
    Some(extensions)
}

/// A time as X.509 writes it: UTCTime for years from 1950 to 2049, else GeneralizedTime.
fn time(fields: &mut Reader<'_>) -> Option<Millis> {
    let element = fields.any()?;
    let text = std::str::from_utf8(element.contents).ok()?;
    match element.tag {
        0x17 if text.len() == 13 => {
            let century = if text < "50" { "20" } else { "19" };
            generalized(&[century, text].concat())
        }
        0x18 if text.len() == 15 => generalized(text),
        _ => None,
    }
}

/// GeneralizedTime of DER: `YYYYMMDDhhmmss[.f…]Z`, without a last zero in the fraction; finer than milliseconds is cut.
pub fn generalized(text: &str) -> Option<Millis> {
    let (whole, fraction) = match text.strip_suffix('Z')?.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() && !fraction.ends_with('0') => (whole, fraction),
        Some(_) => return None,
        None => (text.strip_suffix('Z')?, ""),
    };
    let digits = whole.len() == 14 && [whole, fraction].iter().all(|part| part.bytes().all(|b| b.is_ascii_digit()));
    digits.then_some(())?;
    let number = |from: usize, to: usize| whole.get(from..to)?.parse::<i8>().ok();
    let year: i16 = whole.get(..4)?.parse().ok()?;
    let date = jiff::civil::Date::new(year, number(4, 6)?, number(6, 8)?).ok()?;
    let time = jiff::civil::Time::new(number(8, 10)?, number(10, 12)?, number(12, 14)?, 0).ok()?;
    let instant = jiff::tz::Offset::UTC.to_timestamp(date.to_datetime(time)).ok()?;
    let millis = fraction.bytes().chain([b'0'; 3]).take(3).fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
    Some(Millis(instant.as_millisecond()).plus(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generalized_time_is_that_of_der() {
        assert_eq!(generalized("19700101000001Z"), Some(Millis(1_000)));
        assert_eq!(generalized("19700101000001.5Z"), Some(Millis(1_500)));
        assert_eq!(generalized("19700101000001.0009Z"), Some(Millis(1_000)));
        for text in ["19700101000001", "19700101000001.50Z", "19700101000001.Z", "1970010100000Z", "19701301000000Z"] {
            assert_eq!(generalized(text), None, "{text}");
        }
        assert_eq!(generalized("197001010000-1Z"), None);
    }
}
