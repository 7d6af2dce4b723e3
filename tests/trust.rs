//! A tenant's trust and the trust root: what is refused before it is in force, and the rules of the verdict.

use attestream::event::{Digest, Kind, Millis, Subject, Tenant};
use attestream::evidence::{KeyAlgorithm, SignatureEncoding};
use attestream::signing::statement::{IN_TOTO, Sealed, bundle, statement};
use attestream::signing::{Authority, Order, Predicate, Signer};
use attestream::verdict::tenant::{LogPolicy, PinnedIdentity, PinnedKey};
use attestream::verdict::{
    self, AttestationResult, AttestationStatus, CompiledTrust, Reason, RestsOn, TenantTrust, TrustRoot, pages, verify,
};
use serde_json::{Value, json};

const NOW: Millis = Millis(1_795_100_000_000);

fn pinned(name: &str, signer: &Signer) -> PinnedKey {
    let algorithm = signer.public().algorithm();
    let spki = signer.public_pem();
    let (valid_from, valid_until, revoked_at) = (None, None, None);
    let (predicate_types, encoding, owner) = (Vec::new(), SignatureEncoding::Der, None);
    PinnedKey {
        name: name.into(),
        spki,
        algorithm,
        valid_from,
        valid_until,
        revoked_at,
        predicate_types,
        encoding,
        owner,
    }
}

fn tenant(keys: Vec<PinnedKey>) -> TenantTrust {
    let mut trust = TenantTrust::empty(Tenant::new("acme").unwrap());
    trust.keys = keys;
    trust.log = LogPolicy::None;
    trust
}

fn refusal(trust: &TenantTrust) -> String {
    CompiledTrust::compile(trust, None).map_or_else(|error| error.reason.code().into(), |_| "compiled".into())
}

fn payload(predicate_type: &str) -> Vec<u8> {
    let mut subject = Subject { name: Some("orders-api".into()), ..Subject::default() };
    subject.digest.sha256 = Some(Digest::of(b"orders-api").hex());
    statement(&[subject], predicate_type, &json!({}))
}

const SBOM: &str = "https://cyclonedx.org/bom";

fn sealed(signer: &Signer) -> Value {
    Sealed::seal(IN_TOTO, payload(SBOM), signer).unwrap().envelope()
}

fn judged(evidence: &Value, trust: &TenantTrust) -> AttestationResult {
    let trust = CompiledTrust::compile(trust, None).unwrap();
    verify(&verdict::parse(evidence.to_string().as_bytes(), &[]).unwrap(), &trust, NOW)
}

fn said(evidence: &Value, trust: &TenantTrust) -> String {
    let result = judged(evidence, trust);
    if result.status == AttestationStatus::Verified { "verified".into() } else { result.reasons.join(" ") }
}

#[test]
fn every_code_has_a_page_and_no_two_mean_the_same() {
    let codes: Vec<&str> = Reason::all().map(Reason::code).collect();
    for code in &codes {
        let page = pages::page(code).unwrap_or_else(|| panic!("{code} has no page"));
        assert!(page.starts_with(&format!("# {code}\n")) && page.contains("**What to do:** "), "{code}");
        assert_eq!(Reason::from_code(code).unwrap().code(), *code);
        assert_eq!(codes.iter().filter(|other| *other == code).count(), 1, "{code} stands twice");
    }
    assert_eq!(pages::PAGES.len(), codes.len());
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/verdict/docs");
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), codes.len());
}

#[test]
fn trust_that_cannot_be_meant_is_not_compiled() {
    let (one, two) = (Signer::ed25519([1; 32]).unwrap(), Signer::ecdsa_p256([2; 32]).unwrap());
    let keys = || vec![pinned("one", &one), pinned("two", &two)];
    assert_eq!(refusal(&tenant(keys())), "compiled");
    let with = |change: &dyn Fn(&mut TenantTrust)| {
        let mut trust = tenant(keys());
        change(&mut trust);
        refusal(&trust)
    };
    assert_eq!(with(&|t| t.keys[1] = PinnedKey { name: "again".into(), ..t.keys[0].clone() }), "trust-key-twice");
    assert_eq!(with(&|t| t.keys[1].name = "one".into()), "trust-name-twice");
    assert_eq!(with(&|t| t.keys[1].algorithm = KeyAlgorithm::Ed25519), "key-algorithm");
    assert_eq!(with(&|t| t.keys[0].algorithm = KeyAlgorithm::Ed25519ph), "compiled");
    assert_eq!(with(&|t| t.keys[0].spki = t.keys[0].spki.replace("PUBLIC", "PRIVATE")), "key-malformed");
    assert_eq!(with(&|t| t.keys[0].valid_until = Some(Millis(1))), "compiled");
    let backwards = |t: &mut TenantTrust| (t.keys[0].valid_from, t.keys[0].valid_until) = (Some(NOW), Some(Millis(1)));
    assert_eq!(with(&backwards), "trust-window");
    assert_eq!(with(&|t| t.threshold = 0), "trust-threshold");
    assert_eq!(with(&|t| t.threshold = 3), "trust-threshold");
    let identity = |issuer: &str, san: Option<&str>, san_regex: Option<&str>| {
        let (san, san_regex) = (san.map(str::to_owned), san_regex.map(str::to_owned));
        with(&|t| {
            t.identities =
                vec![PinnedIdentity { issuer: issuer.into(), san: san.clone(), san_regex: san_regex.clone() }]
        })
    };
    assert_eq!(identity("https://issuer", None, None), "trust-identity");
    assert_eq!(identity("https://issuer", Some("a"), Some("a")), "trust-identity");
    assert_eq!(identity("", Some("a"), None), "trust-identity");
    assert_eq!(identity("https://issuer", None, Some("(")), "trust-pattern");
    assert_eq!(identity("https://issuer", None, Some("a)|(?:b")), "trust-pattern");
    assert_eq!(identity("https://issuer", None, Some(r"https://x/\w+@.*")), "compiled");
}

#[test]
fn keys_that_prove_nothing_are_refused() {
    use attestream::evidence::keys::{ed25519_spki, rsa_spki};
    use attestream::evidence::{Fault, PublicKey, der};
    let edwards = |raw: [u8; 32]| PublicKey::from_spki(&ed25519_spki(&raw), KeyAlgorithm::Ed25519).map(|_| ());
    let mut identity = [0; 32];
    identity[0] = 1;
    assert_eq!(edwards(identity), Err(Fault::KeyWeak), "of order one");
    let mut beyond = [0xff; 32];
    beyond[0] = 0xee;
    beyond[31] = 0x7f;
    assert_eq!(edwards(beyond), Err(Fault::KeyWeak), "p + 1, not canonical");
    let rsa = |bytes: usize, last: u8, exponent: &[u8]| {
        let mut modulus = vec![0xc3; bytes];
        modulus[bytes - 1] = last;
        modulus.insert(0, 0);
        let numbers = [der::wrap(2, &modulus), der::wrap(2, exponent)].concat();
        let spki = rsa_spki(&der::wrap(0x30, &numbers));
        PublicKey::from_spki(&spki, KeyAlgorithm::RsaPkcs1Sha256).map(|_| ())
    };
    assert_eq!(rsa(256, 1, &[1, 0, 1]), Ok(()));
    assert_eq!(rsa(128, 1, &[1, 0, 1]), Err(Fault::KeyWeak), "1024 bits");
    assert_eq!(rsa(1032, 1, &[1, 0, 1]), Err(Fault::KeyWeak), "8256 bits");
    assert_eq!(rsa(256, 2, &[1, 0, 1]), Err(Fault::KeyWeak), "an even modulus");
    assert_eq!(rsa(256, 1, &[1]), Err(Fault::KeyWeak), "an exponent of one");
    assert_eq!(rsa(256, 1, &[0, 3]), Err(Fault::KeyMalformed), "not the shortest form");
    let p256 = Signer::ecdsa_p256([3; 32]).unwrap();
    let mut compressed = p256.public().spki().to_vec();
    compressed[26] = 2;
    assert_eq!(PublicKey::from_spki(&compressed, KeyAlgorithm::EcdsaP256Sha256).map(|_| ()), Err(Fault::KeyMalformed));
    let mut off_curve = p256.public().spki().to_vec();
    off_curve[90] ^= 1;
    assert_eq!(PublicKey::from_spki(&off_curve, KeyAlgorithm::EcdsaP256Sha256).map(|_| ()), Err(Fault::KeyMalformed));
}

#[test]
fn a_hint_of_a_fingerprint_names_the_only_candidate() {
    let (one, two) = (Signer::ed25519([1; 32]).unwrap(), Signer::ecdsa_p256([2; 32]).unwrap());
    let both = tenant(vec![pinned("one", &one), pinned("two", &two)]);
    let envelope = sealed(&two);
    assert_eq!(said(&envelope, &both), "verified", "no hint: every key is tried");
    assert_eq!(said(&bundle(&envelope, "my key", &[]), &both), "verified", "any text: every key is tried");
    assert_eq!(said(&bundle(&envelope, &two.hint(), &[]), &both), "verified");
    assert_eq!(said(&bundle(&envelope, &one.hint(), &[]), &both), "signature-invalid");
    let stranger = Signer::ed25519([9; 32]).unwrap();
    let unknown = judged(&bundle(&envelope, &stranger.hint(), &[]), &both);
    assert_eq!(unknown.reasons, ["key-unknown"]);
    assert_eq!(unknown.rests_on, [RestsOn::Unresolved(Some(stranger.fingerprint())), RestsOn::Rules]);
    let unhinted = judged(&sealed(&stranger), &both);
    assert_eq!(unhinted.rests_on, [RestsOn::Unresolved(None), RestsOn::Rules]);
    assert_eq!(serde_json::to_value(&unhinted.checks).unwrap(), serde_json::to_value(&unknown.checks).unwrap());
}

#[test]
fn one_key_never_counts_twice() {
    let (one, two) = (Signer::ed25519([1; 32]).unwrap(), Signer::ecdsa_p256([2; 32]).unwrap());
    let mut trust = tenant(vec![pinned("one", &one), pinned("two", &two)]);
    trust.threshold = 2;
    let both = |a: &Signer, b: &Signer| {
        let mut envelope = sealed(a);
        let (first, second) = (envelope["signatures"][0].clone(), sealed(b)["signatures"][0].clone());
        envelope["signatures"] = json!([first, second]);
        envelope
    };
    assert_eq!(said(&sealed(&one), &trust), "threshold-not-met");
    assert_eq!(said(&both(&one, &one), &trust), "threshold-not-met");
    assert_eq!(said(&both(&two, &two), &trust), "threshold-not-met", "two ECDSA signatures of one key");
    assert_eq!(said(&both(&one, &two), &trust), "verified");
    assert_eq!(judged(&both(&one, &two), &trust).rests_on.len(), 3);
    let stranger = Signer::ed25519([9; 32]).unwrap();
    let short = judged(&both(&one, &stranger), &trust);
    assert_eq!(short.reasons, ["threshold-not-met"]);
    assert!(short.rests_on.contains(&RestsOn::Unresolved(None)), "another key could turn it");
    trust.keys[1].predicate_types = vec!["https://openvex.dev/ns".into()];
    assert_eq!(said(&both(&one, &two), &trust), "key-predicate-type");
}

#[test]
fn windows_ages_and_clocks() {
    let start = NOW.plus(-1_000_000);
    let mut authority = Authority::new("ci", 1, start).unwrap();
    let root = authority.trust_root();
    let root = TrustRoot::load(&root, Digest::of(&root)).unwrap();
    let trust: TenantTrust = serde_json::from_value(authority.tenant_trust("acme", "proof")).unwrap();
    let mut at = |at: Millis, change: &dyn Fn(&mut TenantTrust)| {
        let mut subject = Subject { name: Some("orders-api".into()), ..Subject::default() };
        subject.digest.sha256 = Some(Digest::of(b"orders-api").hex());
        let predicate = Predicate::Location { predicate_type: SBOM, document: Digest::of(b"bom") };
        let order = Order { subjects: &[subject], predicate, at, logged: true, wrong: None };
        let bytes = authority.attest(&order).unwrap().bytes;
        let mut trust = trust.clone();
        change(&mut trust);
        let trust = CompiledTrust::compile(&trust, Some(root.clone())).unwrap();
        let result = verify(&verdict::parse(&bytes, &[]).unwrap(), &trust, NOW);
        let said =
            if result.status == AttestationStatus::Verified { "verified".into() } else { result.reasons.join(" ") };
        (said, result.not_before)
    };
    let verified = |not_before: Option<Millis>| ("verified".to_owned(), not_before);
    let refused = |code: &str| (code.to_owned(), None);
    assert_eq!(at(start, &|_| {}), verified(None), "windows are closed at both ends");
    assert_eq!(at(start.plus(-1000), &|_| {}), refused("key-not-valid-at-time"));
    assert_eq!(at(NOW, &|t| t.keys[0].valid_until = Some(NOW)), verified(None));
    assert_eq!(at(NOW, &|t| t.keys[0].valid_until = Some(NOW.plus(-1000))), refused("key-not-valid-at-time"));
    let ahead = NOW.plus(600_000);
    assert_eq!(at(ahead, &|_| {}), verified(Some(ahead)), "ten minutes ahead: complete, and waits");
    assert_eq!(at(ahead.plus(1000), &|_| {}), refused("time-in-future"));
    assert_eq!(at(NOW.plus(-60_000), &|t| t.max_age_seconds = Some(60)), verified(None));
    assert_eq!(at(NOW.plus(-61_000), &|t| t.max_age_seconds = Some(60)), refused("too-old"));
    assert_eq!(at(NOW, &|t| t.keys[0].revoked_at = Some(start)), verified(None), "revocation is no matter of verify");
}

#[test]
fn a_trust_root_is_believed_in_nothing() {
    let authority = Authority::new("ci", 1, NOW).unwrap();
    let bytes = authority.trust_root();
    let load =
        |bytes: &[u8]| TrustRoot::load(bytes, Digest::of(bytes)).map_or_else(|reason| reason.code(), |_| "loaded");
    assert_eq!(load(&bytes), "loaded");
    assert_eq!(TrustRoot::load(&bytes, Digest::of(b"")).unwrap_err().code(), "trust-root-digest");
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut root: Value = serde_json::from_slice(&bytes).unwrap();
        change(&mut root);
        load(root.to_string().as_bytes())
    };
    let log = "/tlogs/0";
    assert_eq!(changed(&|r| r["mediaType"] = json!("application/json")), "trust-root-malformed");
    assert_eq!(changed(&|r| r["tlogs"] = json!([r["tlogs"][0], r["tlogs"][0]])), "trust-root-log-id");
    let other = Authority::new("ci", 2, NOW).unwrap().log().id();
    let id = attestream::event::base64::encode(other.as_bytes());
    assert_eq!(changed(&|r| r.pointer_mut(log).unwrap()["logId"]["keyId"] = json!(id)), "trust-root-log-id");
    assert_eq!(changed(&|r| r.pointer_mut(log).unwrap()["publicKey"]["validFor"] = json!({})), "trust-root-malformed");
    let backwards = json!({ "start": "2026-01-02T00:00:00Z", "end": "2026-01-01T00:00:00Z" });
    let window = |r: &mut Value| r.pointer_mut(log).unwrap()["publicKey"]["validFor"] = backwards.clone();
    assert_eq!(changed(&window), "trust-root-malformed");
    assert_eq!(
        changed(&|r| r["timestampAuthorities"] = json!([{ "certChain": { "certificates": [] } }])),
        "trust-root-malformed"
    );
    assert_eq!(load(b"{\"mediaType\":1,\"mediaType\":2}"), "json-duplicate-member");
}

#[test]
fn the_sample_of_a_tenants_trust_compiles() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("config/trust/acme.yaml");
    let trust: TenantTrust = serde_saphyr::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!((trust.log, trust.keys.len(), trust.identities.len()), (LogPolicy::Proof, 2, 2));
    let compiled = CompiledTrust::compile(&trust, None).unwrap();
    assert_eq!(compiled.own_types(), [("https://example.com/sbom-reference/v1", Kind::Sbom)]);
    let release = &compiled.identities[0];
    let github = "https://token.actions.githubusercontent.com";
    let workflow = "https://github.com/acme/orders/.github/workflows/release.yml@refs/tags/v1.0";
    assert!(release.matches(github, workflow));
    assert!(!release.matches("https://issuer.example", workflow));
    assert!(!release.matches(github, &format!("https://evil.example/{workflow}")), "anchored");
    assert!(!release.matches(github, &format!("{workflow}\n")), "to the very end");
}
