//! Keys and their signatures (cases 16 to 19 as far as no certificate is needed, and 30).

use attestream::evidence::{KeyAlgorithm, PublicKey, der, keys, pae, pem};
use attestream::signing::statement::IN_TOTO;
use attestream::signing::{Signer, Wrong};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P384_SHA3_384_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
};
use serde_json::json;

use super::workshop::{Evidence, LATER, Workshop, by_authority, right, statement};
use super::{Pair, pair};

/// A statement and what of it is signed.
fn message() -> (Vec<u8>, Vec<u8>) {
    let payload = statement(|_| {});
    let message = pae(IN_TOTO, &payload);
    (payload, message)
}

/// Evidence with this signature, logged as it is, by a key pinned with this algorithm.
fn with(signature: &[u8], pem: &str, algorithm: &str) -> Evidence {
    Workshop::new().bundle(&message().0, signature, pem, algorithm)
}

fn ed25519() -> Signer {
    Signer::ed25519([41; 32]).unwrap()
}

fn edwards(change: impl FnOnce(&mut Vec<u8>)) -> Evidence {
    let mut signature = ed25519().sign(&message().1).unwrap();
    change(&mut signature);
    with(&signature, &ed25519().public_pem(), "ed25519")
}

/// The order of the group, little-endian.
const L: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// S + L: the same number to whoever does not look.
fn add_order(signature: &mut [u8]) {
    let mut carry = 0;
    for (byte, add) in signature[32..].iter_mut().zip(L) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        (*byte, carry) = (sum.to_le_bytes()[0], sum >> 8);
    }
}

/// The two numbers of a DER signature.
fn numbers(signature: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (r, rest) = der::first(der::only(signature, 0x30).unwrap(), 2).unwrap();
    (r.to_vec(), der::only(rest, 2).unwrap().to_vec())
}

fn sequence(r: &[u8], s: &[u8]) -> Vec<u8> {
    der::wrap(0x30, &[der::wrap(2, r), der::wrap(2, s)].concat())
}

fn p256(change: impl FnOnce(Vec<u8>) -> Vec<u8>) -> Evidence {
    let key = Signer::ecdsa_p256([42; 32]).unwrap();
    let signature = change(key.sign(&message().1).unwrap());
    with(&signature, &key.public_pem(), "ecdsa-p256-sha256")
}

fn renumbered(change: impl FnOnce(Vec<u8>, Vec<u8>) -> (Vec<u8>, Vec<u8>)) -> Evidence {
    p256(|signature| {
        let (r, s) = numbers(&signature);
        let (r, s) = change(r, s);
        sequence(&r, &s)
    })
}

/// The order of P-256, big-endian.
const N: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7,
    0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// n - s, as a DER number.
fn negated(s: &[u8]) -> Vec<u8> {
    let mut wide = [0_u8; 32];
    let s = s.strip_prefix(&[0]).unwrap_or(s);
    wide[32 - s.len()..].copy_from_slice(s);
    let mut borrow = 0_i16;
    let mut result = [0_u8; 32];
    for at in (0..32).rev() {
        let difference = i16::from(N[at]) - i16::from(wide[at]) - borrow;
        (result[at], borrow) = (difference.rem_euclid(256).to_le_bytes()[0], i16::from(difference < 0));
    }
    let first = result.iter().position(|byte| *byte != 0).unwrap();
    let lead = if result[first] & 0x80 == 0 { &[][..] } else { &[0] };
    [lead, &result[first..]].concat()
}

/// One signature (r, s) in the bundle, and (r, n - s) of the same key and message in the log.
fn mirrored_in_the_log(mirrored: bool) -> Evidence {
    let key = Signer::ecdsa_p256([42; 32]).unwrap();
    let (payload, message) = message();
    let signature = key.sign(&message).unwrap();
    let (r, s) = numbers(&signature);
    let mirror = sequence(&r, &negated(&s));
    assert_eq!(key.public().verify(&message, &mirror), Ok(()), "both verify");
    let (mut shop, pem) = (Workshop::new(), key.public_pem());
    let entry = shop.enter(&payload, if mirrored { &mirror } else { &signature }, &pem);
    shop.with_entries(&payload, &signature, &pem, "ecdsa-p256-sha256", &[entry])
}

/// An RSA key of this run, and what it signs in several ways.
struct Rsa {
    pair: RsaKeyPair,
    pem: String,
}

impl Rsa {
    fn new() -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let pem = pem::encode(&keys::rsa_spki(pair.public_key().as_ref()), "PUBLIC KEY");
        Rsa { pair, pem }
    }

    fn signed(&self, by: &'static dyn RsaEncoding, algorithm: &str) -> Evidence {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(by, &SystemRandom::new(), &message().1, &mut signature).unwrap();
        with(&signature, &self.pem, algorithm)
    }

    fn changed(&self, change: impl FnOnce(&mut Vec<u8>)) -> Evidence {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), &message().1, &mut signature).unwrap();
        change(&mut signature);
        with(&signature, &self.pem, "rsa-pkcs1-sha256")
    }
}

/// A public key of this modulus and exponent in the place of a right one.
fn weak_rsa(rsa: &Rsa, bytes: usize, exponent: &[u8]) -> Evidence {
    let mut modulus = vec![0xc3; bytes];
    modulus.insert(0, 0);
    let numbers = [der::wrap(2, &modulus), der::wrap(2, exponent)].concat();
    let pem = pem::encode(&keys::rsa_spki(&der::wrap(0x30, &numbers)), "PUBLIC KEY");
    rsa.signed(&RSA_PKCS1_SHA256, "rsa-pkcs1-sha256").trusting(|trust| trust["keys"][0]["spki"] = json!(pem))
}

/// A P-384 key that signs with a hash of its curve's own, or with another.
fn p384(by: &'static EcdsaSigningAlgorithm) -> Evidence {
    let scalar = [43; 48];
    let head = [0x30, 0x3e, 2, 1, 1, 4, 0x30];
    let tail = [0xa0, 7, 6, 5, 0x2b, 0x81, 4, 0, 0x22];
    let private = [&head[..], &scalar, &tail].concat();
    let pair = EcdsaKeyPair::from_private_key_der(by, &private).unwrap();
    let signature = pair.sign(&SystemRandom::new(), &message().1).unwrap();
    let point = pair.public_key().as_ref();
    let algorithm = [0x30, 0x10, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 5, 0x2b, 0x81, 4, 0, 0x22];
    let spki = der::wrap(0x30, &[&algorithm[..], &der::wrap(3, &[&[0], point].concat())].concat());
    with(signature.as_ref(), &pem::encode(&spki, "PUBLIC KEY"), "ecdsa-p384-sha384")
}

fn pinned_as(algorithm: &str) -> Evidence {
    edwards(|_| {}).trusting(|trust| trust["keys"][0]["algorithm"] = json!(algorithm))
}

/// The authority's bundle under a key of these 32 bytes.
fn edwards_key(raw: [u8; 32]) -> Evidence {
    let pem = pem::encode(&keys::ed25519_spki(&raw), "PUBLIC KEY");
    right().trusting(|trust| trust["keys"][0]["spki"] = json!(pem))
}

/// A keyless bundle of cosign, to a tenant that trusts a key, or its identity.
fn certificate(by_key: bool) -> Evidence {
    let folder = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/cosign");
    let read = |file: &str| std::fs::read(folder.join(file)).unwrap();
    let pem = String::from_utf8(read("keys/ecdsa-p256.pub")).unwrap();
    let key = json!({ "name": "key", "spki": pem, "algorithm": "ecdsa-p256-sha256" });
    let identity = json!({ "issuer": "http://127.0.0.1:8888/email", "san": "releaser@example.com" });
    let trust = if by_key { json!({ "keys": [key] }) } else { json!({ "identities": [identity] }) };
    let mut trust = trust;
    (trust["tenant"], trust["log"]) = (json!("acme"), json!("proof"));
    let root = serde_json::from_slice(&read("config/trusted-root-local.json")).unwrap();
    Evidence { bytes: read("keyless/email.rekor1.cyclonedx-1.6.sigstore.json"), trust, root, now: LATER }
}

pub fn pairs() -> Vec<Pair> {
    let rsa = Rsa::new();
    let other = Rsa::new();
    let mut of_order_one = [0; 32];
    of_order_one[0] = 1;
    let mut not_canonical = [0xff; 32];
    (not_canonical[0], not_canonical[31]) = (0xee, 0x7f);
    vec![
        pair(16, "S beyond the order", "signature-invalid", edwards(|sig| add_order(sig)), edwards(|_| {})),
        pair(16, "a truncated signature", "signature-invalid", edwards(|sig| sig.truncate(63)), edwards(|_| {})),
        pair(16, "a byte behind the signature", "signature-invalid", edwards(|sig| sig.push(0)), edwards(|_| {})),
        pair(16, "R of small order", "signature-invalid", edwards(|sig| sig[..32].copy_from_slice(&of_order_one)), edwards(|_| {})),
        pair(16, "a bit of the signature", "signature-invalid", by_authority(Some(Wrong::BadSignature)), right()),
        pair(16, "a payload changed after it was signed", "signature-invalid", by_authority(Some(Wrong::TamperedPayload)), right()),
        pair(16, "a key of small order", "key-weak", edwards_key(of_order_one), right()),
        pair(16, "a key that is not canonical", "key-weak", edwards_key(not_canonical), right()),
        pair(17, "a length in the long form", "signature-invalid", p256(|sig| [&[0x30, 0x81], &sig[1..]].concat()), p256(|sig| sig)),
        pair(17, "a zero before r", "signature-invalid", renumbered(|r, s| ([&[0], r.as_slice()].concat(), s)), renumbered(|r, s| (r, s))),
        pair(17, "r is zero", "signature-invalid", renumbered(|_, s| (vec![0], s)), renumbered(|r, s| (r, s))),
        pair(17, "s is zero", "signature-invalid", renumbered(|r, _| (r, vec![0])), renumbered(|r, s| (r, s))),
        pair(17, "s is the order", "signature-invalid", renumbered(|r, _| (r, [&[0], N.as_slice()].concat())), renumbered(|r, s| (r, s))),
        pair(17, "a byte behind the numbers", "signature-invalid", p256(|sig| [sig.as_slice(), &[0]].concat()), p256(|sig| sig)),
        pair(17, "the other s in the log", "entry-signature-mismatch", mirrored_in_the_log(true), mirrored_in_the_log(false)),
        pair(17, "r and s behind each other", "signature-invalid", p256(|sig| raw(&sig)), p256(|sig| raw(&sig)).trusting(|trust| trust["keys"][0]["encoding"] = json!("raw"))),
        pair(18, "PSS under a key of PKCS#1 v1.5", "signature-invalid", rsa.signed(&RSA_PSS_SHA256, "rsa-pkcs1-sha256"), rsa.signed(&RSA_PKCS1_SHA256, "rsa-pkcs1-sha256")),
        pair(18, "PKCS#1 v1.5 under a key of PSS", "signature-invalid", rsa.signed(&RSA_PKCS1_SHA256, "rsa-pss-sha256"), rsa.signed(&RSA_PSS_SHA256, "rsa-pss-sha256")),
        pair(18, "another hash", "signature-invalid", rsa.signed(&RSA_PKCS1_SHA512, "rsa-pkcs1-sha256"), rsa.signed(&RSA_PKCS1_SHA256, "rsa-pkcs1-sha256")),
        pair(18, "a signature with a zero before it", "signature-invalid", rsa.changed(|sig| sig.insert(0, 0)), rsa.changed(|_| {})),
        pair(18, "a modulus of 1024 bits", "key-weak", weak_rsa(&rsa, 128, &[1, 0, 1]), rsa.changed(|_| {})),
        pair(18, "an exponent of one", "key-weak", weak_rsa(&rsa, 256, &[1]), rsa.changed(|_| {})),
        pair(18, "another key of the same kind", "key-unknown", rsa.changed(|_| {}).trusting(|trust| trust["keys"][0]["spki"] = json!(other.pem)), rsa.changed(|_| {})),
        pair(19, "P-384 with another hash than its own", "signature-invalid", p384(&ECDSA_P384_SHA3_384_ASN1_SIGNING), p384(&ECDSA_P384_SHA384_ASN1_SIGNING)),
        pair(19, "pure Ed25519 under a key of Ed25519ph", "signature-invalid", pinned_as("ed25519ph"), pinned_as("ed25519")),
        pair(19, "an Ed25519 key said to be P-256", "key-algorithm", pinned_as("ecdsa-p256-sha256"), pinned_as("ed25519")),
        pair(19, "an algorithm that the envelope names", "signature-invalid", pinned_as("ed25519ph").edit(|value| value["dsseEnvelope"]["signatures"][0]["algorithm"] = json!("ed25519")), pinned_as("ed25519").edit(|value| value["dsseEnvelope"]["signatures"][0]["algorithm"] = json!("ed25519ph"))),
        pair(30, "no key", "key-unknown", right().trusting(|trust| trust["keys"] = json!([])), right()),
        pair(30, "another key", "key-unknown", by_authority(Some(Wrong::WrongKey)), right()),
        pair(30, "a key id unlike the hint", "key-hint-mismatch", by_authority(Some(Wrong::HintMismatch)), right()),
        pair(30, "a certificate, to a tenant that trusts a key", "key-unknown", certificate(true), certificate(false)),
        pair(30, "a key, to a tenant that trusts an identity", "key-unknown", right().trusting(|trust| *trust = json!({ "tenant": "acme", "log": "proof", "identities": [{ "issuer": "https://issuer.example", "san": "a@example.com" }] })), right()),
        pair(30, "a key file of another kind", "key-malformed", right().trusting(|trust| trust["keys"][0]["spki"] = json!("-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n")), right()),
    ]
}

/// r and s at full length.
fn raw(signature: &[u8]) -> Vec<u8> {
    let (r, s) = numbers(signature);
    let wide = |number: &[u8]| {
        let number = number.strip_prefix(&[0]).unwrap_or(number);
        [vec![0; 32 - number.len()], number.to_vec()].concat()
    };
    [wide(&r), wide(&s)].concat()
}

/// The numbers above are those of the curves: what they make of a good signature is wrong for no other reason.
#[test]
fn the_orders_are_those_of_the_groups() {
    let key = Signer::ecdsa_p256([42; 32]).unwrap();
    let (r, s) = numbers(&key.sign(b"x").unwrap());
    assert_eq!(key.public().verify(b"x", &sequence(&r, &negated(&s))), Ok(()));
    assert_eq!(negated(&negated(&s)), s);
    let mut signature = ed25519().sign(b"x").unwrap();
    add_order(&mut signature);
    let lax = ed25519_dalek::Signature::from_slice(&signature);
    assert!(lax.is_ok_and(|lax| lax.s_bytes()[31] & 0xe0 == 0), "within 253 bits: only the range check refuses it");
    assert!(PublicKey::from_spki(ed25519().public().spki(), KeyAlgorithm::Ed25519).is_ok());
}
