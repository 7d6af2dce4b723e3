//! A small time stamp authority: RFC 3161 responses, right or as they are asked for.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};

use super::certificate::{Certify, ECDSA_SHA256, extension, generalized, integer, name, of_authority};
use super::wrong_keyless::KeylessWrong as W;
use super::{Signer, SigningError, authority::flip_last};
use crate::event::Millis;
use crate::evidence::der::{sorted, wrap};

const SHA256_ID: &[u8] = &[0x30, 13, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0];
const SHA1_ID: &[u8] = &[0x30, 9, 6, 5, 0x2b, 14, 3, 2, 26, 5, 0];
const TST_INFO: &[u8] = &[6, 11, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 1, 4];
const DATA: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
const SIGNED_DATA: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
const CONTENT_TYPE: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 3];
const MESSAGE_DIGEST: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 4];
const SIGNING_CERTIFICATE_V2: &[u8] = &[6, 11, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 2, 47];
const TIME_STAMPING: &[u8] = &[6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 8];
const CODE_SIGNING: &[u8] = &[6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 3];
const SERIAL: u64 = 7;

/// A time stamp authority and the root above it.
#[derive(Debug)]
pub struct Stamper {
    name: String,
    key: Signer,
    pub leaf: Vec<u8>,
    pub root: Vec<u8>,
}

/// How the authority's own certificates are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StamperIs {
    /// Its purposes: time stamping alone, or signing code too.
    pub many: bool,
    pub critical: bool,
    pub leaf_until: Millis,
    pub root_until: Millis,
}

impl Stamper {
    pub fn new(name: &str, key: Signer, root: &Signer, from: Millis, is: StamperIs) -> Result<Self, SigningError> {
        let above = format!("{name} root");
        let mut purposes = vec![TIME_STAMPING];
        if is.many {
            purposes.push(CODE_SIGNING);
        }
        let leaf = Certify {
            serial: SERIAL,
            issuer: &above,
            subject: name,
            not_before: from,
            not_after: is.leaf_until,
            spki: key.public().spki(),
            extensions: vec![
                extension(&[0x55, 0x1d, 15], true, &[3, 2, 7, 0x80]),
                extension(&[0x55, 0x1d, 37], is.critical, &wrap(0x30, &purposes.concat())),
            ],
        };
        let anchor = Certify {
            serial: 1,
            issuer: &above,
            subject: &above,
            not_before: from,
            not_after: is.root_until,
            spki: root.public().spki(),
            extensions: of_authority(),
        };
        let (leaf, anchor) = (leaf.sign(root)?, anchor.sign(root)?);
        Ok(Stamper { name: name.to_owned(), key, leaf, root: anchor })
    }

    /// A response that stamps these bytes at this time, by this authority under the name of `shown`; `inside` is a
    /// certificate to put before the signer's.
    pub fn stamp_as(
        &self,
        shown: &Stamper,
        inside: Option<&[u8]>,
        (bytes, at): (&[u8], Millis),
        wrong: Option<W>,
    ) -> Result<Vec<u8>, SigningError> {
        if wrong == Some(W::StampGarbage) {
            return Ok(b"not a response".to_vec());
        }
        if wrong == Some(W::StampNotGranted) {
            return Ok(wrap(0x30, &wrap(0x30, &integer(2))));
        }
        let content = info(bytes, at, wrong);
        let signer = self.signer_info(shown, &content, wrong)?;
        let signers = match wrong {
            Some(W::StampTwoSigners) => [signer.as_slice(), &signer].concat(),
            Some(W::StampUnsigned) => Vec::new(),
            _ => signer,
        };
        let encapsulated = wrap(0x30, &[TST_INFO, &wrap(0xa0, &wrap(4, &content))].concat());
        let inside = [inside.unwrap_or_default(), &shown.leaf].concat();
        let data = [&integer(3), &wrap(0x31, SHA256_ID), &encapsulated, &wrap(0xa0, &inside), &wrap(0x31, &signers)];
        let data = wrap(0x30, &data.into_iter().flatten().copied().collect::<Vec<u8>>());
        let token = wrap(0x30, &[SIGNED_DATA, &wrap(0xa0, &data)].concat());
        Ok(wrap(0x30, &[wrap(0x30, &integer(0)), token].concat()))
    }

    fn signer_info(&self, shown: &Stamper, content: &[u8], wrong: Option<W>) -> Result<Vec<u8>, SigningError> {
        let attributes = self.attributes(shown, content, wrong);
        let attributes = sorted(attributes.iter().map(Vec::as_slice).collect());
        let mut signature = self.key.sign(&wrap(0x31, &attributes))?;
        if wrong == Some(W::StampForged) {
            flip_last(&mut signature);
        }
        let id = wrap(0x30, &[name(&format!("{} root", shown.name)), integer(SERIAL)].concat());
        let fields =
            [integer(1), id, SHA256_ID.to_vec(), wrap(0xa0, &attributes), ECDSA_SHA256.to_vec(), wrap(4, &signature)];
        Ok(wrap(0x30, &fields.concat()))
    }

    fn attributes(&self, shown: &Stamper, content: &[u8], wrong: Option<W>) -> Vec<Vec<u8>> {
        let attribute = |of: &[u8], value: &[u8]| wrap(0x30, &[of, &wrap(0x31, value)].concat());
        let content_type = if wrong == Some(W::StampOtherType) { DATA } else { TST_INFO };
        let signed: &[u8] = if wrong == Some(W::StampOtherContent) { b"other" } else { content };
        let certificate = if wrong == Some(W::StampOtherCertificate) { &shown.root } else { &shown.leaf };
        let of_certificate = wrap(0x30, &wrap(0x30, &wrap(0x30, &wrap(4, digest(&SHA256, certificate).as_ref()))));
        let digest = |of: &[u8]| attribute(MESSAGE_DIGEST, &wrap(4, digest(&SHA256, of).as_ref()));
        let mut attributes = vec![digest(signed), attribute(SIGNING_CERTIFICATE_V2, &of_certificate)];
        if wrong != Some(W::StampNoType) {
            attributes.push(attribute(CONTENT_TYPE, content_type));
        }
        if wrong == Some(W::StampDigestTwice) {
            attributes.push(digest(b"other"));
        }
        attributes
    }
}

/// A TSTInfo.
fn info(bytes: &[u8], at: Millis, wrong: Option<W>) -> Vec<u8> {
    let bytes = if wrong == Some(W::StampOfAnother) { b"another signature" } else { bytes };
    let imprint = if wrong == Some(W::StampSha1) {
        [SHA1_ID, &wrap(4, digest(&SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref())].concat()
    } else {
        [SHA256_ID, &wrap(4, digest(&SHA256, bytes).as_ref())].concat()
    };
    let policy = [6, 3, 0x2a, 3, 4];
    wrap(0x30, &[integer(1), policy.to_vec(), wrap(0x30, &imprint), integer(1), generalized(at)].concat())
}
