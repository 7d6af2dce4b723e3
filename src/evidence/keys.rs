//! Public keys, parsed once. The algorithm is the one that the key was configured with, never one that an envelope
//! names, and each kind of key has exactly one hash (rules D2 and T5).

use aws_lc_rs::{digest as aws_digest, signature as aws};
use ed25519_dalek::VerifyingKey;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha384, Sha512};

use super::memo::{self, Claim};
use super::{Artifact, Fault, Message, der, pem};
use crate::event::{Digest, base64};

/// The algorithm belongs to the pinned key, never to the envelope, and only that one is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyAlgorithm {
    Ed25519,
    Ed25519ph,
    EcdsaP256Sha256,
    EcdsaP384Sha384,
    EcdsaP521Sha512,
    RsaPkcs1Sha256,
    RsaPssSha256,
}

impl KeyAlgorithm {
    /// As shown in `provenance.dsse.key.algo`.
    pub const fn family(self) -> &'static str {
        match self {
            KeyAlgorithm::Ed25519 | KeyAlgorithm::Ed25519ph => "ED25519",
            KeyAlgorithm::EcdsaP256Sha256 | KeyAlgorithm::EcdsaP384Sha384 | KeyAlgorithm::EcdsaP521Sha512 => "ECDSA",
            KeyAlgorithm::RsaPkcs1Sha256 | KeyAlgorithm::RsaPssSha256 => "RSA",
        }
    }

    /// The name of the rule by which signatures verify: all that decides beside key, message and signature.
    const fn rule(self, encoding: SignatureEncoding) -> &'static str {
        match (self, encoding) {
            (KeyAlgorithm::Ed25519, _) => "ed25519",
            (KeyAlgorithm::Ed25519ph, _) => "ed25519ph",
            (KeyAlgorithm::EcdsaP256Sha256, SignatureEncoding::Der) => "key-ecdsa-p256-sha256",
            (KeyAlgorithm::EcdsaP256Sha256, SignatureEncoding::Raw) => "key-ecdsa-p256-sha256-raw",
            (KeyAlgorithm::EcdsaP384Sha384, SignatureEncoding::Der) => "key-ecdsa-p384-sha384",
            (KeyAlgorithm::EcdsaP384Sha384, SignatureEncoding::Raw) => "key-ecdsa-p384-sha384-raw",
            (KeyAlgorithm::EcdsaP521Sha512, SignatureEncoding::Der) => "key-ecdsa-p521-sha512",
            (KeyAlgorithm::EcdsaP521Sha512, SignatureEncoding::Raw) => "key-ecdsa-p521-sha512-raw",
            (KeyAlgorithm::RsaPkcs1Sha256, _) => "key-rsa-pkcs1-sha256",
            (KeyAlgorithm::RsaPssSha256, _) => "key-rsa-pss-sha256",
        }
    }

    /// The name in Sigstore's registry of the hash that the algorithm signs; `None` for pure Ed25519, which signs none.
    pub const fn hash_name(self) -> Option<&'static str> {
        Some(match self {
            KeyAlgorithm::Ed25519 => return None,
            KeyAlgorithm::EcdsaP256Sha256 | KeyAlgorithm::RsaPkcs1Sha256 | KeyAlgorithm::RsaPssSha256 => "SHA2_256",
            KeyAlgorithm::EcdsaP384Sha384 => "SHA2_384",
            KeyAlgorithm::EcdsaP521Sha512 | KeyAlgorithm::Ed25519ph => "SHA2_512",
        })
    }

    /// That name, and the hash of `bytes`.
    pub fn hash(self, bytes: &[u8]) -> Option<(&'static str, Vec<u8>)> {
        let name = self.hash_name()?;
        let hash = match name {
            "SHA2_256" => Digest::of(bytes).as_bytes().to_vec(),
            "SHA2_384" => Sha384::digest(bytes).to_vec(),
            _ => Sha512::digest(bytes).to_vec(),
        };
        Some((name, hash))
    }

    const fn is_ecdsa(self) -> bool {
        matches!(self, KeyAlgorithm::EcdsaP256Sha256 | KeyAlgorithm::EcdsaP384Sha384 | KeyAlgorithm::EcdsaP521Sha512)
    }

    fn aws(self, encoding: SignatureEncoding) -> Option<&'static dyn aws::VerificationAlgorithm> {
        use SignatureEncoding::{Der, Raw};
        Some(match (self, encoding) {
            (KeyAlgorithm::Ed25519 | KeyAlgorithm::Ed25519ph, _) => return None,
            (KeyAlgorithm::EcdsaP256Sha256, Der) => &aws::ECDSA_P256_SHA256_ASN1,
            (KeyAlgorithm::EcdsaP256Sha256, Raw) => &aws::ECDSA_P256_SHA256_FIXED,
            (KeyAlgorithm::EcdsaP384Sha384, Der) => &aws::ECDSA_P384_SHA384_ASN1,
            (KeyAlgorithm::EcdsaP384Sha384, Raw) => &aws::ECDSA_P384_SHA384_FIXED,
            (KeyAlgorithm::EcdsaP521Sha512, Der) => &aws::ECDSA_P521_SHA512_ASN1,
            (KeyAlgorithm::EcdsaP521Sha512, Raw) => &aws::ECDSA_P521_SHA512_FIXED,
            (KeyAlgorithm::RsaPkcs1Sha256, _) => &aws::RSA_PKCS1_2048_8192_SHA256,
            (KeyAlgorithm::RsaPssSha256, _) => &aws::RSA_PSS_2048_8192_SHA256,
        })
    }
}

/// How an ECDSA key writes its signatures: a setting of the key, never a guess from the bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SignatureEncoding {
    /// ASN.1 DER, as almost everybody does.
    #[default]
    Der,
    /// r and s at full length behind each other (IEEE P1363), as the example of the DSSE specification does.
    Raw,
}

impl SignatureEncoding {
    /// Whether it is the default, and need not be written.
    pub fn is_der(&self) -> bool {
        *self == SignatureEncoding::Der
    }
}

/// A SubjectPublicKeyInfo of these kinds has one DER spelling: this prefix, and a point of this length.
const ED25519_SPKI: &[u8] = &[0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0];
const P256_SPKI: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7, 3,
    0x42, 0,
];
const P384_SPKI: &[u8] =
    &[0x30, 0x76, 0x30, 0x10, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 5, 0x2b, 0x81, 4, 0, 0x22, 3, 0x62, 0];
const P521_SPKI: &[u8] = &[
    0x30, 0x81, 0x9b, 0x30, 0x10, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 5, 0x2b, 0x81, 4, 0, 0x23, 3, 0x81,
    0x86, 0,
];
const RSA_ALGORITHM: &[u8] = &[0x30, 0x0d, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];

/// A public key that may be relied upon: parsed, on its curve, of full order and fitting size.
#[derive(Clone)]
pub struct PublicKey {
    algorithm: KeyAlgorithm,
    encoding: SignatureEncoding,
    spki: Vec<u8>,
    fingerprint: Digest,
    parsed: Parsed,
    rsa_bits: usize,
}

#[derive(Clone)]
enum Parsed {
    Ed25519(VerifyingKey),
    Aws(aws::ParsedPublicKey),
}

impl PublicKey {
    /// Reads SPKI PEM.
    pub fn from_pem(text: &str, algorithm: KeyAlgorithm) -> Result<Self, Fault> {
        Self::from_spki(&pem::decode(text, "PUBLIC KEY").ok_or(Fault::KeyMalformed)?, algorithm)
    }

    /// Reads SPKI DER, in its one spelling.
    pub fn from_spki(spki: &[u8], algorithm: KeyAlgorithm) -> Result<Self, Fault> {
        let (family, bits) = kind_of(spki)?;
        if family != algorithm && !same_key_type(family, algorithm) {
            return Err(Fault::KeyAlgorithm);
        }
        let encoding = SignatureEncoding::Der;
        let parsed = parse(spki, family, algorithm, encoding)?;
        let fingerprint = Digest::of(spki);
        Ok(PublicKey { algorithm, encoding, spki: spki.to_vec(), fingerprint, parsed, rsa_bits: bits })
    }

    /// The same key, with signatures written so. Only ECDSA has more than one way.
    pub fn with_encoding(mut self, encoding: SignatureEncoding) -> Result<Self, Fault> {
        if encoding != self.encoding {
            if !self.algorithm.is_ecdsa() {
                return Err(Fault::KeyAlgorithm);
            }
            self.parsed = parse(&self.spki, self.algorithm, self.algorithm, encoding)?;
            self.encoding = encoding;
        }
        Ok(self)
    }

    /// Reads SPKI DER of a key that carries no configured algorithm (a log's key): the usual one of its type.
    pub fn of_log(spki: &[u8]) -> Result<Self, Fault> {
        let (family, _) = kind_of(spki)?;
        Self::from_spki(spki, family)
    }

    pub fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }

    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// SHA-256 of the SPKI: the identity of the key.
    pub fn fingerprint(&self) -> Digest {
        self.fingerprint
    }

    /// `cosign:SHA256-PKIX:` and base64 of the fingerprint.
    pub fn key_id(&self) -> String {
        key_id(self.fingerprint)
    }

    /// The name of this key's type in a Rekor v2 entry (`PublicKeyDetails`); `None` where Rekor v2 has none.
    pub fn details(&self) -> Option<String> {
        Some(match self.algorithm {
            KeyAlgorithm::Ed25519 => return None,
            KeyAlgorithm::Ed25519ph => "PKIX_ED25519_PH".into(),
            KeyAlgorithm::EcdsaP256Sha256 => "PKIX_ECDSA_P256_SHA_256".into(),
            KeyAlgorithm::EcdsaP384Sha384 => "PKIX_ECDSA_P384_SHA_384".into(),
            KeyAlgorithm::EcdsaP521Sha512 => "PKIX_ECDSA_P521_SHA_512".into(),
            KeyAlgorithm::RsaPkcs1Sha256 => format!("PKIX_RSA_PKCS1V15_{}_SHA256", self.rsa_bits),
            KeyAlgorithm::RsaPssSha256 => format!("PKIX_RSA_PSS_{}_SHA256", self.rsa_bits),
        })
    }

    /// Verifies a signature over `message`, by this key's one algorithm.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Fault> {
        let claim = Claim { scheme: self.algorithm.rule(self.encoding), key: &self.spki, message, signature };
        let holds = match &self.parsed {
            // Hashed once, for the memory and for the signature.
            Parsed::Aws(key) if self.algorithm.hash_name() == Some("SHA2_256") => {
                let hash = Digest::of(message);
                memo::holds(Claim { message: hash.as_bytes(), ..claim }, || of_hash(key, hash, signature))
            }
            _ => memo::holds(claim, || self.computes(message, signature)),
        };
        if holds { Ok(()) } else { Err(Fault::SignatureInvalid) }
    }

    fn computes(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.parsed {
            Parsed::Ed25519(key) => ed25519_dalek::Signature::from_slice(signature).is_ok_and(|signature| {
                if self.algorithm == KeyAlgorithm::Ed25519ph {
                    key.verify_prehashed_strict(Sha512::new_with_prefix(message), None, &signature).is_ok()
                } else {
                    key.verify_strict(message, &signature).is_ok()
                }
            }),
            Parsed::Aws(key) => key.verify_sig(message, signature).is_ok(),
        }
    }

    /// Verifies a signature over what may be a file, of which the bytes need not be known.
    pub fn verify_message(&self, message: &Message<'_>, signature: &[u8]) -> Result<(), Fault> {
        match message {
            Message::Bytes(bytes) => self.verify(bytes, signature),
            Message::File(file) => self.verify_file(file, signature),
        }
    }

    fn verify_file(&self, file: &Artifact, signature: &[u8]) -> Result<(), Fault> {
        let Parsed::Aws(key) = &self.parsed else {
            return self.verify(file.bytes.as_deref().ok_or(Fault::FileNeeded)?, signature);
        };
        let name = self.algorithm.hash_name().ok_or(Fault::FileNeeded)?;
        let hash = file.hash(name).flatten().ok_or(Fault::FileNeeded)?;
        let algorithm = match name {
            "SHA2_256" => &aws_digest::SHA256,
            "SHA2_384" => &aws_digest::SHA384,
            _ => &aws_digest::SHA512,
        };
        let digest = aws_digest::Digest::import_less_safe(hash, algorithm).map_err(|_| Fault::SignatureInvalid)?;
        key.verify_digest_sig(&digest, signature).map_err(|_| Fault::SignatureInvalid)
    }
}

/// Whether the signature is over a message with this SHA-256.
fn of_hash(key: &aws::ParsedPublicKey, hash: Digest, signature: &[u8]) -> bool {
    let hash = aws_digest::Digest::import_less_safe(hash.as_bytes(), &aws_digest::SHA256);
    hash.is_ok_and(|hash| key.verify_digest_sig(&hash, signature).is_ok())
}

fn parse(
    spki: &[u8],
    family: KeyAlgorithm,
    algorithm: KeyAlgorithm,
    encoding: SignatureEncoding,
) -> Result<Parsed, Fault> {
    let Some(of_backend) = algorithm.aws(encoding) else { return Ok(Parsed::Ed25519(edwards(spki)?)) };
    let key = aws::ParsedPublicKey::new(of_backend, raw_key(spki, family)?);
    Ok(Parsed::Aws(key.map_err(|_| Fault::KeyMalformed)?))
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PublicKey({:?}, {})", self.algorithm, self.key_id())
    }
}

/// The key id that is shown, of an SPKI with this SHA-256.
pub fn key_id(fingerprint: Digest) -> String {
    format!("cosign:SHA256-PKIX:{}", base64::encode(fingerprint.as_bytes()))
}

/// The fingerprint that a hint or key id names, where it is base64 of a SHA-256 (what cosign writes).
pub fn hinted(hint: &str) -> Option<Digest> {
    let text = hint.strip_prefix("cosign:SHA256-PKIX:").unwrap_or(hint);
    base64::decode_array(text).ok()?.map(Digest::from_bytes)
}

fn same_key_type(family: KeyAlgorithm, algorithm: KeyAlgorithm) -> bool {
    matches!(
        (family, algorithm),
        (KeyAlgorithm::Ed25519, KeyAlgorithm::Ed25519ph) | (KeyAlgorithm::RsaPkcs1Sha256, KeyAlgorithm::RsaPssSha256)
    )
}

/// The usual algorithm of an SPKI's key type, and the bits of an RSA modulus.
fn kind_of(spki: &[u8]) -> Result<(KeyAlgorithm, usize), Fault> {
    let point = |prefix: &[u8], length: usize| {
        spki.strip_prefix(prefix).is_some_and(|point| point.len() == length && point.first() == Some(&4))
    };
    if spki.strip_prefix(ED25519_SPKI).is_some_and(|key| key.len() == 32) {
        return Ok((KeyAlgorithm::Ed25519, 0));
    }
    if point(P256_SPKI, 65) {
        return Ok((KeyAlgorithm::EcdsaP256Sha256, 0));
    }
    if point(P384_SPKI, 97) {
        return Ok((KeyAlgorithm::EcdsaP384Sha384, 0));
    }
    if point(P521_SPKI, 133) {
        return Ok((KeyAlgorithm::EcdsaP521Sha512, 0));
    }
    let (modulus, exponent) = rsa_numbers(spki).ok_or(Fault::KeyMalformed)?;
    let bits = modulus.len() * 8 - modulus.first().map_or(0, |byte| byte.leading_zeros() as usize);
    let odd = |number: &[u8]| number.last().is_some_and(|byte| byte & 1 == 1);
    let exponent_fits = exponent.len() <= 4 && odd(exponent) && exponent != [1];
    if (2048..=8192).contains(&bits) && odd(modulus) && exponent_fits {
        Ok((KeyAlgorithm::RsaPkcs1Sha256, bits))
    } else {
        Err(Fault::KeyWeak)
    }
}

fn rsa_numbers(spki: &[u8]) -> Option<(&[u8], &[u8])> {
    let (modulus, rest) = der::first(der::only(rsa_key(spki)?, 0x30)?, 2)?;
    Some((der::positive(modulus)?, der::positive(der::only(rest, 2)?)?))
}

/// The `RSAPublicKey` inside an SPKI.
fn rsa_key(spki: &[u8]) -> Option<&[u8]> {
    let bits = der::only(der::only(spki, 0x30)?.strip_prefix(RSA_ALGORITHM)?, 3)?;
    bits.strip_prefix(&[0])
}

/// The key as the backend wants it: the point, or the `RSAPublicKey`.
fn raw_key(spki: &[u8], family: KeyAlgorithm) -> Result<&[u8], Fault> {
    match family {
        KeyAlgorithm::EcdsaP256Sha256 => spki.strip_prefix(P256_SPKI),
        KeyAlgorithm::EcdsaP384Sha384 => spki.strip_prefix(P384_SPKI),
        KeyAlgorithm::EcdsaP521Sha512 => spki.strip_prefix(P521_SPKI),
        _ => rsa_key(spki),
    }
    .ok_or(Fault::KeyMalformed)
}

/// An Ed25519 key: on the curve, canonically encoded, not of small order.
fn edwards(spki: &[u8]) -> Result<VerifyingKey, Fault> {
    let raw = spki.strip_prefix(ED25519_SPKI).and_then(|key| <[u8; 32]>::try_from(key).ok());
    ed25519(&raw.ok_or(Fault::KeyMalformed)?)
}

/// The same rule for a bare key of 32 bytes (witness keys).
pub fn ed25519(raw: &[u8; 32]) -> Result<VerifyingKey, Fault> {
    let key = VerifyingKey::from_bytes(raw).map_err(|_| Fault::KeyMalformed)?;
    let canonical = key.to_edwards().compress().as_bytes() == raw;
    if key.is_weak() || !canonical { Err(Fault::KeyWeak) } else { Ok(key) }
}

/// The SPKI of an Ed25519 key.
pub fn ed25519_spki(raw: &[u8; 32]) -> Vec<u8> {
    [ED25519_SPKI, raw.as_slice()].concat()
}

/// The SPKI around an `RSAPublicKey`, the encoding in which some certificate logs publish their key.
pub fn rsa_spki(pkcs1: &[u8]) -> Vec<u8> {
    let bits = der::wrap(3, &[&[0], pkcs1].concat());
    der::wrap(0x30, &[RSA_ALGORITHM, &bits].concat())
}

/// The SPKI of an uncompressed P-256 point.
pub fn p256_spki(point: &[u8]) -> Vec<u8> {
    [P256_SPKI, point].concat()
}
