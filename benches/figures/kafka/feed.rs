//! Small inputs: CycloneDX documents of about 1 KiB, and attestations of about 2 KiB that carry them.

use std::fmt::Write as _;

use attestream::admission::{Admission, Fate, Input, TrustTable};
use attestream::cas::MemoryObjects;
use attestream::event::{Digest, Millis, Subject, SubjectDigests, Tenant, Topic, jcs};
use attestream::ledger::LedgerRecord;
use attestream::ledger::control::ControlRecord;
use attestream::signing::Signer;
use attestream::signing::statement::{IN_TOTO, Sealed, bundle, statement};
use attestream::verdict::TenantTrust;
use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};
use serde_json::json;

use super::peer::Peer;
use super::producer::{Plain, Sending};
use super::site::{Site, genesis};
use crate::Outcome;

const COMPONENTS: usize = 4;

/// The document of pair `n`, or the attestation about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    Document(usize),
    Attestation(usize),
}

/// One input as it is sent.
pub struct Made {
    pub what: What,
    pub topic: Topic,
    pub tenant: Tenant,
    /// Of the image that both are about: what the peer joins by.
    pub digest: String,
    pub key: Vec<u8>,
    pub value: Vec<u8>,
}

/// Makes inputs by number, so that none has to be kept. Signatures of P-256 are made with randomness: the same number twice
/// is another attestation.
pub struct Feed {
    pub at: Millis,
    pub trust: Vec<TenantTrust>,
    producers: Vec<(Tenant, Signer)>,
    table: TrustTable,
    objects: MemoryObjects,
}

impl Feed {
    pub fn new(tenants: usize, at: Millis) -> Outcome<Self> {
        let (mut producers, mut trust) = (Vec::new(), Vec::new());
        for number in 0..tenants {
            let (tenant, seed) = (Tenant::new(&format!("tenant-{number}"))?, [u8::try_from(number + 1)?; 32]);
            let signer = Signer::ecdsa_p256(seed)?;
            let key = json!({
                "name": "release", "spki": signer.public_pem(), "algorithm": signer.public().algorithm(),
            });
            trust.push(serde_json::from_value(json!({ "tenant": tenant, "keys": [key], "log": "none" }))?);
            producers.push((tenant, signer));
        }
        let (table, objects) = (TrustTable::default(), MemoryObjects::default());
        let mut feed = Feed { at, trust, producers, table, objects };
        // The number of partitions is of no interest to admission.
        let born = ControlRecord::Genesis(Box::new(genesis(&feed, 1)));
        feed.table.apply(&born);
        Ok(feed)
    }

    fn producer(&self, number: usize) -> Outcome<&(Tenant, Signer)> {
        Ok(self.producers.get(number % self.producers.len().max(1)).ok_or("a tenant")?)
    }

    /// The tenant's number.
    pub fn trust_of(&self, number: usize) -> Outcome<&TenantTrust> {
        Ok(self.trust.get(number % self.trust.len().max(1)).ok_or("a tenant")?)
    }

    pub fn make(&self, what: What) -> Outcome<Made> {
        let (What::Document(number) | What::Attestation(number)) = what;
        let (tenant, signer) = self.producer(number)?;
        let digest = Digest::of(format!("{tenant} image {number}").as_bytes()).hex();
        let document = document(number, &digest);
        let (topic, key, value) = match what {
            What::Document(_) => (Topic::SbomSubmitted, format!("{tenant}/sbom-{number}"), document.into_bytes()),
            What::Attestation(_) => {
                let subject = subject(number, &digest);
                let predicate = serde_json::from_str(&document)?;
                let payload = statement(&[subject], "https://cyclonedx.org/bom", &predicate);
                let envelope = Sealed::seal(IN_TOTO, payload, signer)?.envelope();
                let value = jcs::of_own_value(&bundle(&envelope, &signer.hint(), &[]));
                (Topic::AttestationPublished, format!("{tenant}/att-{number}"), value)
            }
        };
        Ok(Made { what, topic, tenant: tenant.clone(), digest, key: key.into_bytes(), value })
    }

    /// Many at once, on all cores.
    pub fn make_all(&self, what: &[What]) -> Outcome<Vec<Made>> {
        what.par_iter().map(|what| self.make(*what)).collect()
    }

    /// The ledger record that admission makes of an input.
    pub fn admit(&self, made: &Made) -> Outcome<LedgerRecord> {
        let (What::Document(number) | What::Attestation(number)) = made.what;
        let admission = Admission { table: &self.table, objects: &self.objects, now: self.at };
        let input = Input {
            topic: made.topic,
            owner: None,
            partition: 0,
            offset: u64::try_from(number)?,
            timestamp: self.at,
            key: Some(&made.key),
            value: Some(&made.value),
            headers: &[],
        };
        match admission.admit(&input)?.fate {
            Fate::Admitted { mut records, .. } => Ok(records.pop().ok_or("an input has a ledger record")?.record),
            Fate::DeadLetter(letter) => Err(format!("refused as {}", letter.code).into()),
        }
    }
}

/// Sends inputs to a deployment's own topics.
pub fn publish(plain: &Plain, site: &Site, inputs: &[Made]) -> Outcome<()> {
    let topics = [Topic::SbomSubmitted, Topic::AttestationPublished].map(|topic| (topic, site.name(topic)));
    for input in inputs {
        let (_, topic) = topics.iter().find(|(topic, _)| *topic == input.topic).ok_or("a topic of inputs")?;
        plain.send(&Sending { topic, partition: None, key: &input.key, value: &input.value, timestamp: None })?;
    }
    plain.flush()
}

/// Sends inputs to the peer's topics, by what it joins.
pub fn publish_to_peer(peer: &Peer, inputs: &[Made]) -> Outcome<()> {
    let plain = Plain::open(&peer.brokers, 0)?;
    for input in inputs {
        let topic = if input.topic == Topic::SbomSubmitted { &peer.events } else { &peer.attestations };
        let key = input.digest.as_bytes();
        plain.send(&Sending { topic, partition: None, key, value: &input.value, timestamp: None })?;
    }
    plain.flush()
}

/// Documents and attestations of the pairs from `first` on, in one shuffled order: half of the attestations come before
/// their documents.
pub fn shuffled(first: usize, pairs: usize) -> Vec<What> {
    let pairs = first..first + pairs;
    let mut all: Vec<What> = pairs.flat_map(|number| [What::Document(number), What::Attestation(number)]).collect();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64 ^ u64::try_from(first).unwrap_or_default();
    for at in (1..all.len()).rev() {
        // xorshift64: any order will do, and the same each time.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let other = usize::try_from(random % (u64::try_from(at).unwrap_or_default() + 1)).unwrap_or_default();
        all.swap(at, other);
    }
    all
}

pub fn subject(number: usize, sha256: &str) -> Subject {
    let digest = SubjectDigests { sha256: Some(sha256.to_owned()), ..SubjectDigests::default() };
    Subject { digest, name: Some(format!("image-{number}")), ..Subject::default() }
}

/// A document about an image of its own.
pub fn document(number: usize, sha256: &str) -> String {
    let mut text = format!(
        r#"{{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"metadata":{{"timestamp":"2026-01-01T00:00:00Z","component":{{"type":"container","name":"image-{number}","version":"1.0","hashes":[{{"alg":"SHA-256","content":"{sha256}"}}]}}}},"components":["#
    );
    for at in 0..COMPONENTS {
        let comma = if at == 0 { "" } else { "," };
        let (name, version) = (format!("package-{number}-{at}"), format!("{}.{}.{at}", number % 7, number % 11));
        // Writing to a string does not fail.
        let _ = write!(
            text,
            r#"{comma}{{"type":"library","bom-ref":"ref-{at}","name":"{name}","version":"{version}","purl":"pkg:npm/%40scope/{name}@{version}","licenses":[{{"license":{{"id":"Apache-2.0"}}}}]}}"#
        );
    }
    text.push_str("]}");
    text
}
