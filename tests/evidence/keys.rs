//! What a pinned key is: its one algorithm, its one way of writing signatures, its holder.

use std::path::PathBuf;

use attestream::event::{Digest, Millis, Tenant};
use attestream::evidence::{Artifact, Envelope, Fault, KeyAlgorithm, Message, PublicKey, SignatureEncoding};
use attestream::signing::Signer;
use attestream::signing::statement::{IN_TOTO, Sealed};
use attestream::verdict::tenant::{LogPolicy, PinnedKey};
use attestream::verdict::{self, AttestationStatus, CompiledTrust, TenantTrust};
use serde_json::{Value, json};

fn vector(file: &str) -> Vec<u8> {
    std::fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(file)).unwrap()
}

/// The one vector of the DSSE specification: P-256, with r and s behind each other.
#[test]
fn the_example_of_the_dsse_specification() {
    let envelope = Envelope::parse(&vector("dsse/envelope.json")).unwrap();
    assert_eq!(envelope.pae(), b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
    let pem = String::from_utf8(vector("dsse/key.pub")).unwrap();
    let key = PublicKey::from_pem(&pem, KeyAlgorithm::EcdsaP256Sha256).unwrap();
    let signature = &envelope.signatures[0].sig;
    assert_eq!(key.verify(&envelope.pae(), signature), Err(Fault::SignatureInvalid), "not a guess from the bytes");
    let raw = key.with_encoding(SignatureEncoding::Raw).unwrap();
    assert_eq!(raw.verify(&envelope.pae(), signature), Ok(()));
    assert_eq!(
        raw.verify(b"DSSEv1 29 http://example.com/HelloWorld 11 hello worle", signature),
        Err(Fault::SignatureInvalid)
    );
    assert_eq!(raw.verify(&envelope.pae(), &signature[..63]), Err(Fault::SignatureInvalid));
    println!("dsse specification: 1 case, 1 expected to verify, 1 did");
}

#[test]
fn only_an_ecdsa_key_has_two_ways_to_write() {
    let refused =
        |key: Result<PublicKey, Fault>| key.and_then(|key| key.with_encoding(SignatureEncoding::Raw)).map(|_| ());
    let ed25519 = Signer::ed25519([1; 32]).unwrap();
    assert_eq!(refused(Ok(ed25519.public().clone())), Err(Fault::KeyAlgorithm));
    let rsa = String::from_utf8(vector("cosign/keys/rsa-2048.pub")).unwrap();
    assert_eq!(refused(PublicKey::from_pem(&rsa, KeyAlgorithm::RsaPkcs1Sha256)), Err(Fault::KeyAlgorithm));
    for (name, algorithm) in [("p384", KeyAlgorithm::EcdsaP384Sha384), ("p521", KeyAlgorithm::EcdsaP521Sha512)] {
        let pem = String::from_utf8(vector(&format!("cosign/keys/ecdsa-{name}-imported.pub"))).unwrap();
        assert_eq!(refused(PublicKey::from_pem(&pem, algorithm)), Ok(()), "{name}");
    }
    let mut pinned = pinned("key", &ed25519, None);
    pinned.encoding = SignatureEncoding::Raw;
    let error = CompiledTrust::compile(&tenant(vec![pinned], 1), None).unwrap_err();
    assert_eq!((error.reason.code(), error.at.as_str()), ("key-algorithm", "key"));
}

/// An algorithm and a curve that are not each other's, in both directions.
#[test]
fn a_key_is_of_its_own_algorithm_alone() {
    let keys = [
        ("ecdsa-p256", KeyAlgorithm::EcdsaP256Sha256),
        ("ecdsa-p384-imported", KeyAlgorithm::EcdsaP384Sha384),
        ("ecdsa-p521-imported", KeyAlgorithm::EcdsaP521Sha512),
        ("ed25519", KeyAlgorithm::Ed25519),
        ("rsa-2048", KeyAlgorithm::RsaPkcs1Sha256),
    ];
    let all = [
        KeyAlgorithm::Ed25519,
        KeyAlgorithm::Ed25519ph,
        KeyAlgorithm::EcdsaP256Sha256,
        KeyAlgorithm::EcdsaP384Sha384,
        KeyAlgorithm::EcdsaP521Sha512,
        KeyAlgorithm::RsaPkcs1Sha256,
        KeyAlgorithm::RsaPssSha256,
    ];
    for (name, own) in keys {
        let pem = String::from_utf8(vector(&format!("cosign/keys/{name}.pub"))).unwrap();
        for algorithm in all {
            let expected = if algorithm.family() == own.family() && (own.family() != "ECDSA" || algorithm == own) {
                Ok(())
            } else {
                Err(Fault::KeyAlgorithm)
            };
            assert_eq!(PublicKey::from_pem(&pem, algorithm).map(|_| ()), expected, "{name} as {algorithm:?}");
        }
        for broken in [pem.replace("PUBLIC", "RSA PUBLIC"), format!("{pem}{pem}"), pem[..60].to_owned(), String::new()]
        {
            assert_eq!(PublicKey::from_pem(&broken, own).map(|_| ()), Err(Fault::KeyMalformed), "{name}: {broken}");
        }
        let spki = PublicKey::from_pem(&pem, own).unwrap().spki().to_vec();
        let longer = [spki.as_slice(), &[0]].concat();
        for bad in [&spki[..spki.len() - 1], &longer, &[]] {
            assert!(PublicKey::from_spki(bad, own).is_err(), "{name}: {} bytes", bad.len());
        }
    }
}

#[test]
fn a_file_is_verified_by_its_hash_where_the_key_signs_one() {
    let text = b"a file".as_slice();
    let (file, digest) = (Artifact::read(text).unwrap(), Artifact::from(Digest::of(text)));
    let (p256, edwards) = (Signer::ecdsa_p256([2; 32]).unwrap(), Signer::ed25519([3; 32]).unwrap());
    let said = |signer: &Signer, file: &Artifact, signature: &[u8]| {
        signer.public().verify_message(&Message::File(file), signature)
    };
    let signed = p256.sign(text).unwrap();
    assert_eq!((said(&p256, &file, &signed), said(&p256, &digest, &signed)), (Ok(()), Ok(())));
    let other = p256.sign(b"another file").unwrap();
    assert_eq!(said(&p256, &file, &other), Err(Fault::SignatureInvalid));
    assert_eq!(said(&p256, &digest, &other), Err(Fault::SignatureInvalid));
    let signed = edwards.sign(text).unwrap();
    assert_eq!(said(&edwards, &file, &signed), Ok(()));
    assert_eq!(said(&edwards, &digest, &signed), Err(Fault::FileNeeded));
    assert_eq!(said(&edwards, &Artifact::read(b"another".as_slice()).unwrap(), &signed), Err(Fault::SignatureInvalid));
}

fn pinned(name: &str, signer: &Signer, owner: Option<&str>) -> PinnedKey {
    PinnedKey {
        name: name.into(),
        spki: signer.public_pem(),
        algorithm: signer.public().algorithm(),
        valid_from: None,
        valid_until: None,
        revoked_at: None,
        predicate_types: Vec::new(),
        encoding: SignatureEncoding::Der,
        owner: owner.map(str::to_owned),
    }
}

fn tenant(keys: Vec<PinnedKey>, threshold: u32) -> TenantTrust {
    let empty = TenantTrust::empty(Tenant::new("acme").unwrap());
    TenantTrust { keys, threshold, log: LogPolicy::None, ..empty }
}

/// An envelope with a signature of each, with these key ids.
fn signed_by(signers: &[(&Signer, Option<&str>)]) -> Value {
    let payload = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{ "name": "a", "digest": { "sha256": Digest::of(b"a").hex() } }],
        "predicateType": "https://cyclonedx.org/bom",
        "predicate": {},
    });
    let seal = |signer: &Signer| Sealed::seal(IN_TOTO, payload.to_string().into_bytes(), signer).unwrap().envelope();
    let mut envelope = seal(signers[0].0);
    let signature = |(signer, keyid): &(&Signer, Option<&str>)| {
        let mut signature = seal(signer)["signatures"][0].clone();
        if let Some(keyid) = keyid {
            signature["keyid"] = json!(keyid);
        }
        signature
    };
    envelope["signatures"] = signers.iter().map(signature).collect();
    envelope
}

fn said(envelope: &Value, trust: &TenantTrust) -> String {
    let compiled = CompiledTrust::compile(trust, None).unwrap();
    let result = verdict::verify(
        &verdict::parse(envelope.to_string().as_bytes(), &[]).unwrap(),
        &compiled,
        Millis(1_795_100_000_000),
    );
    if result.status == AttestationStatus::Verified { "verified".into() } else { result.reasons.join(" ") }
}

/// A threshold counts holders: unique keys, and of one owner's keys one.
#[test]
fn a_threshold_counts_holders() {
    let signers: Vec<Signer> = (1..=4).map(|seed| Signer::ed25519([seed; 32]).unwrap()).collect();
    let [a, b, c, d] = [&signers[0], &signers[1], &signers[2], &signers[3]];
    let own = |name| Some(name);
    let trust = tenant(vec![pinned("a", a, own("ops")), pinned("b", b, own("ops")), pinned("c", c, None)], 2);
    assert_eq!(said(&signed_by(&[(a, None), (b, None)]), &trust), "threshold-not-met", "two keys of one owner");
    assert_eq!(said(&signed_by(&[(a, None), (c, None)]), &trust), "verified");
    assert_eq!(said(&signed_by(&[(a, None), (a, None)]), &trust), "threshold-not-met", "one key twice");
    let ids = [Some("one"), Some("two")];
    assert_eq!(said(&signed_by(&[(a, ids[0]), (a, ids[1])]), &trust), "threshold-not-met", "under two ids");
    let id_of_c = c.key_id();
    let claimed = signed_by(&[(a, None), (a, Some(&id_of_c))]);
    assert_ne!(said(&claimed, &trust), "verified", "a key id is no key");
    assert_eq!(said(&signed_by(&[(a, None), (d, None)]), &trust), "threshold-not-met", "a stranger");
    assert_eq!(said(&signed_by(&[(a, None), (b, None), (c, None), (d, None)]), &trust), "verified");
    let three = tenant(trust.keys.clone(), 3);
    let error = CompiledTrust::compile(&three, None).unwrap_err();
    assert_eq!(error.reason.code(), "trust-threshold", "two holders can never be three");
}

/// A stored entry from before has neither setting, and is written as before.
#[test]
fn the_settings_of_a_key_are_written_where_they_say_something() {
    let signer = Signer::ecdsa_p256([5; 32]).unwrap();
    let plain = serde_json::to_value(pinned("a", &signer, None)).unwrap();
    assert!(plain.get("encoding").is_none() && plain.get("owner").is_none(), "{plain}");
    let mut set = plain.clone();
    (set["encoding"], set["owner"]) = (json!("raw"), json!("ops"));
    let read: PinnedKey = serde_json::from_value(set.clone()).unwrap();
    assert_eq!((read.encoding, read.owner.as_deref()), (SignatureEncoding::Raw, Some("ops")));
    assert_eq!(serde_json::to_value(&read).unwrap(), set);
    set["encoding"] = json!("guess");
    assert!(serde_json::from_value::<PinnedKey>(set).is_err());
}
