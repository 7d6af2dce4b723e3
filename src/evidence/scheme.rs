//! The signature schemes of certificates and of time stamps: which identifiers go together, and how each verifies.

use aws_lc_rs::signature as aws;
use rustls_pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id};

use super::der::Reader;
use super::memo::{self, Claim};

/// A kind of key, a kind of signature, and the arithmetic behind them.
pub struct Scheme {
    name: &'static str,
    key: AlgorithmIdentifier,
    signature: AlgorithmIdentifier,
    arithmetic: &'static dyn aws::VerificationAlgorithm,
}

impl std::fmt::Debug for Scheme {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

macro_rules! schemes {
    ($($name:literal: $key:ident, $signature:ident, $arithmetic:ident;)+) => {
        /// Every scheme: SHA-2 alone, RSA from 2048 bits.
        pub const SCHEMES: &[&dyn SignatureVerificationAlgorithm] = &[$(schemes!(@one $name, $key, $signature, $arithmetic)),+];
        const OWN: &[&Scheme] = &[$(schemes!(@one $name, $key, $signature, $arithmetic)),+];
    };
    (@one $name:literal, $key:ident, $signature:ident, $arithmetic:ident) => {
        &Scheme {
            name: $name,
            key: alg_id::$key,
            signature: alg_id::$signature,
            arithmetic: &aws::$arithmetic,
        }
    };
}

schemes! {
    "ecdsa-p256-sha256": ECDSA_P256, ECDSA_SHA256, ECDSA_P256_SHA256_ASN1;
    "ecdsa-p256-sha384": ECDSA_P256, ECDSA_SHA384, ECDSA_P256_SHA384_ASN1;
    "ecdsa-p256-sha512": ECDSA_P256, ECDSA_SHA512, ECDSA_P256_SHA512_ASN1;
    "ecdsa-p384-sha256": ECDSA_P384, ECDSA_SHA256, ECDSA_P384_SHA256_ASN1;
    "ecdsa-p384-sha384": ECDSA_P384, ECDSA_SHA384, ECDSA_P384_SHA384_ASN1;
    "ecdsa-p384-sha512": ECDSA_P384, ECDSA_SHA512, ECDSA_P384_SHA512_ASN1;
    "ecdsa-p521-sha256": ECDSA_P521, ECDSA_SHA256, ECDSA_P521_SHA256_ASN1;
    "ecdsa-p521-sha384": ECDSA_P521, ECDSA_SHA384, ECDSA_P521_SHA384_ASN1;
    "ecdsa-p521-sha512": ECDSA_P521, ECDSA_SHA512, ECDSA_P521_SHA512_ASN1;
    "rsa-pkcs1-sha256": RSA_ENCRYPTION, RSA_PKCS1_SHA256, RSA_PKCS1_2048_8192_SHA256;
    "rsa-pkcs1-sha384": RSA_ENCRYPTION, RSA_PKCS1_SHA384, RSA_PKCS1_2048_8192_SHA384;
    "rsa-pkcs1-sha512": RSA_ENCRYPTION, RSA_PKCS1_SHA512, RSA_PKCS1_2048_8192_SHA512;
    "rsa-pss-sha256": RSA_ENCRYPTION, RSA_PSS_SHA256, RSA_PSS_2048_8192_SHA256;
    "rsa-pss-sha384": RSA_ENCRYPTION, RSA_PSS_SHA384, RSA_PSS_2048_8192_SHA384;
    "rsa-pss-sha512": RSA_ENCRYPTION, RSA_PSS_SHA512, RSA_PSS_2048_8192_SHA512;
}

impl Scheme {
    /// The scheme of these contents of two AlgorithmIdentifiers.
    pub fn of(key: &[u8], signature: &[u8]) -> Option<&'static Scheme> {
        OWN.iter().find(|scheme| scheme.key.as_ref() == key && scheme.signature.as_ref() == signature).copied()
    }

    /// Whether this is the key's signature over the message; `key` is the key inside its SubjectPublicKeyInfo.
    pub fn holds(&self, key: &[u8], message: &[u8], signature: &[u8]) -> bool {
        let claim = Claim { scheme: self.name, key, message, signature };
        memo::holds(claim, || self.computes(claim))
    }

    /// The same for what is pinned: computed once.
    pub fn keeps(&self, key: &[u8], message: &[u8], signature: &[u8]) -> bool {
        let claim = Claim { scheme: self.name, key, message, signature };
        memo::keeps(claim, || self.computes(claim))
    }

    fn computes(&self, claim: Claim<'_>) -> bool {
        aws::UnparsedPublicKey::new(self.arithmetic, claim.key).verify(claim.message, claim.signature).is_ok()
    }
}

impl SignatureVerificationAlgorithm for Scheme {
    fn verify_signature(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        if self.holds(key, message, signature) { Ok(()) } else { Err(InvalidSignature) }
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.key
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.signature
    }
}

/// The contents of the AlgorithmIdentifier in a whole SubjectPublicKeyInfo, and the key behind it.
pub fn key_of(spki: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut outer = Reader::new(spki);
    let mut fields = outer.inside(0x30)?;
    let algorithm = fields.take(0x30)?;
    let [0, key @ ..] = fields.take(3)? else { return None };
    fields.end()?;
    outer.end()?;
    Some((algorithm, key))
}
