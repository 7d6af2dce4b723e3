//! Where evidence is made for the pairs: keys of every kind, a log of our own, and the trust that all of it fits.

use attestream::event::{Digest, Millis, base64, jcs};
use attestream::evidence::LogEntry;
use attestream::evidence::entry::promise_bytes;
use attestream::signing::log::{Logged, in_bundle};
use attestream::signing::statement::{IN_TOTO, Sealed, bundle};
use attestream::signing::{Authority, Order, Predicate, Signer, TransparencyLog, Wrong};
use attestream::verdict::{self, AttestationStatus, CompiledTrust, TenantTrust, TrustRoot};
use serde_json::{Value, json};

pub const START: Millis = Millis(1_795_000_000_000);
pub const NOW: Millis = Millis(1_795_100_000_000);
/// After the cosign set was made.
pub const LATER: Millis = Millis(1_795_300_000_000);
pub const AT: Millis = Millis(1_795_099_940_000);
pub const SBOM: &str = "https://cyclonedx.org/bom";

/// Where things lie in a bundle.
pub const ENTRY: &str = "/verificationMaterial/tlogEntries/0";
pub const PROOF: &str = "/verificationMaterial/tlogEntries/0/inclusionProof";
pub const NOTE: &str = "/verificationMaterial/tlogEntries/0/inclusionProof/checkpoint/envelope";
pub const SIGNATURE: &str = "/dsseEnvelope/signatures/0";

/// Evidence, and the trust under which it is judged.
#[derive(Clone)]
pub struct Evidence {
    pub bytes: Vec<u8>,
    pub trust: Value,
    pub root: Value,
    /// The clock at admission.
    pub now: Millis,
}

impl Evidence {
    /// Changes the JSON of the evidence.
    pub fn edit(mut self, change: impl FnOnce(&mut Value)) -> Self {
        let mut value: Value = serde_json::from_slice(&self.bytes).unwrap();
        change(&mut value);
        self.bytes = jcs::of_own_value(&value);
        self
    }

    /// Sets one member, which must be there.
    pub fn set(self, pointer: &str, to: Value) -> Self {
        self.edit(|value| *value.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}")) = to)
    }

    /// Takes one member of an object away.
    pub fn without(self, object: &str, member: &str) -> Self {
        self.edit(|value| {
            let object = value.pointer_mut(object).unwrap_or_else(|| panic!("{object}"));
            assert!(object.as_object_mut().unwrap().remove(member).is_some(), "{member}");
        })
    }

    /// Changes the text of the evidence in one place.
    pub fn replace(mut self, from: &str, to: &str) -> Self {
        let text = String::from_utf8(self.bytes).unwrap();
        assert!(text.contains(from), "{from} is not in {text}");
        self.bytes = text.replacen(from, to, 1).into_bytes();
        self
    }

    pub fn trusting(mut self, change: impl FnOnce(&mut Value)) -> Self {
        change(&mut self.trust);
        self
    }

    pub fn rooted(mut self, change: impl FnOnce(&mut Value)) -> Self {
        change(&mut self.root);
        self
    }

    pub fn at(&self, pointer: &str) -> Value {
        let value: Value = serde_json::from_slice(&self.bytes).unwrap();
        value.pointer(pointer).unwrap_or_else(|| panic!("{pointer}")).clone()
    }

    /// `verified`, or every reason; what is wrong with trust is said where it is loaded.
    pub fn said(&self) -> String {
        let root = jcs::of_own_value(&self.root);
        let root = match TrustRoot::load(&root, Digest::of(&root)) {
            Ok(root) => root,
            Err(reason) => return reason.code().to_owned(),
        };
        let trust: TenantTrust = match serde_json::from_value(self.trust.clone()) {
            Ok(trust) => trust,
            Err(error) => return format!("no trust: {error}"),
        };
        let trust = match CompiledTrust::compile(&trust, Some(root)) {
            Ok(trust) => trust,
            Err(error) => return error.reason.code().to_owned(),
        };
        let parsed = match verdict::parse(&self.bytes, &trust.own_types()) {
            Ok(parsed) => parsed,
            Err(reason) => return reason.code().to_owned(),
        };
        let result = verdict::verify(&parsed, &trust, self.now);
        for _ in 0..2 {
            let judged = verdict::judge(&self.bytes, Digest::of(&self.bytes), &trust, self.now).unwrap();
            assert_eq!(judged.result, result, "by memory as by verification");
            assert_eq!(judged.checkpoints, verdict::checkpoints(&parsed, &result));
        }
        match (result.status, result.witnesses) {
            (AttestationStatus::Verified, 0) => "verified".to_owned(),
            (AttestationStatus::Verified, witnesses) => format!("verified, witnesses: {witnesses}"),
            _ => result.reasons.join(" "),
        }
    }
}

fn subject() -> attestream::event::Subject {
    let mut subject = attestream::event::Subject { name: Some("orders-api".into()), ..Default::default() };
    subject.digest.sha256 = Some(Digest::of(b"orders-api").hex());
    subject
}

/// What the authority signs: right, or wrong in one of its own ways.
pub fn by_authority(wrong: Option<Wrong>) -> Evidence {
    let mut authority = Authority::new("ci", 7, START).unwrap();
    let document = json!({ "bomFormat": "CycloneDX", "specVersion": "1.6", "components": [] });
    let predicate = Predicate::Document { predicate_type: SBOM, document: &document };
    let subjects = [subject()];
    let order = |wrong| Order { subjects: &subjects, predicate: predicate.clone(), at: AT, logged: true, wrong };
    // Something else lies in the log, so that there are proofs to be wrong.
    authority.attest(&order(None)).unwrap();
    authority.attest(&order(None)).unwrap();
    let bytes = authority.attest(&order(wrong)).unwrap().bytes;
    let root = serde_json::from_slice(&authority.trust_root()).unwrap();
    Evidence { bytes, trust: authority.tenant_trust("acme", "proof"), root, now: NOW }
}

pub fn right() -> Evidence {
    by_authority(None)
}

/// A payload that is a statement, with these members in place of the usual ones.
pub fn statement(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut value = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{ "name": "orders-api", "digest": { "sha256": Digest::of(b"orders-api").hex() } }],
        "predicateType": SBOM,
        "predicate": { "bomFormat": "CycloneDX", "specVersion": "1.6" },
    });
    change(&mut value);
    jcs::of_own_value(&value)
}

/// A log and a tenant of the test's own, for whatever the authority does not do.
pub struct Workshop {
    pub log: TransparencyLog,
    log_key: [u8; 32],
}

impl Workshop {
    pub fn new() -> Self {
        let log_key = [77; 32];
        let key = Signer::ed25519(log_key).unwrap();
        let mut log = TransparencyLog::new(key, "log.example", 1 << 60);
        for at in 0..4_u8 {
            log.append_leaf(&[at]);
        }
        Workshop { log, log_key }
    }

    pub fn root(&self) -> Value {
        json!({
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [self.log.trusted(START.plus(-86_400_000))],
            "certificateAuthorities": [],
            "ctlogs": [],
            "timestampAuthorities": [],
        })
    }

    /// Logs one signature, as Rekor v1 does.
    pub fn enter(&mut self, payload: &[u8], signature: &[u8], pem: &str) -> LogEntry {
        let logged = Logged { envelope: b"{}", payload, signature, verifier: pem };
        self.log.append(logged, AT).unwrap()
    }

    /// Logs a body of any kind, with promise and proof, as this log's own.
    pub fn enter_body(&mut self, like: &LogEntry, kind: &str, body: Vec<u8>) -> LogEntry {
        let index = self.log.append_leaf(&body);
        let size = self.log.size();
        let mut entry = LogEntry { index, kind: kind.to_owned(), body, ..like.clone() };
        let signer = Signer::ed25519(self.log_key).unwrap();
        entry.promise = Some(signer.sign(&promise_bytes(&entry)).unwrap());
        let proof = entry.proof.as_mut().unwrap();
        (proof.index, proof.size, proof.root) = (index, size, Some(self.log.tree().root_at(size)));
        proof.hashes = self.log.tree().inclusion(index, size);
        proof.checkpoint = Some(self.log.checkpoint(size).unwrap());
        entry
    }

    /// A bundle of a signature over a payload by a key given as SPKI PEM, logged, and the trust in that key.
    pub fn bundle(&mut self, payload: &[u8], signature: &[u8], pem: &str, algorithm: &str) -> Evidence {
        let entry = self.enter(payload, signature, pem);
        self.with_entries(payload, signature, pem, algorithm, &[entry])
    }

    pub fn with_entries(
        &self,
        payload: &[u8],
        signature: &[u8],
        pem: &str,
        algorithm: &str,
        entries: &[LogEntry],
    ) -> Evidence {
        let sealed = Sealed {
            payload_type: IN_TOTO.to_owned(),
            payload: payload.to_vec(),
            keyid: None,
            signature: signature.to_vec(),
        };
        let bytes = jcs::of_own_value(&bundle(&sealed.envelope(), &hint(pem), entries));
        let key = json!({ "name": "key", "spki": pem, "algorithm": algorithm });
        let trust = json!({ "tenant": "acme", "keys": [key], "log": "proof" });
        Evidence { bytes, trust, root: self.root(), now: NOW }
    }
}

/// The hint that names a key: base64 of the SHA-256 of its SPKI.
fn hint(pem: &str) -> String {
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    base64::encode(Digest::of(&base64::decode(&body).unwrap()).as_bytes())
}

/// An entry as a bundle carries it.
pub fn carried(entry: &LogEntry) -> Value {
    in_bundle(entry)
}
