//! Private keys that sign.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use ed25519_dalek::{Signer as _, SigningKey};

use crate::event::{Digest, base64};
use crate::evidence::{Fault, KeyAlgorithm, PublicKey, keys, pem};

crate::codes! {
    /// Why nothing was signed.
    pub enum SigningError {
        /// The system gave no random bytes.
        NoRandomness = "signing-no-randomness",
        /// The seed gives no key, or the key refused.
        KeyRefused = "signing-key-refused",
    }
}

impl From<Fault> for SigningError {
    fn from(_: Fault) -> Self {
        SigningError::KeyRefused
    }
}

/// A private key and its public half.
pub struct Signer {
    private: Private,
    public: PublicKey,
}

enum Private {
    Ed25519(Box<SigningKey>),
    P256(EcdsaKeyPair),
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({})", self.key_id())
    }
}

impl Signer {
    /// The Ed25519 key of a seed. Its signatures are deterministic.
    pub fn ed25519(seed: [u8; 32]) -> Result<Self, SigningError> {
        let key = SigningKey::from_bytes(&seed);
        let spki = keys::ed25519_spki(key.verifying_key().as_bytes());
        let public = PublicKey::from_spki(&spki, KeyAlgorithm::Ed25519)?;
        Ok(Signer { private: Private::Ed25519(Box::new(key)), public })
    }

    /// The ECDSA P-256 key of a seed. Its signatures are randomised.
    pub fn ecdsa_p256(seed: [u8; 32]) -> Result<Self, SigningError> {
        // RFC 5915, without the public key: the backend computes it.
        const HEAD: &[u8] = &[0x30, 0x31, 2, 1, 1, 4, 0x20];
        const TAIL: &[u8] = &[0xa0, 0x0a, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
        let der = [HEAD, &seed, TAIL].concat();
        let pair = EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_ASN1_SIGNING, &der);
        let pair = pair.map_err(|_| SigningError::KeyRefused)?;
        let public = PublicKey::from_spki(&keys::p256_spki(pair.public_key().as_ref()), KeyAlgorithm::EcdsaP256Sha256)?;
        Ok(Signer { private: Private::P256(pair), public })
    }

    /// A fresh Ed25519 key.
    pub fn generate_ed25519() -> Result<Self, SigningError> {
        Self::ed25519(random_seed()?)
    }

    /// A fresh ECDSA P-256 key.
    pub fn generate_ecdsa_p256() -> Result<Self, SigningError> {
        Self::ecdsa_p256(random_seed()?)
    }

    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigningError> {
        match &self.private {
            Private::Ed25519(key) => Ok(key.sign(message).to_bytes().to_vec()),
            Private::P256(pair) => {
                let signature = pair.sign(&SystemRandom::new(), message).map_err(|_| SigningError::KeyRefused)?;
                Ok(signature.as_ref().to_vec())
            }
        }
    }

    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The public half as SPKI PEM.
    pub fn public_pem(&self) -> String {
        pem::encode(self.public.spki(), "PUBLIC KEY")
    }

    pub fn fingerprint(&self) -> Digest {
        self.public.fingerprint()
    }

    pub fn key_id(&self) -> String {
        self.public.key_id()
    }

    /// The hint that a bundle carries: base64 of the fingerprint.
    pub fn hint(&self) -> String {
        base64::encode(self.fingerprint().as_bytes())
    }
}

/// Fresh random bytes.
pub fn random_seed() -> Result<[u8; 32], SigningError> {
    let mut seed = [0; 32];
    SystemRandom::new().fill(&mut seed).map_err(|_| SigningError::NoRandomness)?;
    Ok(seed)
}
