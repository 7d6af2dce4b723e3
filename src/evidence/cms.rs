//! Signed data (RFC 5652) as time stamps use it: one signer, signed attributes, and the certificates inside ignored.

use aws_lc_rs::digest as aws;

use super::der::{self, Reader};
use super::x509::{Certificate, oid};

/// Object identifiers, by their contents.
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
const CONTENT_TYPE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 3];
const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 4];
const SIGNING_CERTIFICATE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 2, 12];
const SIGNING_CERTIFICATE_V2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 2, 47];
const RSA_ENCRYPTION: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];

/// A hash that a time stamp may use. SHA-1 is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    /// Reads the contents of an AlgorithmIdentifier, with NULL parameters or none.
    pub fn of(algorithm: &[u8]) -> Option<Self> {
        let algorithm = algorithm.strip_suffix(&[5, 0]).unwrap_or(algorithm);
        match algorithm.strip_prefix(&[6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2])? {
            [1] => Some(Hash::Sha256),
            [2] => Some(Hash::Sha384),
            [3] => Some(Hash::Sha512),
            _ => None,
        }
    }

    pub fn digest(self, bytes: &[u8]) -> Vec<u8> {
        let algorithm = match self {
            Hash::Sha256 => &aws::SHA256,
            Hash::Sha384 => &aws::SHA384,
            Hash::Sha512 => &aws::SHA512,
        };
        aws::digest(algorithm, bytes).as_ref().to_vec()
    }

    /// The contents of the AlgorithmIdentifier of PKCS #1 v1.5 with this hash.
    const fn rsa(self) -> &'static [u8] {
        match self {
            Hash::Sha256 => &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11, 5, 0],
            Hash::Sha384 => &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 12, 5, 0],
            Hash::Sha512 => &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 13, 5, 0],
        }
    }

    /// Whether a signature algorithm hashes with this one.
    fn is_in(self, signature: &[u8]) -> bool {
        let ecdsa: &[u8] = match self {
            Hash::Sha256 => &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2],
            Hash::Sha384 => &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3],
            Hash::Sha512 => &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4],
        };
        // RSASSA-PSS states its hash first among its parameters.
        let pss = || {
            let mut fields =
                Reader::new(signature.strip_prefix(&[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10])?);
            Hash::of(fields.inside(0x30)?.inside(0xa0)?.take(0x30)?)
        };
        signature == ecdsa || signature == self.rsa() || pss() == Some(self)
    }
}

/// Signed data with one signer, in the bytes that it was read from.
#[derive(Debug, Clone)]
pub struct SignedData<'a> {
    /// The contents of the OID of what is signed.
    pub content_type: &'a [u8],
    pub content: &'a [u8],
    signer: Signer<'a>,
}

#[derive(Debug, Clone)]
struct Signer<'a> {
    id: SignerId<'a>,
    hash: &'a [u8],
    /// The set of signed attributes, without tag and length.
    attributes: &'a [u8],
    algorithm: &'a [u8],
    signature: &'a [u8],
}

#[derive(Debug, Clone)]
enum SignerId<'a> {
    /// The whole name of the issuer, and the contents of the serial number.
    Issued(&'a [u8], &'a [u8]),
    KeyId(&'a [u8]),
}

/// Why signed data is not the pinned signer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NotSigned {
    /// A hash or signature algorithm that is not accepted.
    Algorithm,
    /// Attributes that are missing, doubled, or not of this content and signer.
    Attributes,
    Signature,
}

impl<'a> SignedData<'a> {
    /// Reads a ContentInfo of signed data with exactly one signer.
    pub fn parse(der: &'a [u8]) -> Option<Self> {
        let mut info = Reader::new(der::only(der, 0x30)?);
        (info.take(6)? == SIGNED_DATA).then_some(())?;
        let mut explicit = info.inside(0xa0)?;
        info.end()?;
        let mut data = explicit.inside(0x30)?;
        explicit.end()?;
        data.take(2)?;
        data.take(0x31)?;
        let mut encapsulated = data.inside(0x30)?;
        let content_type = encapsulated.take(6)?;
        let mut inner = encapsulated.inside(0xa0)?;
        encapsulated.end()?;
        let content = inner.take(4)?;
        inner.end()?;
        // Certificates and revocation lists that came along: never looked at.
        data.optional(0xa0);
        data.optional(0xa1);
        let mut signers = data.inside(0x31)?;
        data.end()?;
        let signer = signer(signers.inside(0x30)?)?;
        signers.end()?;
        Some(SignedData { content_type, content, signer })
    }

    /// Whether the signer says to be this certificate.
    pub fn names(&self, certificate: &Certificate<'_>) -> bool {
        match self.signer.id {
            SignerId::Issued(issuer, serial) => issuer == certificate.issuer && serial == certificate.serial,
            SignerId::KeyId(id) => {
                let extension = certificate.extension(oid::SUBJECT_KEY_ID);
                extension.and_then(|extension| der::only(extension.value, 4)).is_some_and(|own| own == id)
            }
        }
    }

    /// Verifies the signature by the pinned certificate, over attributes that name this content and no other signer.
    pub fn verify(&self, certificate: &Certificate<'_>) -> Result<(), NotSigned> {
        let hash = Hash::of(self.signer.hash).ok_or(NotSigned::Algorithm)?;
        self.check_attributes(certificate, hash).ok_or(NotSigned::Attributes)?;
        let (key_algorithm, key) = super::scheme::key_of(certificate.spki).ok_or(NotSigned::Algorithm)?;
        let plain_rsa = self.signer.algorithm.strip_suffix(&[5, 0]).unwrap_or(self.signer.algorithm) == RSA_ENCRYPTION;
        let algorithm = if plain_rsa { hash.rsa() } else { self.signer.algorithm };
        if !hash.is_in(algorithm) {
            return Err(NotSigned::Algorithm);
        }
        let scheme = super::scheme::Scheme::of(key_algorithm, algorithm).ok_or(NotSigned::Algorithm)?;
        let signed = self.signer.signed_bytes().ok_or(NotSigned::Attributes)?;
        if scheme.holds(key, &signed, self.signer.signature) { Ok(()) } else { Err(NotSigned::Signature) }
    }

    /// Content type and digest are those of the content; a hash of the signer's certificate, where there is one, is that
    /// of the pinned one.
    fn check_attributes(&self, certificate: &Certificate<'_>, hash: Hash) -> Option<()> {
        let attributes = self.signer.attributes()?;
        let mut types: Vec<&[u8]> = attributes.iter().map(|(of, _)| *of).collect();
        types.sort_unstable();
        types.windows(2).all(|pair| !matches!(pair, [one, other] if one == other)).then_some(())?;
        let value = |of: &[u8]| attributes.iter().find(|(found, _)| *found == of).map(|(_, value)| *value);
        (der::only(value(CONTENT_TYPE)?, 6)? == self.content_type).then_some(())?;
        (der::only(value(MESSAGE_DIGEST)?, 4)? == hash.digest(self.content)).then_some(())?;
        if let Some(of) = value(SIGNING_CERTIFICATE) {
            let digest = aws::digest(&aws::SHA1_FOR_LEGACY_USE_ONLY, certificate.der);
            names_certificate(of, certificate, |_| Some(digest.as_ref().to_vec()))?;
        }
        if let Some(of) = value(SIGNING_CERTIFICATE_V2) {
            let stated = |fields: &mut Reader<'_>| {
                let hash = fields.optional(0x30).map_or(Some(Hash::Sha256), Hash::of)?;
                Some(hash.digest(certificate.der))
            };
            names_certificate(of, certificate, stated)?;
        }
        Some(())
    }
}

/// Whether the first certificate that a signing-certificate attribute names is this one. `digest` reads the hash's name,
/// where the attribute has one, and gives the certificate's digest.
fn names_certificate(
    attribute: &[u8],
    certificate: &Certificate<'_>,
    digest: impl FnOnce(&mut Reader<'_>) -> Option<Vec<u8>>,
) -> Option<()> {
    let mut id = Reader::new(der::only(attribute, 0x30)?).inside(0x30)?.inside(0x30)?;
    let digest = digest(&mut id)?;
    (id.take(4)? == digest).then_some(())?;
    if let Some(issued) = id.optional(0x30) {
        let mut issued = Reader::new(issued);
        let mut names = issued.inside(0x30)?;
        (names.take(0xa4)? == certificate.issuer).then_some(())?;
        names.end()?;
        (issued.take(2)? == certificate.serial).then_some(())?;
        issued.end()?;
    }
    id.end()
}

fn signer(mut fields: Reader<'_>) -> Option<Signer<'_>> {
    fields.take(2)?;
    let named = fields.any()?;
    let id = match named.tag {
        0x30 => {
            let mut issued = Reader::new(named.contents);
            let (issuer, serial) = (issued.element(0x30)?.whole, issued.take(2)?);
            issued.end()?;
            SignerId::Issued(issuer, serial)
        }
        0x80 => SignerId::KeyId(named.contents),
        _ => return None,
    };
    let hash = fields.take(0x30)?;
    let attributes = fields.take(0xa0)?;
    let (algorithm, signature) = (fields.take(0x30)?, fields.take(4)?);
    // Unsigned attributes prove nothing.
    fields.optional(0xa1);
    fields.end()?;
    Some(Signer { id, hash, attributes, algorithm, signature })
}

impl<'a> Signer<'a> {
    /// Each attribute's type and its one value.
    fn attributes(&self) -> Option<Vec<(&'a [u8], &'a [u8])>> {
        let (mut set, mut attributes) = (Reader::new(self.attributes), Vec::new());
        while !set.is_empty() {
            let mut attribute = set.inside(0x30)?;
            let of = attribute.take(6)?;
            let mut values = attribute.inside(0x31)?;
            attribute.end()?;
            attributes.push((of, values.any()?.whole));
            values.end()?;
        }
        Some(attributes)
    }

    /// What is signed: the attributes as the SET OF that they are, in DER, and not under the tag that they came with.
    fn signed_bytes(&self) -> Option<Vec<u8>> {
        let (mut set, mut attributes) = (Reader::new(self.attributes), Vec::new());
        while !set.is_empty() {
            attributes.push(set.any()?.whole);
        }
        Some(der::wrap(0x31, &der::sorted(attributes)))
    }
}
