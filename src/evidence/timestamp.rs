//! Time stamps over a signature (RFC 3161), verified offline against one authority of the trust root.

use super::Window;
use super::cms::{Hash, NotSigned, SignedData};
use super::der::{self, Reader};
use super::path::{self, Authority, NoPath, Purpose};
use super::x509::{self, Certificate, oid};
use crate::event::Millis;

const TST_INFO: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 1, 4];

/// A time stamp authority of the trust root: its own certificate and where that leads, as one unit.
#[derive(Debug, Clone)]
pub struct StampAuthority {
    /// The certificate that stamps. One that came inside a token is never asked.
    pub leaf: Vec<u8>,
    /// Where it leads; `None` where it is itself what is trusted.
    pub above: Option<Authority>,
    pub window: Window,
}

/// Why a token proves no time. The later, the further it led.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoTime {
    /// It is no response or token as RFC 3161 writes them, or has not exactly one signer.
    Malformed,
    /// The authority did not grant it.
    NotGranted,
    /// It stamps another signature.
    Imprint,
    /// Its signer is none of the pinned authorities.
    Unknown,
    /// A hash or signature algorithm that is not accepted.
    Algorithm,
    /// What it says of itself and of its signer is not so.
    Attributes,
    /// The authority has not signed it.
    Signature,
    /// The authority's certificate may not stamp times, or leads nowhere.
    Certificate,
    /// The authority, or a certificate above it, was not valid at the time.
    Window,
}

/// What a token states.
struct Stated<'a> {
    hash: Hash,
    imprint: &'a [u8],
    time: Millis,
}

/// Verifies that one of the authorities stamped these bytes, and gives the time. Each authority is asked as a unit.
pub fn verify(token: &[u8], stamped: &[u8], authorities: &[StampAuthority]) -> Result<Millis, NoTime> {
    let data = SignedData::parse(content(token)?).ok_or(NoTime::Malformed)?;
    if data.content_type != TST_INFO {
        return Err(NoTime::Malformed);
    }
    let stated = stated(data.content)?;
    if stated.hash.digest(stamped) != stated.imprint {
        return Err(NoTime::Imprint);
    }
    let mut furthest = NoTime::Unknown;
    for authority in authorities {
        match by(authority, &data, stated.time) {
            Ok(()) => return Ok(stated.time),
            Err(why) => furthest = furthest.max(why),
        }
    }
    Err(furthest)
}

/// The token in a response that grants it, or the token by itself.
fn content(token: &[u8]) -> Result<&[u8], NoTime> {
    let mut fields = Reader::new(der::only(token, 0x30).ok_or(NoTime::Malformed)?);
    let mut status = match fields.any() {
        Some(element) if element.tag == 6 => return Ok(token),
        Some(element) if element.tag == 0x30 => Reader::new(element.contents),
        _ => return Err(NoTime::Malformed),
    };
    match status.take(2) {
        // Granted, and granted with modifications.
        Some([0 | 1]) => {}
        Some(_) => return Err(NoTime::NotGranted),
        None => return Err(NoTime::Malformed),
    }
    let granted = fields.element(0x30).filter(|_| fields.is_empty()).ok_or(NoTime::Malformed)?;
    Ok(granted.whole)
}

/// Reads a TSTInfo.
fn stated(content: &[u8]) -> Result<Stated<'_>, NoTime> {
    let read = || {
        let mut fields = Reader::new(der::only(content, 0x30)?);
        (fields.take(2)? == [1]).then_some(())?;
        fields.take(6)?;
        let mut imprint = fields.inside(0x30)?;
        let (hash, digest) = (imprint.take(0x30)?, imprint.take(4)?);
        imprint.end()?;
        fields.take(2).filter(|serial| der::is_integer(serial))?;
        let time = x509::generalized(std::str::from_utf8(fields.take(0x18)?).ok()?)?;
        // How exact the time is, how it is ordered, what was asked with it and who stamps.
        fields.optional(0x30);
        fields.optional(1).map_or(Some(true), der::boolean)?;
        fields.optional(2).is_none_or(der::is_integer).then_some(())?;
        fields.optional(0xa0);
        // None of the extensions that exist may be ignored where it is critical.
        fields.optional(0xa1).is_none_or(|list| !any_critical(list)).then_some(())?;
        fields.end()?;
        Some((hash, digest, time))
    };
    let (hash, imprint, time) = read().ok_or(NoTime::Malformed)?;
    Ok(Stated { hash: Hash::of(hash).ok_or(NoTime::Algorithm)?, imprint, time })
}

/// Whether an extension is critical, or the list cannot be read.
fn any_critical(list: &[u8]) -> bool {
    let mut list = Reader::new(list);
    while !list.is_empty() {
        let Some(mut extension) = list.inside(0x30) else { return true };
        if extension.take(6).is_none() || extension.optional(1).is_some() || extension.take(4).is_none() {
            return true;
        }
    }
    false
}

/// Whether this authority stamped the data at this time.
fn by(authority: &StampAuthority, data: &SignedData<'_>, time: Millis) -> Result<(), NoTime> {
    let leaf = Certificate::parse(&authority.leaf).ok_or(NoTime::Certificate)?;
    if !data.names(&leaf) {
        return Err(NoTime::Unknown);
    }
    data.verify(&leaf).map_err(|why| match why {
        NotSigned::Algorithm => NoTime::Algorithm,
        NotSigned::Attributes => NoTime::Attributes,
        NotSigned::Signature => NoTime::Signature,
    })?;
    if !is_stamper(&leaf) {
        return Err(NoTime::Certificate);
    }
    if !leaf.is_valid_at(time) || !authority.window.contains(time) {
        return Err(NoTime::Window);
    }
    let Some(above) = &authority.above else { return Ok(()) };
    path::verify(&authority.leaf, &[], above, Purpose::TimeStamping, time).map(drop).map_err(|why| match why {
        NoPath::Invalid => NoTime::Certificate,
        NoPath::Expired | NoPath::Window => NoTime::Window,
    })
}

/// Whether a certificate is for stamping times and for nothing else: its extended key usage is critical and alone, its
/// key may sign, and it is no authority over others.
fn is_stamper(leaf: &Certificate<'_>) -> bool {
    let alone = leaf.purposes().is_some_and(|(purposes, critical)| critical && purposes == [oid::TIME_STAMPING]);
    alone && leaf.may_stamp() && leaf.basic_constraints() == Some(false)
}
