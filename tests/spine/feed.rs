//! Inputs of a stream with late, forged and missing evidence, for several tenants, each with a right authority.

use attestream::event::{Digest, Millis, OwnTopics, Owner, Subject, SubjectDigests, Tenant, Topic};
use attestream::log::Outgoing;
use attestream::signing::Wrong;
use attestream::signing::authority::{Authority, Order, Predicate};
use attestream::verdict::tenant::TenantTrust;
use serde_json::{Value, json};

/// One tenant's producer.
pub struct Producer {
    pub tenant: Tenant,
    pub authority: Authority,
    pub start: Millis,
    /// Whether its evidence is logged.
    logged: bool,
    /// Its own topics, where it has any.
    pub topics: OwnTopics,
    made: u64,
}

/// What one order of events comes to at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    Verified,
    Missing,
    Refused(&'static str),
}

/// A document with its inputs, in the order in which they are sent.
pub struct Made {
    pub inputs: Vec<Outgoing>,
    pub document: Vec<u8>,
    pub expected: Expected,
    /// Digests of the evidence among the inputs, once they are sent.
    pub evidence: Vec<Digest>,
}

impl Made {
    /// The inputs, to be sent: what is kept of them is small.
    pub fn send(&mut self) -> Vec<Outgoing> {
        let values = self.inputs.iter().filter_map(|input| input.value.as_deref());
        let evidence = values.filter(|value| String::from_utf8_lossy(value).contains("dsseEnvelope"));
        self.evidence = evidence.map(Digest::of).collect();
        std::mem::take(&mut self.inputs)
    }
}

impl Producer {
    pub fn new(name: &str, seed: u64, start: Millis) -> Self {
        let authority = Authority::new(name, seed, start).unwrap();
        let topics = OwnTopics::default();
        Producer { tenant: Tenant::new(name).unwrap(), authority, start, logged: false, topics, made: 0 }
    }

    /// A producer whose tenant has topics of its own: all that the producer writes, and some outputs.
    pub fn own(name: &str, seed: u64, start: Millis) -> Self {
        let inputs = [Topic::SbomSubmitted, Topic::AttestationPublished];
        let outputs = [Topic::Enriched, Topic::Verified, Topic::Timeline];
        Producer { topics: OwnTopics::new(inputs, outputs).unwrap(), ..Producer::new(name, seed, start) }
    }

    /// The registry entry that trusts this producer, without any transparency log.
    pub fn trust(&self) -> TenantTrust {
        let entry = self.authority.tenant_trust(self.tenant.as_str(), "none");
        TenantTrust { topics: self.topics.clone(), ..serde_json::from_value(entry).unwrap() }
    }

    /// The same without its key.
    pub fn no_trust(&self) -> TenantTrust {
        TenantTrust { keys: Vec::new(), ..self.trust() }
    }

    /// The same, with evidence that stands in its log.
    pub fn logging(self) -> Self {
        Producer { logged: true, ..self }
    }

    /// The same for another tenant: one authority, one key, one log.
    pub fn serving(self, tenant: &str) -> Self {
        Producer { tenant: Tenant::new(tenant).unwrap(), ..self }
    }

    fn input(&self, topic: Topic, name: &str, value: Vec<u8>) -> Outgoing {
        let key = format!("{}/{name}", self.tenant).into_bytes();
        let owner = self.topics.contains(topic).then(|| Owner::of(&self.tenant));
        Outgoing { topic, owner, partition: None, key: Some(key), value: Some(value), headers: Vec::new() }
    }

    /// The next document, and its evidence: before it, after it, wrong, missing, or the document inside the evidence.
    pub fn next(&mut self) -> Made {
        self.made += 1;
        let number = self.made;
        match number % 10 {
            0 => self.make(number, None, false),
            1 => self.make(number, Some(Wrong::BadSignature), false),
            2 => self.make(number, Some(Wrong::WrongKey), true),
            3 => self.make(number, Some(Wrong::WrongDocument), false),
            4 => self.alone(number),
            5 => self.inside(number),
            _ => self.make(number, None, number.is_multiple_of(2)),
        }
    }

    fn document(&self, number: u64) -> (Value, Subject) {
        let sha256 = Digest::of(format!("{} image {number}", self.tenant).as_bytes()).hex();
        let document = json!({
            "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
            "metadata": { "component": {
                "type": "container", "name": format!("image-{number}"), "version": "1.0",
                "hashes": [{ "alg": "SHA-256", "content": sha256 }],
            }},
            "components": [{ "type": "library", "name": "left-pad", "version": "1.3.0", "purl": "pkg:npm/left-pad@1.3.0" }],
        });
        let digest = SubjectDigests { sha256: Some(sha256), ..SubjectDigests::default() };
        (document, Subject { digest, name: Some(format!("image-{number}")), ..Subject::default() })
    }

    fn attest(&mut self, subject: &Subject, document: &Value, wrong: Option<Wrong>) -> Vec<u8> {
        let order = Order {
            subjects: std::slice::from_ref(subject),
            predicate: Predicate::Document { predicate_type: "https://cyclonedx.org/bom", document },
            at: self.start,
            logged: self.logged,
            wrong,
        };
        self.authority.attest(&order).unwrap().bytes
    }

    fn make(&mut self, number: u64, wrong: Option<Wrong>, evidence_first: bool) -> Made {
        let (document, subject) = self.document(number);
        let evidence = self.attest(&subject, &document, wrong);
        let bytes = serde_json::to_vec_pretty(&document).unwrap();
        let mut inputs = vec![
            self.input(Topic::SbomSubmitted, &format!("sbom-{number}"), bytes.clone()),
            self.input(Topic::AttestationPublished, &format!("att-{number}"), evidence),
        ];
        if evidence_first {
            inputs.reverse();
        }
        if number % 20 == 10 {
            inputs.extend(inputs.clone());
        }
        let expected = wrong.map_or(Expected::Verified, |wrong| Expected::Refused(wrong.expected()));
        Made { inputs, document: bytes, expected, evidence: Vec::new() }
    }

    /// A document of at least so many bytes, and evidence that holds it whole. Numbers are the caller's, and its own.
    pub fn large(&mut self, number: u64, bytes: usize) -> Made {
        let (mut document, subject) = self.document(number);
        let component = |n: usize| {
            let (name, version) = (format!("component-{n}"), format!("{number}.{n}.0"));
            let purl = format!("pkg:npm/component-{n}@{version}");
            json!({ "type": "library", "name": name, "version": version, "purl": purl, "description": "d".repeat(900) })
        };
        document["components"] = (0..bytes.div_ceil(1_000)).map(component).collect();
        let evidence = self.attest(&subject, &document, None);
        let bytes = serde_json::to_vec(&document).unwrap();
        let inputs = vec![
            self.input(Topic::SbomSubmitted, &format!("sbom-{number}"), bytes.clone()),
            self.input(Topic::AttestationPublished, &format!("att-{number}"), evidence),
        ];
        Made { inputs, document: bytes, expected: Expected::Verified, evidence: Vec::new() }
    }

    fn alone(&mut self, number: u64) -> Made {
        let (document, _) = self.document(number);
        let document = serde_json::to_vec(&document).unwrap();
        let inputs = vec![self.input(Topic::SbomSubmitted, "alone", document.clone())];
        Made { inputs, document, expected: Expected::Missing, evidence: Vec::new() }
    }

    fn inside(&mut self, number: u64) -> Made {
        let (document, subject) = self.document(number);
        let evidence = self.attest(&subject, &document, None);
        let inputs = vec![self.input(Topic::SbomSubmitted, "inside", evidence)];
        // The document is the predicate's span: the authority writes canonical JSON.
        let document = attestream::event::jcs::of_own_value(&document);
        Made { inputs, document, expected: Expected::Verified, evidence: Vec::new() }
    }

    /// Inputs that no partition may stop at.
    pub fn garbage(&self) -> Vec<Outgoing> {
        let of = |topic, key: &[u8], value: &[u8]| Outgoing {
            topic,
            owner: None,
            partition: None,
            key: Some(key.to_vec()),
            value: Some(value.to_vec()),
            headers: vec![("trace".to_owned(), Some(vec![0, 255]))],
        };
        vec![
            of(Topic::SbomSubmitted, format!("{}/x", self.tenant).as_bytes(), b"{\"bomFormat\":"),
            of(Topic::VexSubmitted, b"nobody/x", b"{\"@context\":\"https://openvex.dev/ns/v0.2.0\"}"),
            of(Topic::AttestationPublished, format!("{}/x", self.tenant).as_bytes(), b"\xff\xfe"),
            of(Topic::CallgraphCaptured, format!("{}/x", self.tenant).as_bytes(), b"{}"),
        ]
    }
}
