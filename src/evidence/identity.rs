//! Who a Fulcio certificate says has signed (rule C3). Nothing of it is trusted before its path is verified.

use std::collections::BTreeMap;

use super::der;
use super::x509::{Certificate, Name};

/// The arc of Fulcio's extensions, 1.3.6.1.4.1.57264.1.
const FULCIO: &[u8] = &[0x2b, 6, 1, 4, 1, 0x83, 0xbf, 0x30, 1];
/// What comes last in the OIDs of Fulcio.
const LEGACY_ISSUER: u8 = 1;
const LEGACY: std::ops::RangeInclusive<u8> = 1..=6;
const OTHER_NAME: u8 = 7;
const ISSUER: u8 = 8;

/// The claims of continuous integration, from 9 to 22, by the names that Sigstore's clients give them.
pub const CLAIMS: [&str; 14] = [
    "buildSignerURI",
    "buildSignerDigest",
    "runnerEnvironment",
    "sourceRepositoryURI",
    "sourceRepositoryDigest",
    "sourceRepositoryRef",
    "sourceRepositoryIdentifier",
    "sourceRepositoryOwnerURI",
    "sourceRepositoryOwnerIdentifier",
    "buildConfigURI",
    "buildConfigDigest",
    "buildTrigger",
    "runInvocationURI",
    "sourceRepositoryVisibilityAtSigning",
];

/// Who signed, as the certificate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Who vouched for the name; `None` where the certificate says nothing of it.
    pub issuer: Option<String>,
    /// The one subject alternative name.
    pub name: String,
    pub claims: BTreeMap<String, String>,
}

impl Identity {
    /// Reads the identity; `None` where there is no single name, or an extension of Fulcio cannot be read.
    pub fn of(certificate: &Certificate<'_>) -> Option<Self> {
        let name = match certificate.names()?.as_slice() {
            [Name::Email(name) | Name::Uri(name)] => (*name).to_owned(),
            [Name::Other(oid, value)] if last(oid) == Some(OTHER_NAME) => utf8_string(value)?,
            _ => return None,
        };
        (!name.is_empty()).then_some(())?;
        let (mut issuer, mut legacy, mut claims) = (None, None, BTreeMap::new());
        for extension in &certificate.extensions {
            let Some(last) = last(extension.oid) else { continue };
            match last {
                // The oldest are text without any encoding around it.
                LEGACY_ISSUER => legacy = Some(text(extension.value)?),
                last if LEGACY.contains(&last) => drop(text(extension.value)?),
                ISSUER => issuer = Some(utf8_string(extension.value)?),
                last => {
                    let name = usize::from(last).checked_sub(9).and_then(|at| CLAIMS.get(at));
                    if let Some(name) = name {
                        claims.insert((*name).to_owned(), utf8_string(extension.value)?);
                    }
                }
            }
        }
        Some(Identity { issuer: issuer.or(legacy), name, claims })
    }
}

/// What comes last in an OID of Fulcio's.
fn last(oid: &[u8]) -> Option<u8> {
    match oid.strip_prefix(FULCIO)? {
        [last] if *last < 0x80 => Some(*last),
        _ => None,
    }
}

fn utf8_string(value: &[u8]) -> Option<String> {
    text(der::only(value, 0x0c)?)
}

fn text(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    (!text.contains(char::is_control)).then(|| text.to_owned())
}
