//! A small world without cryptography: attestations that say by which key they are signed and whether they are forged,
//! and a verifier that believes them under a tenant's trust exactly as the real one does. What the fold makes of
//! results is tested here thousands of times; that results are right is tested elsewhere.

use attestream::event::{Digest, Kind, Millis, Subject, SubjectDigests, Tenant, Topic, event_id};
use attestream::formats::facts::{FACTS_VERSION, Facts, WrittenFacts};
use attestream::ledger::control::{ControlRecord, FOLD_VERSION, Genesis, LEDGER_FORMAT, system_tenant};
use attestream::ledger::record::{
    Admitted, AdmittedAttestation, AdmittedDocument, AdmittedEvent, Answer, Body, Bytes, ControlCopy, Lane,
    LedgerRecord, Source, VerifyWork,
};
use attestream::verdict::result::{
    AttestationFacts, AttestationResult, AttestationStatus, Check, CheckOutcome, Code, KeyShown, Link, Pair, RestsOn,
    StatementFacts,
};
use attestream::verdict::tenant::{KeyAlgorithm, PinnedKey, SignatureEncoding, TenantTrust};

pub const START: Millis = Millis(1_800_000_000_000);

pub fn tenant() -> Tenant {
    Tenant::new("acme").unwrap()
}

/// A pinned key of the world: its SPKI is a text, which is all that the fold looks at.
pub fn key(number: u8) -> PinnedKey {
    let body = attestream::event::base64::encode(&[number; 40]);
    PinnedKey {
        name: format!("key-{number}"),
        spki: format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n"),
        algorithm: KeyAlgorithm::Ed25519,
        valid_from: None,
        valid_until: None,
        revoked_at: None,
        predicate_types: Vec::new(),
        encoding: SignatureEncoding::Der,
        owner: None,
    }
}

pub fn fingerprint(number: u8) -> Digest {
    Digest::of(&[number; 40])
}

/// Trust in some keys; `revoked` ones are revoked at `START`.
pub fn trust(keys: &[u8], revoked: &[u8], max_age: Option<u64>) -> TenantTrust {
    let pin = |number: &u8| PinnedKey { revoked_at: revoked.contains(number).then_some(START), ..key(*number) };
    TenantTrust { keys: keys.iter().map(pin).collect(), max_age_seconds: max_age, ..TenantTrust::empty(tenant()) }
}

pub fn genesis(trust: TenantTrust) -> ControlRecord {
    ControlRecord::Genesis(Box::new(Genesis {
        ledger: "01TEST".to_owned(),
        partitions: 1,
        format: LEDGER_FORMAT,
        fold_version: FOLD_VERSION,
        epoch: 1,
        verifier: "attestream".to_owned(),
        at: START,
        root: None,
        tenants: vec![trust],
    }))
}

pub fn control(seq: u64, record: ControlRecord) -> LedgerRecord {
    LedgerRecord::new(system_tenant(), Body::Control(Box::new(ControlCopy { seq, record })))
}

/// What an event or an attestation is about.
pub fn subject(number: u8) -> Subject {
    let sha256 = Some(Digest::of(&[b's', number]).hex());
    Subject { digest: SubjectDigests { sha256, ..SubjectDigests::default() }, ..Subject::default() }
}

pub fn document(number: u8) -> Vec<u8> {
    format!("{{\"document\":{number}}}").into_bytes()
}

/// An event of the world.
#[derive(Debug, Clone)]
pub struct Event {
    pub kind: Kind,
    pub document: u8,
    pub subject: Option<u8>,
}

/// An attestation of the world.
#[derive(Debug, Clone)]
pub struct Attestation {
    pub number: u8,
    pub key: u8,
    pub forged: bool,
    pub link: Link,
    pub document: Option<u8>,
    pub subject: u8,
    /// Seconds after `START`; the trusted time and, where it lies ahead of the clock, `notBefore`.
    pub time: Option<i64>,
    pub hinted: bool,
    pub material: Option<u8>,
}

fn inline(bytes: &[u8]) -> Bytes {
    let size = u64::try_from(bytes.len()).unwrap();
    Bytes { digest: Digest::of(bytes), size, inline: Some(bytes.to_vec()), r#ref: None }
}

fn admitted(input: &[u8]) -> Admitted {
    Admitted {
        admitted_at: START,
        lane: Lane::Live,
        request_id: None,
        principal: None,
        source: Source {
            topic: Topic::SbomSubmitted.into(),
            partition: 0,
            offset: 0,
            timestamp: START,
            key: None,
            headers: Vec::new(),
        },
        input: inline(input),
        control: 1,
        outputs: std::collections::BTreeSet::new(),
        event: None,
        attestation: None,
    }
}

impl Event {
    pub fn id(&self) -> String {
        let subject = self.subject.map(subject);
        event_id(&tenant(), self.kind, subject.as_ref(), Digest::of(&document(self.document)))
    }

    pub fn record(&self) -> LedgerRecord {
        let bytes = document(self.document);
        let subject = self.subject.map(subject);
        let mut admitted = admitted(&bytes);
        admitted.event = Some(AdmittedEvent {
            id: self.id(),
            kind: self.kind,
            subject: subject.clone(),
            subjects: subject.into_iter().collect(),
            source_id: None,
            ts: START,
            document: AdmittedDocument {
                media_type: "application/json".to_owned(),
                bytes: Bytes { inline: None, ..inline(&bytes) },
                canonical_digest: Some(Digest::of(&bytes)),
            },
            claimed: None,
            scan: None,
            facts: WrittenFacts::of(&Facts {
                version: FACTS_VERSION,
                format: "test".to_owned(),
                author: None,
                subject: None,
                subjects: Vec::new(),
                ts: None,
                components: Vec::new(),
                statements: Vec::new(),
                findings: Vec::new(),
                scan: None,
            }),
            parts: 0,
        });
        LedgerRecord::new(tenant(), Body::Admitted(Box::new(admitted)))
    }
}

impl Attestation {
    fn bytes(&self) -> Vec<u8> {
        format!("attestation {self:?}").into_bytes()
    }

    pub fn id(&self) -> Digest {
        Digest::of(&self.bytes())
    }

    fn facts(&self) -> AttestationFacts {
        AttestationFacts {
            envelope: Digest::of(&[b'e', self.number]),
            bundle: None,
            payload_type: "application/vnd.in-toto+json".to_owned(),
            statement: Some(StatementFacts {
                statement_type: "https://in-toto.io/Statement/v1".to_owned(),
                predicate_type: "test".to_owned(),
                link: Some(self.link),
                subjects: vec![subject(self.subject)],
                documents: self.document.map(|number| Digest::of(&document(number))).into_iter().collect(),
                materials: self.material.map(|number| Digest::of(&[b's', number])).into_iter().collect(),
            }),
        }
    }

    /// What the verifier says under `trust`.
    pub fn verify(&self, trust: &TenantTrust) -> AttestationResult {
        let pair = Pair { trust: trust.digest(None), epoch: 1 };
        let pinned = trust.keys.iter().find(|pin| pin.fingerprint() == Some(fingerprint(self.key)));
        let Some(pinned) = pinned else {
            let hint = self.hinted.then(|| fingerprint(self.key));
            return result(pair, AttestationStatus::KeyPolicyMismatch, Some("key-unknown"), RestsOn::Unresolved(hint));
        };
        let on = RestsOn::Key(fingerprint(self.key));
        let mut result = if self.forged {
            result(pair, AttestationStatus::Failed, Some("signature-invalid"), on)
        } else {
            result(pair, AttestationStatus::Verified, None, on)
        };
        result.key = Some(KeyShown {
            key_id: fingerprint(self.key).to_string(),
            key_name: Some(pinned.name.clone()),
            issuer: None,
            algo: "ED25519".to_owned(),
            identity: None,
        });
        result.trusted_time = self.time.map(|seconds| START.plus(seconds * 1000));
        result.not_before = result.trusted_time.filter(|time| *time > START && !self.forged);
        result
    }

    pub fn record(&self, trust: &TenantTrust) -> LedgerRecord {
        let bytes = self.bytes();
        let mut admitted = admitted(&bytes);
        let (facts, result) = (self.facts(), self.verify(trust));
        admitted.attestation =
            Some(AdmittedAttestation { facts, result, bytes: Bytes { inline: None, ..inline(&bytes) } });
        LedgerRecord::new(tenant(), Body::Admitted(Box::new(admitted)))
    }

    pub fn answer(&self, work: &VerifyWork, trust: &TenantTrust) -> LedgerRecord {
        assert_eq!(work.evidence.inline.as_deref(), Some(self.bytes().as_slice()), "an ask carries the evidence");
        let result = self.verify(trust);
        assert_eq!(result.pair, work.pair);
        let answer = Answer { admitted_at: START, control: 1, attestation: self.id(), result };
        LedgerRecord::new(tenant(), Body::Answer(Box::new(answer)))
    }
}

fn result(pair: Pair, status: AttestationStatus, code: Option<&str>, on: RestsOn) -> AttestationResult {
    let outcome = if code.is_some() { CheckOutcome::Fail } else { CheckOutcome::Pass };
    AttestationResult {
        pair,
        status,
        reasons: code.map(str::to_owned).into_iter().collect(),
        checks: vec![Check { check: "key".into(), outcome, code: code.map(Code::read) }],
        rests_on: vec![on, RestsOn::Rules],
        trusted_time: None,
        not_before: None,
        witnesses: 0,
        key: None,
        rekor: None,
        claims: std::collections::BTreeMap::new(),
        trust_root: None,
    }
}
