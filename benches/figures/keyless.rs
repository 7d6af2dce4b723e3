//! The verifier alone on keyless evidence, beside the bare `sigstore-verify` on the same bundles under the same root.
//!
//! Twice, as both are fair questions. *Real*: one published bundle of each kind, and nothing of it is remembered; either side has
//! read the trust root before. *Distinct*: many bundles of an authority of ours, none like another, each seen once; what
//! repeats between them (the authority's chain, the time stamper's) is remembered, as in a verifier that runs.

use attestream::event::{Digest, Kind, Millis, Subject, SubjectDigests, Tenant, base64, jcs};
use attestream::evidence::{LogEntry, pem};
use attestream::signing::keyless::Signed;
use attestream::signing::log::{Logged, in_bundle};
use attestream::signing::{KeylessAuthority, KeylessOrder, Predicate, Signer, TransparencyLog};
use attestream::verdict::tenant::{LogPolicy, PinnedIdentity, PredicateType};
use attestream::verdict::{self, CompiledTrust, TenantTrust, TrustRoot};
use serde_json::{Value, json};
use sigstore_trust_root::TrustedRoot;
use sigstore_types::{ArtifactDigest, Bundle};
use sigstore_verify::{VerificationPolicy, Verifier};

use crate::Outcome;
use crate::forget;
use crate::report::{Report, Unit};
use crate::spent::measure as spent;
use crate::verifier::{Case, ours, subject_of, theirs, verify};

/// How keyless evidence is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generation {
    /// A log entry with promise and proof; the promise is the time.
    V1,
    /// A log entry with a proof alone; a time stamp (RFC 3161) is the time.
    V2,
}

impl Generation {
    pub const ALL: [Generation; 2] = [Generation::V1, Generation::V2];

    pub const fn real(self) -> &'static str {
        match self {
            Generation::V1 => "keyless, Rekor v1, real, nothing remembered",
            Generation::V2 => "keyless, Rekor v2 and time stamp, real, nothing remembered",
        }
    }

    pub const fn distinct(self) -> &'static str {
        match self {
            Generation::V1 => "keyless, Rekor v1, distinct",
            Generation::V2 => "keyless, Rekor v2 and time stamp, distinct",
        }
    }
}

/// Bundles and the root under which all of them verify.
pub struct Bundles {
    pub generation: Generation,
    pub root: String,
    pub bundles: Vec<String>,
}

const JS: &str = include_str!("../../tests/vectors/sigstore/js/bundleV03-dsse.sigstore");
const PUBLIC: &str = include_str!("../../tests/vectors/sigstore/trusted_root.json");
const COSIGN: &str = include_str!("../../tests/vectors/cosign/keyless/ci.rekor2-tsa.slsa-v1.sigstore.json");
const LOCAL: &str = include_str!("../../tests/vectors/cosign/config/trusted-root-local.json");

impl Bundles {
    /// One published bundle.
    pub fn real(generation: Generation) -> Self {
        let (bundle, root) = match generation {
            Generation::V1 => (JS, PUBLIC),
            Generation::V2 => (COSIGN, LOCAL),
        };
        Bundles { generation, root: root.to_owned(), bundles: vec![bundle.to_owned()] }
    }

    /// So many bundles, each by a signer and about an image of its own.
    pub fn distinct(generation: Generation, count: usize, at: Millis) -> Outcome<Self> {
        let mut producer = Producer::new(generation, at)?;
        let mut root: Value = serde_json::from_slice(&producer.authority.trust_root(true))?;
        put(&mut root, "", "tlogs", json!([producer.log.trusted(at.plus(-YEAR_MS))]))?;
        let bundles = (0..count).map(|number| producer.bundle(number)).collect::<Outcome<_>>()?;
        Ok(Bundles { generation, root: serde_json::to_string(&root)?, bundles })
    }
}

const YEAR_MS: i64 = 365 * 86_400_000;
const HOUR_MS: i64 = 3_600_000;

/// Who signs by certificates, and the log that takes it in.
struct Producer {
    generation: Generation,
    authority: KeylessAuthority,
    log: TransparencyLog,
    at: Millis,
}

impl Producer {
    /// The log signs as logs of its generation do: by P-256, then by Ed25519.
    fn new(generation: Generation, at: Millis) -> Outcome<Self> {
        let authority = KeylessAuthority::new("figures", 7, at.plus(-24 * HOUR_MS))?;
        let key = match generation {
            Generation::V1 => Signer::ecdsa_p256([201; 32])?,
            Generation::V2 => Signer::ed25519([202; 32])?,
        };
        Ok(Producer {
            generation,
            authority,
            log: TransparencyLog::new(key, "log.example", 1 << 41),
            at: at.plus(-HOUR_MS),
        })
    }

    fn bundle(&mut self, number: usize) -> Outcome<String> {
        let at = self.at;
        let sha256 = Some(Digest::of(format!("keyless image {number}").as_bytes()).hex());
        let digest = SubjectDigests { sha256, ..SubjectDigests::default() };
        let subjects = [Subject { digest, name: Some(format!("image-{number}")), ..Subject::default() }];
        let uri = format!("https://ci.example/project-{number}/build");
        let build = json!({
            "buildDefinition": { "buildType": "https://ci.example/build", "externalParameters": { "number": number } },
            "runDetails": { "builder": { "id": uri } },
        });
        let order = KeylessOrder {
            subjects: &subjects,
            predicate: Predicate::Other { predicate_type: "https://slsa.dev/provenance/v1", predicate: &build },
            signed: Signed { issuer: "https://ci.example", uri: &uri, at },
            logged: None,
            stamped: (self.generation == Generation::V2).then_some(at),
            wrong: None,
        };
        let mut bundle: Value = serde_json::from_slice(&self.authority.attest(&order)?.bytes)?;
        let entry = self.enter(&bundle)?;
        put(&mut bundle, "/verificationMaterial", "tlogEntries", json!([in_bundle(&entry)]))?;
        Ok(serde_json::to_string(&bundle)?)
    }

    fn enter(&mut self, bundle: &Value) -> Outcome<LogEntry> {
        let text = |pointer: &str| bundle.pointer(pointer).and_then(Value::as_str).ok_or("the bundle has it");
        let decoded =
            |pointer: &str| Ok::<_, Box<dyn std::error::Error + Send + Sync>>(base64::decode(text(pointer)?)?);
        let envelope = jcs::of_own_value(bundle.pointer("/dsseEnvelope").ok_or("an envelope")?);
        let (payload, signature) = (decoded("/dsseEnvelope/payload")?, decoded("/dsseEnvelope/signatures/0/sig")?);
        let verifier = pem::encode(&decoded("/verificationMaterial/certificate/rawBytes")?, "CERTIFICATE");
        let logged = Logged { envelope: &envelope, payload: &payload, signature: &signature, verifier: &verifier };
        let mut entry = self.log.append(logged, self.at)?;
        if self.generation == Generation::V2 {
            // Logs of the second generation promise nothing and give no time.
            (entry.promise, entry.integrated_time) = (None, None);
        }
        Ok(entry)
    }
}

fn put(value: &mut Value, pointer: &str, name: &str, member: Value) -> Outcome<()> {
    let object = value.pointer_mut(pointer).and_then(Value::as_object_mut).ok_or("an object")?;
    object.insert(name.to_owned(), member);
    Ok(())
}

/// All four, each beside the peer.
pub fn measure(report: &mut Report, distinct: &[Bundles], times: usize) -> Outcome<()> {
    for generation in Generation::ALL {
        let real = Bundles::real(generation);
        let times = times.div_ceil(4);
        one(report, generation.real(), &real, times, forget::everything)?;
    }
    for bundles in distinct {
        let trust = bundles.trust()?;
        forget::everything();
        // The last one only teaches the authority's chain; it is not among those that are measured.
        let (last, _) = bundles.bundles.split_last().ok_or("at least one bundle")?;
        ours(&Case { bytes: last.as_bytes(), trust: &trust }, crate::whole::now())?;
        one(report, bundles.generation.distinct(), bundles, bundles.bundles.len() - 1, || {})?;
    }
    Ok(())
}

/// `times` bundles in turn; `before` each of ours.
fn one(report: &mut Report, name: &str, bundles: &Bundles, times: usize, before: fn()) -> Outcome<()> {
    let (now, trust) = (crate::whole::now(), bundles.trust()?);
    let each = || bundles.bundles.iter().cycle().take(times);
    let verify_all = |before: fn()| {
        each().try_for_each(|bundle| {
            before();
            ours(&Case { bytes: bundle.as_bytes(), trust: &trust }, now)
        })
    };
    let (_, took) = spent(|| verify_all(before))?;
    report.add(&verify(name), Unit::Record, times, took);
    let (_, took) = spent(|| verify_all(|| {}))?;
    report.add(&verify(&format!("again, {name}")), Unit::Record, times, took);
    let peer = Verifier::new(&TrustedRoot::from_json(&bundles.root)?)?;
    let artifacts = bundles.bundles.iter().map(|bundle| subject_of(bundle.as_bytes()));
    let artifacts: Vec<ArtifactDigest> = artifacts.collect::<Outcome<_>>()?;
    let policy = VerificationPolicy::any_identity();
    let (_, took) = spent(|| {
        each().zip(artifacts.iter().cycle()).try_for_each(|(bundle, artifact)| {
            peer.verify(artifact.clone(), &Bundle::from_json(bundle)?, &policy)?;
            Ok(())
        })
    })?;
    report.add(&theirs(name), Unit::Record, times, took);
    Ok(())
}

impl Bundles {
    /// Trust in whoever signed them.
    pub fn trust(&self) -> Outcome<CompiledTrust> {
        let first = self.bundles.first().ok_or("at least one bundle")?;
        let stated = verdict::parse(first.as_bytes(), &[])?.statement?;
        let mut trust = TenantTrust::empty(Tenant::new("acme")?);
        trust.log = LogPolicy::Proof;
        trust.predicate_types = vec![PredicateType { predicate_type: stated.predicate_type, kind: Kind::Ingest }];
        let any =
            |issuer: &str| PinnedIdentity { issuer: issuer.to_owned(), san: None, san_regex: Some(".+".to_owned()) };
        let issuers = ["https://github.com/login/oauth", "http://127.0.0.1:8888/ci", "https://ci.example"];
        trust.identities = issuers.map(any).to_vec();
        let root = TrustRoot::load(self.root.as_bytes(), Digest::of(self.root.as_bytes()))?;
        Ok(CompiledTrust::compile(&trust, Some(root))?)
    }
}
