//! Events as they come in: a CycloneDX document of about 4 KiB and a bundle with an attestation that carries it.
//!
//! The same make gives the same keys and documents; ECDSA signatures are others each time.

use attestream::event::{Digest, Millis, Subject, SubjectDigests, Topic, jcs};
use attestream::ledger::control::TrustRootBytes;
use attestream::log::Outgoing;
use attestream::signing::log::Logged;
use attestream::signing::statement::{IN_TOTO, Sealed, bundle, statement};
use attestream::signing::{Signer, TransparencyLog};
use attestream::verdict::tenant::TenantTrust;
use serde_json::{Value, json};

use crate::Outcome;

const YEAR_MS: i64 = 365 * 86_400_000;

/// How evidence is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// A pinned Ed25519 key, no log.
    Ed25519,
    /// A pinned P-256 key, no log.
    P256,
    /// A pinned Ed25519 key, and a log entry with promise and proof under a P-256 key; the tenant demands a proof.
    Ed25519Logged,
    /// A pinned P-256 key, and the same.
    P256Logged,
}

impl Scheme {
    pub const fn name(self) -> &'static str {
        match self {
            Scheme::Ed25519 => "Ed25519",
            Scheme::P256 => "P-256",
            Scheme::Ed25519Logged => "Ed25519, promise and proof",
            Scheme::P256Logged => "P-256, promise and proof",
        }
    }

    pub const fn is_logged(self) -> bool {
        matches!(self, Scheme::Ed25519Logged | Scheme::P256Logged)
    }

    const fn is_ed25519(self) -> bool {
        matches!(self, Scheme::Ed25519 | Scheme::Ed25519Logged)
    }
}

/// What is made.
#[derive(Debug, Clone, Copy)]
pub struct Make {
    pub scheme: Scheme,
    pub tenants: usize,
    pub events: usize,
    /// The number of the first event: two ranges that do not meet have no event in common.
    pub first: u64,
    /// The time at which everything is signed, logged and admitted.
    pub at: Millis,
}

/// One event: what is sent for it.
pub struct Pair {
    pub document: Outgoing,
    pub evidence: Outgoing,
}

/// Inputs and the trust under which every one of them verifies.
pub struct Inputs {
    pub scheme: Scheme,
    pub at: Millis,
    pub tenants: Vec<TenantTrust>,
    pub root: TrustRootBytes,
    pub pairs: Vec<Pair>,
}

/// One tenant's producer.
pub struct Producer {
    pub tenant: String,
    pub signer: Signer,
}

/// Components of a document of about 4 KiB.
const COMPONENTS: u64 = 20;

impl Inputs {
    pub fn make(make: Make) -> Outcome<Self> {
        let Make { scheme, tenants, events, first, at } = make;
        let producers: Vec<Producer> =
            (0..tenants).map(|number| Producer::new(number, scheme)).collect::<Outcome<_>>()?;
        let mut log = TransparencyLog::new(Signer::ecdsa_p256([200; 32])?, "log.example", 1 << 40);
        let root = jcs::of_own_value(&json!({
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [log.trusted(at.plus(-YEAR_MS))],
            "certificateAuthorities": [], "ctlogs": [], "timestampAuthorities": [],
        }));
        let tenants = producers.iter().map(|producer| producer.trust(scheme, at)).collect::<Outcome<_>>()?;
        let pairs = (first..).zip(producers.iter().cycle()).take(events);
        let pairs = pairs.map(|(number, producer)| producer.pair(number, scheme, &mut log, at));
        let pairs = pairs.collect::<Outcome<_>>()?;
        Ok(Inputs { scheme, at, tenants, root: TrustRootBytes::new(String::from_utf8(root)?), pairs })
    }

    pub fn documents(&self) -> impl Iterator<Item = &Outgoing> {
        self.pairs.iter().map(|pair| &pair.document)
    }

    pub fn evidence(&self) -> impl Iterator<Item = &Outgoing> {
        self.pairs.iter().map(|pair| &pair.evidence)
    }
}

impl Producer {
    pub fn new(number: usize, scheme: Scheme) -> Outcome<Self> {
        let seed = *Digest::of(format!("producer {number}").as_bytes()).as_bytes();
        let signer = if scheme.is_ed25519() { Signer::ed25519(seed)? } else { Signer::ecdsa_p256(seed)? };
        Ok(Producer { tenant: format!("tenant-{number}"), signer })
    }

    fn trust(&self, scheme: Scheme, at: Millis) -> Outcome<TenantTrust> {
        let mut key = json!({
            "name": "release", "spki": self.signer.public_pem(), "algorithm": self.signer.public().algorithm(),
        });
        let logged = scheme.is_logged();
        if let (true, Some(key)) = (logged, key.as_object_mut()) {
            key.insert("validFrom".to_owned(), json!(at.plus(-YEAR_MS)));
        }
        let log = if logged { "proof" } else { "none" };
        Ok(serde_json::from_value(json!({ "tenant": self.tenant, "keys": [key], "log": log }))?)
    }

    fn pair(&self, number: u64, scheme: Scheme, log: &mut TransparencyLog, at: Millis) -> Outcome<Pair> {
        let (document, subject) = document(&self.tenant, number, COMPONENTS);
        let payload = statement(&[subject], "https://cyclonedx.org/bom", &document);
        let sealed = Sealed::seal(IN_TOTO, payload, &self.signer)?;
        let envelope = sealed.envelope();
        let mut entries = Vec::new();
        if scheme.is_logged() {
            let (bytes, verifier) = (jcs::of_own_value(&envelope), self.signer.public_pem());
            let (payload, signature) = (sealed.payload.as_slice(), sealed.signature.as_slice());
            entries.push(log.append(Logged { envelope: &bytes, payload, signature, verifier: &verifier }, at)?);
        }
        let evidence = bundle(&envelope, &self.signer.hint(), &entries);
        Ok(Pair {
            document: self.input(Topic::SbomSubmitted, format!("sbom-{number}"), serde_json::to_vec(&document)?),
            evidence: self.input(Topic::AttestationPublished, format!("att-{number}"), jcs::of_own_value(&evidence)),
        })
    }

    pub fn input(&self, topic: Topic, name: String, value: Vec<u8>) -> Outgoing {
        let key = Some(format!("{}/{name}", self.tenant).into_bytes());
        Outgoing { topic, owner: None, partition: None, key, value: Some(value), headers: Vec::new() }
    }
}

/// A document about an image of its own: some 400 bytes, and 180 for each component.
pub fn document(tenant: &str, number: u64, components: u64) -> (Value, Subject) {
    let sha256 = Digest::of(format!("{tenant} image {number}").as_bytes()).hex();
    let component = |at: u64| {
        let (name, version) = (format!("package-{number}-{at}"), format!("{}.{}.{at}", number % 7, number % 11));
        json!({
            "type": "library", "bom-ref": format!("ref-{at}"), "name": name, "version": version,
            "purl": format!("pkg:npm/%40scope/{name}@{version}"),
            "licenses": [{ "license": { "id": "Apache-2.0" } }],
        })
    };
    let document = json!({
        "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
        "metadata": {
            "timestamp": "2026-01-01T00:00:00Z",
            "component": {
                "type": "container", "name": format!("image-{number}"), "version": "1.0",
                "hashes": [{ "alg": "SHA-256", "content": sha256 }],
            },
        },
        "components": (0..components).map(component).collect::<Vec<_>>(),
    });
    let digest = SubjectDigests { sha256: Some(sha256), ..SubjectDigests::default() };
    (document, Subject { digest, name: Some(format!("image-{number}")), ..Subject::default() })
}
