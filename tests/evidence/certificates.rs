//! Certificates and time stamps in bundles of files, which are no events here: each layer by itself.

use std::path::Path;
use std::sync::Arc;

use attestream::event::{Digest, Millis, Now, base64};
use attestream::evidence::identity::Identity;
use attestream::evidence::path::{self, NoPath, Purpose};
use attestream::evidence::sct::{self, NotLogged};
use attestream::evidence::timestamp::{self, NoTime};
use attestream::evidence::x509::{Certificate, oid};
use attestream::evidence::{Window, der};
use attestream::verdict::TrustRoot;
use serde_json::Value;

const NOW: Millis = Millis(1_795_300_000_000);

fn file(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/sigstore").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn json(name: &str) -> Value {
    serde_json::from_slice(&file(name)).unwrap()
}

fn root(bytes: &[u8]) -> Arc<TrustRoot> {
    TrustRoot::load(bytes, Digest::of(bytes)).unwrap()
}

fn raw(value: &Value) -> Vec<u8> {
    base64::decode(value.as_str().unwrap()).unwrap()
}

/// The leaf of a bundle.
fn leaf(bundle: &Value) -> Vec<u8> {
    let material = &bundle["verificationMaterial"];
    let one = material.pointer("/certificate/rawBytes");
    raw(one.unwrap_or_else(|| &material["x509CertificateChain"]["certificates"][0]["rawBytes"]))
}

/// The times that a bundle's tokens prove, each by itself.
fn times(bundle: &Value, root: &TrustRoot) -> Vec<Result<Millis, NoTime>> {
    let signature = raw(&bundle["messageSignature"]["signature"]);
    let tokens = bundle["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"].as_array();
    let verify =
        |token: &Value| timestamp::verify(&raw(&token["signedTimestamp"]), &signature, root.stamp_authorities());
    tokens.into_iter().flatten().map(verify).collect()
}

/// Path and certificate log of a leaf in the middle of its validity.
fn vouched(leaf: &[u8], root: &TrustRoot) -> Result<Result<(), NotLogged>, NoPath> {
    let certificate = Certificate::parse(leaf).unwrap();
    let at = certificate.not_before.plus(60_000);
    let paths = root.authorities().iter().map(|of| path::verify(leaf, &[], of, Purpose::CodeSigning, at));
    let best = paths.max_by_key(|found| found.as_ref().err().map_or(3, |why| *why as u8)).unwrap();
    best.map(|issuer| sct::verify(&certificate, &issuer, root.certificate_logs(), &Now::at(NOW)))
}

#[test]
fn tokens_of_bundles_of_files() {
    let mut config = json("python/tsa/trust_config.json");
    let local = root(config["trustedRoot"].to_string().as_bytes());
    config["trustedRoot"]["timestampAuthorities"] = Value::Array(vec![json("python/tsa/ca.json")]);
    let before = root(config["trustedRoot"].to_string().as_bytes());
    let staging = root(&file("python/staging_trusted_root.json"));
    let rekor2 = root(&file("rust/sct/rekor2-tsa.root.json"));
    let time = |text: &str| Ok(Millis::parse(text).unwrap());
    let of = |name: &str, root: &TrustRoot| times(&json(name), root);
    // The second is of something else. The authority of one week is not that of the next, though they share a name.
    assert_eq!(of("python/tsa/bundle.txt.sigstore", &before), [time("2024-10-31T10:23:39Z"), Err(NoTime::Imprint)]);
    assert_eq!(of("python/tsa/bundle.txt.sigstore", &local), [Err(NoTime::Unknown), Err(NoTime::Imprint)]);
    assert_eq!(of("python/tsa/bundle.duplicate.sigstore", &before), [Err(NoTime::Imprint); 3]);
    assert_eq!(of("python/tsa/bundle.txt.late_timestamp.sigstore", &staging), [time("2025-05-12T19:00:27Z")]);
    assert_eq!(of("rust/sct/rekor2-tsa.sigstore.json", &rekor2), [time("2025-08-06T18:51:36Z")]);
    assert_eq!(of("rust/sct/rekor2-tsa.payload-mismatch.sigstore.json", &rekor2), [Err(NoTime::Imprint)]);
    let (message, token) = (file("python/tsa/issue1482-message"), file("python/tsa/issue1482-timestamp-with-no-cert"));
    assert_eq!(timestamp::verify(&token, &message, staging.stamp_authorities()), time("2025-07-25T19:53:04Z"));
    assert_eq!(timestamp::verify(&token, &message, local.stamp_authorities()), Err(NoTime::Unknown));
}

/// A time stamp from after its certificate has expired: the leaf is refused at that time.
#[test]
fn a_late_time_stamp_is_outside_its_certificate() {
    let bundle = json("python/tsa/bundle.txt.late_timestamp.sigstore");
    let root = root(&file("python/staging_trusted_root.json"));
    let (leaf, times) = (leaf(&bundle), times(&bundle, &root));
    let certificate = Certificate::parse(&leaf).unwrap();
    assert!(times.iter().all(|time| !certificate.is_valid_at(time.unwrap())));
}

#[test]
fn certificates_and_their_logs() {
    let public = root(&file("trusted_root.json"));
    let staging = root(&file("python/staging_trusted_root.json"));
    let of = |bundle: &str, root: &TrustRoot| vouched(&leaf(&json(bundle)), root);
    // Several intermediates of one name: the log's timestamp is about the one that issued.
    let several = root(&file("rust/sct/multi-intermediate.root.json"));
    assert_eq!(of("rust/sct/multi-intermediate.sigstore.json", &several), Ok(Ok(())));
    assert_eq!(of("rust/sct/multi-intermediate.sigstore.json", &public), Err(NoPath::Invalid));
    // The log's key in this root is not the one that signed.
    let broken = root(&file("rust/sct/invalid-ct-key.root.json"));
    assert_eq!(of("rust/sct/invalid-ct-key.sigstore.json", &broken), Ok(Err(NotLogged::Unvouched)));
    assert_eq!(of("rust/sct/invalid-ct-key.sigstore.json", &public), Ok(Ok(())));
    assert_eq!(of("python/bundle_v3.txt.sigstore", &staging), Ok(Ok(())));
    assert_eq!(of("python/bundle_v3_github.whl.sigstore", &public), Ok(Ok(())));
    assert_eq!(of("go/othername.sigstore.json", &root(&file("go/scaffolding.json"))), Ok(Ok(())));
}

#[test]
fn names_and_issuers_in_every_form() {
    let of = |bundle: &str| {
        let leaf = leaf(&json(bundle));
        Identity::of(&Certificate::parse(&leaf).unwrap()).unwrap()
    };
    let other = of("go/othername.sigstore.json");
    assert_eq!((other.name.as_str(), other.issuer.as_deref()), ("foo!oidc.local", Some("http://oidc.local:8080")));
    let email = of("go/dsse.sigstore.json");
    assert_eq!(email.name, "brian@dehamer.com");
    assert_eq!(email.issuer.as_deref(), Some("https://github.com/login/oauth"), "the oldest form, without encoding");
    let workflow = of("python/bundle_v3_github.whl.sigstore");
    assert_eq!(workflow.issuer.as_deref(), Some("https://token.actions.githubusercontent.com"));
    assert_eq!(workflow.claims["sourceRepositoryURI"], "https://github.com/trailofbits/rfc8785.py");
    assert_eq!(workflow.claims["buildTrigger"], "release");
    assert_eq!(workflow.claims.len(), 14);
    assert_eq!(of("rust/github_sha384_bundle.json").issuer, None);
}

/// No bit of a certificate can be changed without breaking its path or the certificate log's word for it, and nothing that
/// can be read of it makes a reader panic.
#[test]
fn no_flipped_bit_of_a_certificate_is_accepted() {
    let (leaf, root) = (leaf(&json("python/bundle_v3_github.whl.sigstore")), root(&file("trusted_root.json")));
    let at = Certificate::parse(&leaf).unwrap().not_before.plus(60_000);
    for index in 0..leaf.len() {
        let mut flipped = leaf.clone();
        flipped[index] ^= 1;
        let certificate = Certificate::parse(&flipped);
        if let Some(certificate) = &certificate {
            let _ = Identity::of(certificate);
            let _ = sct::verify(certificate, b"issuer", root.certificate_logs(), &Now::at(NOW));
        }
        let accepted =
            root.authorities().iter().any(|of| path::verify(&flipped, &[], of, Purpose::CodeSigning, at).is_ok());
        assert!(!accepted, "byte {index}");
    }
}

/// The library that is kept as an oracle: what we accept of published bundles, it accepts too.
#[test]
fn what_verifies_here_verifies_for_the_library() {
    use attestream::verdict::AttestationStatus;
    use sigstore_types::{ArtifactDigest, Bundle, DigestBytes, HashAlgorithm};
    use sigstore_verify::trust_root::TrustedRoot;
    use sigstore_verify::{VerificationPolicy, Verifier};

    let bytes = file("trusted_root.json");
    let theirs = TrustedRoot::from_json(std::str::from_utf8(&bytes).unwrap()).unwrap();
    let library = Verifier::new(&theirs).unwrap();
    let trust = super::clients::trust("trusted_root.json", "promise");
    let (mut accepted, mut both) = (0, 0);
    let names = ["js", "go", "rust"]
        .map(|folder| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/sigstore").join(folder));
    for path in names.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let Ok(parsed) = attestream::verdict::parse(text.as_bytes(), &trust.own_types()) else { continue };
        let ours = attestream::verdict::verify(&parsed, &trust, NOW).status == AttestationStatus::Verified;
        let digest = parsed.statement.as_ref().ok().and_then(|said| {
            let subject = &said.subjects.first()?.digest;
            let of = |kind, hex: &Option<String>| {
                let bytes = attestream::event::digest::unhex(hex.as_deref()?)?;
                ArtifactDigest::new(kind, DigestBytes::new(bytes)).ok()
            };
            of(HashAlgorithm::Sha2256, &subject.sha256).or_else(|| of(HashAlgorithm::Sha2512, &subject.sha512))
        });
        let (Some(digest), Ok(bundle)) = (digest, Bundle::from_json(&text)) else { continue };
        let library = library.verify(digest, &bundle, &VerificationPolicy::any_identity()).is_ok();
        assert!(library || !ours, "{}: the library refuses what we accept", path.display());
        accepted += usize::from(ours);
        both += usize::from(ours && library);
    }
    assert!(accepted >= 8 && accepted == both, "{accepted} {both}");
}

/// Windows are closed at both ends: of the authority, of the certificates and of the certificate log's key.
#[test]
fn windows_end_where_they_say() {
    let (leaf, root) = (leaf(&json("python/bundle_v3_github.whl.sigstore")), root(&file("trusted_root.json")));
    let certificate = Certificate::parse(&leaf).unwrap();
    let (from, until) = (certificate.not_before, certificate.not_after);
    let authority = root.authorities().last().unwrap();
    let path_at = |start: Option<Millis>, end: Option<Millis>, at: Millis| {
        let authority = path::Authority { window: Window { start, end }, ..authority.clone() };
        path::verify(&leaf, &[], &authority, Purpose::CodeSigning, at).map(drop)
    };
    assert_eq!(path_at(None, None, from), Ok(()));
    assert_eq!(path_at(None, None, until), Ok(()));
    assert_eq!(path_at(None, None, from.plus(-1)), Err(NoPath::Expired));
    assert_eq!(path_at(None, None, until.plus(1000)), Err(NoPath::Expired));
    assert!(!certificate.is_valid_at(until.plus(1)), "to the millisecond, where the leaf itself is judged");
    assert_eq!(path_at(Some(from), Some(from), from), Ok(()));
    assert_eq!(path_at(Some(from.plus(1)), None, from), Err(NoPath::Window));
    assert_eq!(path_at(None, Some(until.plus(-1)), until), Err(NoPath::Window));

    let issuer = path::verify(&leaf, &[], authority, Purpose::CodeSigning, from).unwrap();
    let list = der::only(certificate.extension(oid::SCT_LIST).unwrap().value, 4).unwrap();
    let time = Millis(i64::from_be_bytes(list[37..45].try_into().unwrap()));
    assert!(certificate.not_before.plus(-60_000) < time && time < certificate.not_after);
    let logged = |start: Millis, end: Millis, now: Millis| {
        let window = Window { start: Some(start), end: Some(end) };
        let logs = root.certificate_logs().iter().map(|log| sct::CertificateLog { window, ..log.clone() });
        sct::verify(&certificate, &issuer, &logs.collect::<Vec<_>>(), &Now::at(now))
    };
    assert_eq!(logged(time, time, NOW), Ok(()));
    assert_eq!(logged(time.plus(1), NOW, NOW), Err(NotLogged::Wrong));
    assert_eq!(logged(Millis(0), time.plus(-1), NOW), Err(NotLogged::Wrong));
    assert_eq!(logged(time, time, time.plus(-600_000)), Ok(()));
    assert_eq!(logged(time, time, time.plus(-600_001)), Err(NotLogged::Wrong), "ahead of the clock");
    assert_eq!(
        sct::verify(&certificate, b"another issuer", root.certificate_logs(), &Now::at(NOW)),
        Err(NotLogged::Wrong)
    );
    assert_eq!(sct::verify(&certificate, &issuer, &[], &Now::at(NOW)), Err(NotLogged::Unvouched));
}

/// The machine's clock is read nowhere where evidence is verified, and neither is a library that reads it.
#[test]
fn no_clock_is_read_where_evidence_is_verified() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for room in ["event", "formats", "evidence", "verdict"] {
        for entry in std::fs::read_dir(root.join(room)).unwrap() {
            let path = entry.unwrap().path();
            let Ok(text) = std::fs::read_to_string(&path) else { continue };
            for word in ["SystemTime", "Instant", "::now()", "sigstore_verify", "sigstore_tsa"] {
                assert!(!text.contains(word), "{}: {word}", path.display());
            }
        }
    }
}
