//! What the fold and admission really publish, checked record by record.

use std::collections::BTreeMap;

use attestream::admission::{Admission, Fate, Input, TrustTable};
use attestream::cas::MemoryObjects;
use attestream::event::{Digest, Kind, Millis, Tenant, Topic, event_id, limits, partition_of};
use attestream::ledger::control::{ControlRecord, Genesis, system_tenant};
use attestream::ledger::record::{
    Admitted, AdmittedAttestation, AdmittedDocument, AdmittedEvent, Answer, Body, Bytes, ControlCopy, Lane,
    LedgerRecord, Source,
};
use attestream::ledger::state::{MemoryState, State, StatePosition};
use attestream::ledger::{Folding, Publication};
use attestream::log::{Header, Partition, Record};
use attestream::verdict::TenantTrust;
use attestream::verdict::tenant::PinnedKey;
use attestream::verdict::{
    AttestationFacts, AttestationResult, AttestationStatus, Check, CheckOutcome, Link, Pair, RestsOn, StatementFacts,
};

use super::samples::{facts, result, tenant, trust};
use super::validate_record;

const DOCUMENT: &[u8] = br#"{"bomFormat":"CycloneDX","specVersion":"1.6"}"#;
const NOON: Millis = Millis(1_762_862_400_000);

/// One partition that is every tenant's ledger.
struct Ledger {
    state: MemoryState,
    records: u64,
    published: BTreeMap<Topic, Vec<Record>>,
}

impl Ledger {
    /// Folds one record; everything that it publishes is as its schema says.
    fn fold(&mut self, tenant: Tenant, body: Body) {
        let record = LedgerRecord::new(tenant.clone(), body);
        self.check(Topic::Ledger, tenant.as_str().as_bytes().to_vec(), record.to_bytes(), Vec::new());
        let mut folding = Folding::begin(&self.state, 0, self.records).unwrap();
        let step = folding.fold(&record).unwrap();
        self.records += 1;
        let position = StatePosition {
            ledger: folding.ledger().to_owned(),
            partition: 0,
            seq: self.records,
            next_offset: self.records,
            last_offset: self.records - 1,
            last_digest: Digest::of(&record.to_bytes()),
        };
        let memo = folding.finish().unwrap();
        self.state.remember(memo, &position).unwrap();
        for Publication { topic, key, value, headers, .. } in step.publish {
            let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), Some(value.into_bytes())));
            self.check(topic, key, value, headers.collect());
        }
    }

    fn check(&mut self, topic: Topic, key: Vec<u8>, value: Vec<u8>, headers: Vec<Header>) {
        let (partition, key, value) = (Partition::of(topic, 0), Some(key), Some(value));
        let record = Record { partition, offset: 0, timestamp: NOON, key, value, headers };
        validate_record(&record).unwrap();
        self.published.entry(topic).or_default().push(record);
    }

    fn control(&mut self, seq: u64, record: ControlRecord) {
        self.fold(system_tenant(), Body::Control(Box::new(ControlCopy { seq, record })));
    }

    fn count(&self, topic: Topic) -> usize {
        self.published.get(&topic).map_or(0, Vec::len)
    }
}

fn genesis() -> Genesis {
    Genesis { partitions: 1, tenants: vec![trust()], ..super::samples::genesis() }
}

fn pair_of(trust: &TenantTrust) -> Pair {
    Pair { trust: trust.digest(genesis().root.map(|root| root.digest)), epoch: 1 }
}

fn bytes(inline: &[u8]) -> Bytes {
    let size = inline.len() as u64;
    Bytes { digest: Digest::of(inline), size, inline: Some(inline.to_vec()), r#ref: None }
}

fn admitted(input: &[u8]) -> Admitted {
    let (topic, timestamp) = (Topic::SbomSubmitted.into(), NOON);
    Admitted {
        admitted_at: NOON,
        lane: Lane::Live,
        request_id: None,
        principal: None,
        source: Source { topic, partition: 0, offset: 0, timestamp, key: None, headers: Vec::new() },
        input: bytes(input),
        control: 1,
        outputs: std::collections::BTreeSet::new(),
        event: None,
        attestation: None,
    }
}

fn event() -> Body {
    let own = Bytes { inline: None, ..bytes(DOCUMENT) };
    let event = AdmittedEvent {
        id: event_id(&tenant(), Kind::Sbom, None, Digest::of(DOCUMENT)),
        kind: Kind::Sbom,
        subject: None,
        subjects: Vec::new(),
        source_id: None,
        ts: NOON,
        document: AdmittedDocument {
            media_type: "application/vnd.cyclonedx+json".to_owned(),
            bytes: own,
            canonical_digest: Some(Digest::of(DOCUMENT)),
        },
        claimed: None,
        scan: None,
        facts: facts(),
        parts: 0,
    };
    Body::Admitted(Box::new(Admitted { event: Some(event), ..admitted(DOCUMENT) }))
}

fn attestation(name: &str, result: AttestationResult) -> Body {
    let facts = AttestationFacts {
        envelope: Digest::of(name.as_bytes()),
        bundle: None,
        payload_type: "application/vnd.in-toto+json".to_owned(),
        statement: Some(StatementFacts {
            statement_type: "https://in-toto.io/Statement/v1".to_owned(),
            predicate_type: "https://cyclonedx.org/bom".to_owned(),
            link: Some(Link::Sbom),
            subjects: vec![super::samples::subject()],
            documents: vec![Digest::of(DOCUMENT)],
            materials: Vec::new(),
        }),
    };
    let evidence = AdmittedAttestation { facts, result, bytes: Bytes { inline: None, ..bytes(name.as_bytes()) } };
    Body::Admitted(Box::new(Admitted { attestation: Some(evidence), ..admitted(name.as_bytes()) }))
}

/// Verified under the first trust, by its key.
fn good() -> AttestationResult {
    let key = RestsOn::Key(trust().keys[0].fingerprint().unwrap());
    AttestationResult { pair: pair_of(&trust()), rests_on: vec![key, RestsOn::Rules], not_before: None, ..result() }
}

fn unknown(trust: &TenantTrust) -> AttestationResult {
    let failed = Check { check: "key".into(), outcome: CheckOutcome::Fail, code: Some("key-unknown".into()) };
    AttestationResult {
        pair: pair_of(trust),
        status: AttestationStatus::KeyPolicyMismatch,
        reasons: vec!["key-unknown".to_owned()],
        checks: vec![failed],
        rests_on: vec![RestsOn::Unresolved(None), RestsOn::Rules],
        trusted_time: None,
        not_before: None,
        witnesses: 0,
        key: None,
        rekor: None,
        claims: std::collections::BTreeMap::new(),
        trust_root: None,
    }
}

#[test]
fn an_event_through_its_life_is_as_its_schemas_say() {
    let mut ledger = Ledger { state: MemoryState::default(), records: 0, published: BTreeMap::new() };
    ledger.control(0, ControlRecord::Genesis(Box::new(genesis())));
    ledger.fold(tenant(), event());
    assert_eq!((ledger.count(Topic::Enriched), ledger.count(Topic::Verified)), (1, 0), "missing, and held");

    ledger.fold(tenant(), attestation("of a stranger", unknown(&trust())));
    assert_eq!((ledger.count(Topic::Quarantined), ledger.count(Topic::Decisions)), (1, 1), "a stranger's word");

    ledger.fold(tenant(), attestation("good", good()));
    assert_eq!((ledger.count(Topic::Verified), ledger.count(Topic::Decisions)), (1, 2), "verified");

    let mut revoked = trust();
    revoked.keys.clear();
    ledger.control(1, ControlRecord::Tenant(Box::new(revoked)));
    assert_eq!((ledger.count(Topic::Verified), ledger.count(Topic::Quarantined)), (2, 2), "the key is gone");

    let mut more = trust();
    more.keys.push(PinnedKey { name: "new".to_owned(), spki: pem(b"another key"), ..more.keys[0].clone() });
    ledger.control(2, ControlRecord::Tenant(Box::new(more.clone())));
    assert_eq!(ledger.count(Topic::Verified), 3, "and back, with another");
    assert!(ledger.count(Topic::Work) > 0, "the stranger is looked at again");
    ledger.control(3, ControlRecord::Tick { at: NOON.plus(60_000) });

    let result = AttestationResult { pair: pair_of(&more), ..good() };
    let answer = Answer { admitted_at: NOON, control: 3, attestation: Digest::of(b"of a stranger"), result };
    ledger.fold(tenant(), Body::Answer(Box::new(answer)));
    assert!(ledger.count(Topic::Timeline) >= 3);
    let topics = [Topic::Enriched, Topic::Verified, Topic::Quarantined, Topic::Decisions, Topic::Timeline, Topic::Work];
    assert!(topics.iter().all(|topic| ledger.count(*topic) > 0));
}

fn pem(der: &[u8]) -> String {
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", attestream::event::base64::encode(der))
}

fn dead_letter(topic: Topic, key: Option<&[u8]>, value: &[u8], headers: &[Header]) -> Record {
    let mut table = TrustTable::default();
    table
        .apply(&ControlRecord::Genesis(Box::new(Genesis { tenants: vec![TenantTrust::empty(tenant())], ..genesis() })));
    let objects = MemoryObjects::default();
    let admission = Admission { table: &table, objects: &objects, now: NOON };
    let input =
        Input { topic, owner: None, partition: 1, offset: 2, timestamp: NOON, key, value: Some(value), headers };
    let Fate::DeadLetter(letter) = admission.admit(&input).unwrap().fate else { panic!("it was admitted") };
    let partition = Partition::of(Topic::DeadLetter, partition_of(key.unwrap_or_default(), 1));
    let (key, value, headers) = (letter.key, letter.value, letter.headers);
    Record { partition, offset: 0, timestamp: NOON, key, value, headers }
}

#[test]
fn dead_letters_are_as_their_schema_says() {
    let own: Vec<Header> = vec![
        ("__streams.errors.exception".to_owned(), Some(b"another's".to_vec())),
        ("attestream-request-id".to_owned(), Some(vec![0xff])),
        ("null".to_owned(), None),
    ];
    let letters = [
        dead_letter(Topic::SbomSubmitted, Some(b"acme/x"), b"{", &own),
        dead_letter(Topic::SbomSubmitted, None, b"{}", &[]),
        dead_letter(Topic::ExportCreated, Some(b"acme/x"), b"{}", &[]),
        dead_letter(Topic::AttestationPublished, Some(b"acme/x"), &vec![b' '; limits::RECORD_MAX], &[]),
        dead_letter(Topic::VexSubmitted, Some(&vec![b'a'; limits::HEADERS_MAX + 1]), b"{}", &own),
    ];
    for letter in &letters {
        validate_record(letter).unwrap();
    }
    let by_reference = |letter: &Record| letter.headers.iter().any(|(name, _)| name == "attestream-reference");
    assert_eq!(letters.each_ref().map(by_reference), [false, false, false, true, true]);
}

#[test]
fn a_dead_letter_without_its_own_word_is_refused() {
    let letter = dead_letter(Topic::SbomSubmitted, Some(b"acme/x"), b"{", &[]);
    for index in 0..letter.headers.len() {
        let mut without = letter.clone();
        without.headers.remove(index);
        assert!(validate_record(&without).is_err(), "{:?}", letter.headers[index]);
    }
    let mut with = letter.clone();
    with.headers.push(("attestream-unheard-of".to_owned(), Some(b"1".to_vec())));
    assert!(validate_record(&with).is_err());
    let mut other = letter;
    other.headers.last_mut().unwrap().1 = Some(b"bad-luck".to_vec());
    assert!(validate_record(&other).is_err());
}
