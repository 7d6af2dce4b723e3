//! One of each value, with every member that it can have.

use std::num::NonZeroU64;

use attestream::event::{
    Digest, EventId, Kind, Millis, OwnTopics, Quota, Subject, SubjectDigests, Tenant, Topic, TopicName, event_id,
};
use attestream::evidence::identity::CLAIMS;
use attestream::evidence::{KeyAlgorithm, SignatureEncoding};
use attestream::formats::facts::{Component, Facts, Finding, ScanInputs, VexProduct, VexStatement, WrittenFacts};
use attestream::ledger::checkpoint::CheckpointSeen;
use attestream::ledger::control::{ControlRecord, Genesis, Position, TrustRootBytes, system_tenant};
use attestream::ledger::output::{
    BUILT_IN_POLICY, ChainLink, Change, Decision, DecisionInputs, Dsse, LedgerPosition, Provenance, Published,
    PublishedDocument, Status, Trust,
};
use attestream::ledger::record::{
    Admitted, AdmittedAttestation, AdmittedDocument, AdmittedEvent, Answer, Body, Bytes, Continue, ControlCopy, Lane,
    LedgerRecord, Part, Source, SourceHeader, VerifyWork, Work,
};
use attestream::verdict::tenant::{LogPolicy, PinnedIdentity, PinnedKey, PredicateType, TenantTrust};
use attestream::verdict::{
    AttestationFacts, AttestationResult, AttestationStatus, Check, CheckOutcome, Code, ConsistencyProof, KeyShown,
    Link, Pair, RekorShown, RestsOn, SignedCheckpoint, StatementFacts,
};
use serde::Serialize;
use serde_json::{Value, json};

use super::timeline;

/// A public key (P-256) that nobody has the other half of.
const SPKI: &str = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----\n";
const DOCUMENT: &[u8] = br#"{"bomFormat":"CycloneDX"}"#;

pub fn tenant() -> Tenant {
    Tenant::new("acme").unwrap()
}

pub fn digest(name: &str) -> Digest {
    Digest::of(name.as_bytes())
}

pub fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

pub const NOON: Millis = Millis(1_762_862_400_000);
const JUST_AFTER: Millis = Millis(1_762_862_400_001);

pub fn id() -> EventId {
    event_id(&tenant(), Kind::Sbom, Some(&subject()), Digest::of(DOCUMENT))
}

pub fn subject() -> Subject {
    let sha = |name: &str| Some(Digest::of(name.as_bytes()).hex());
    Subject {
        purl: text("pkg:oci/example@1.2.3"),
        digest: SubjectDigests { sha256: sha("a"), sha384: text(&"ab".repeat(48)), sha512: text(&"ab".repeat(64)) },
        version: text("1.2.3"),
        name: text("example"),
    }
}

fn scan() -> ScanInputs {
    ScanInputs {
        image_digests: vec![digest("image").to_string()],
        sbom_digests: vec![digest("sbom").to_string()],
        scanner: text("scanner"),
        scanner_version: text("1"),
        db_snapshot: text("2025-11-11"),
        config_hash: text("c0ffee"),
    }
}

pub fn facts() -> WrittenFacts {
    WrittenFacts::of(&Facts {
        version: 1,
        format: "CycloneDX 1.6".to_owned(),
        subject: Some(subject()),
        subjects: vec![subject()],
        ts: Some(NOON),
        author: text("someone"),
        components: vec![Component {
            purl: text("pkg:cargo/serde@1.0.0"),
            name: "serde".to_owned(),
            version: text("1.0.0"),
            sha256: Some(digest("serde")),
        }],
        statements: vec![VexStatement {
            vulnerability: "CVE-2024-0001".to_owned(),
            aliases: vec!["GHSA-aaaa-bbbb-cccc".to_owned()],
            products: vec![VexProduct {
                id: "pkg:oci/example".to_owned(),
                subcomponents: vec!["pkg:cargo/x".to_owned()],
            }],
            status: "not_affected".to_owned(),
            justification: text("component_not_present"),
            ts: Some(NOON),
        }],
        findings: vec![Finding {
            id: "CVE-2024-0001".to_owned(),
            severity: text("HIGH"),
            exploitability: text("known"),
            purl: text("pkg:cargo/x@1"),
            file_path: text("src/main.rs"),
            symbols: vec!["main".to_owned()],
            call_stack: vec!["main".to_owned()],
            entry_point: text("main"),
            source: text("scanner"),
            unexplained: vec!["entryPoint".to_owned()],
        }],
        scan: Some(scan()),
    })
}

fn claimed() -> Value {
    json!({ "trust": { "verified": true }, "provenance": { "anything": ["the", "producer", "says"] } })
}

fn key_shown() -> KeyShown {
    let base64 = attestream::event::base64::encode(digest("key").as_bytes());
    KeyShown {
        key_id: format!("cosign:SHA256-PKIX:{base64}"),
        key_name: text("release"),
        issuer: text("https://issuer.example"),
        algo: KeyAlgorithm::EcdsaP256Sha256.family().to_owned(),
        identity: text("someone@example.org"),
    }
}

fn rekor() -> RekorShown {
    let uuid = format!("{:016x}{}", 1u64 << 60, digest("leaf").hex());
    RekorShown { log_id: digest("log").hex(), log_index: 7, uuid, integrated_time: Some(1_762_862_400) }
}

fn checks() -> Vec<Check> {
    let check = |check: &str, outcome, code: Option<&str>| Check {
        check: Code::read(check),
        outcome,
        code: code.map(Code::read),
    };
    vec![
        check("encoding", CheckOutcome::Pass, Some("noted-base64-url-safe")),
        check("signature", CheckOutcome::Pass, None),
        check("witnesses", CheckOutcome::Skip, None),
    ]
}

fn pair() -> Pair {
    Pair { trust: digest("trust"), epoch: 1 }
}

pub fn result() -> AttestationResult {
    AttestationResult {
        pair: pair(),
        status: AttestationStatus::Verified,
        reasons: Vec::new(),
        checks: checks(),
        rests_on: vec![
            RestsOn::Key(digest("key")),
            RestsOn::Identities,
            RestsOn::Root,
            RestsOn::Unresolved(None),
            RestsOn::Unresolved(Some(digest("hint"))),
            RestsOn::Rules,
        ],
        trusted_time: Some(NOON),
        not_before: Some(JUST_AFTER),
        witnesses: 1,
        key: Some(key_shown()),
        rekor: Some(rekor()),
        claims: CLAIMS.iter().map(|name| ((*name).to_owned(), "said".to_owned())).collect(),
        trust_root: Some(digest("root")),
    }
}

fn attestation_facts() -> AttestationFacts {
    AttestationFacts {
        envelope: digest("envelope"),
        bundle: Some(digest("bundle")),
        payload_type: "application/vnd.in-toto+json".to_owned(),
        statement: Some(StatementFacts {
            statement_type: "https://in-toto.io/Statement/v1".to_owned(),
            predicate_type: "https://cyclonedx.org/bom".to_owned(),
            link: Some(Link::Sbom),
            subjects: vec![subject()],
            documents: vec![digest("document")],
            materials: vec![digest("material")],
        }),
    }
}

fn inline(bytes: &[u8]) -> Bytes {
    Bytes { digest: Digest::of(bytes), size: bytes.len() as u64, inline: Some(bytes.to_vec()), r#ref: None }
}

fn referenced(bytes: &[u8]) -> Bytes {
    let reference = attestream::admission::ports::reference(&tenant(), Digest::of(bytes));
    Bytes { digest: Digest::of(bytes), size: bytes.len() as u64, inline: None, r#ref: Some(reference) }
}

fn admitted() -> Admitted {
    let header =
        |value: Option<&[u8]>| SourceHeader { name: "traceparent".to_owned(), value: value.map(<[u8]>::to_vec) };
    Admitted {
        admitted_at: JUST_AFTER,
        lane: Lane::Live,
        request_id: text("01J0"),
        principal: text("ci"),
        source: Source {
            topic: TopicName::own(&tenant(), Topic::SbomSubmitted),
            partition: 0,
            offset: 1,
            timestamp: NOON,
            key: Some(vec![0, 255]),
            headers: vec![header(Some(b"00")), header(None)],
        },
        input: inline(b"the input"),
        control: 1,
        outputs: [Topic::Verified].into(),
        event: Some(AdmittedEvent {
            id: id(),
            kind: Kind::Sbom,
            subject: Some(subject()),
            subjects: vec![subject()],
            source_id: text("theirs"),
            ts: NOON,
            document: AdmittedDocument {
                media_type: "application/vnd.cyclonedx+json".to_owned(),
                bytes: referenced(DOCUMENT),
                canonical_digest: Some(digest("canonical")),
            },
            claimed: Some(claimed()),
            scan: Some(scan()),
            facts: facts(),
            parts: 2,
        }),
        attestation: Some(AdmittedAttestation {
            facts: attestation_facts(),
            result: result(),
            bytes: inline(b"the evidence"),
        }),
    }
}

pub fn trust() -> TenantTrust {
    let identity = |san: Option<&str>, pattern: Option<&str>| PinnedIdentity {
        issuer: "https://issuer.example".to_owned(),
        san: san.map(str::to_owned),
        san_regex: pattern.map(str::to_owned),
    };
    TenantTrust {
        tenant: tenant(),
        keys: vec![PinnedKey {
            name: "release".to_owned(),
            spki: SPKI.to_owned(),
            algorithm: KeyAlgorithm::EcdsaP256Sha256,
            valid_from: Some(NOON),
            valid_until: Some(JUST_AFTER),
            revoked_at: Some(JUST_AFTER),
            predicate_types: vec!["https://cyclonedx.org/bom".to_owned()],
            encoding: SignatureEncoding::Raw,
            owner: Some("release team".to_owned()),
        }],
        identities: vec![identity(Some("ci@example.org"), None), identity(None, Some(".*@example\\.org"))],
        log: LogPolicy::Promise,
        threshold: 1,
        witnesses: vec!["witness.example+00000000+AAAA".to_owned()],
        witness_policy: text("quorum none"),
        max_age_seconds: Some(60),
        predicate_types: vec![PredicateType { predicate_type: "https://own.example".to_owned(), kind: Kind::Vex }],
        payload_types: vec!["application/json".to_owned()],
        versions: vec!["CycloneDX 1.5".to_owned()],
        topics: OwnTopics::new([Topic::SbomSubmitted], [Topic::Verified]).unwrap(),
        quota: Quota {
            record_bytes: NonZeroU64::new(1),
            records_per_second: NonZeroU64::new(1),
            bytes_per_second: NonZeroU64::new(1),
            fold_lag_records: NonZeroU64::new(1),
        },
    }
}

pub fn genesis() -> Genesis {
    Genesis {
        ledger: "01J0000000000000000000000".to_owned(),
        partitions: 4,
        format: 1,
        fold_version: 1,
        epoch: 1,
        verifier: "attestream".to_owned(),
        at: NOON,
        root: Some(TrustRootBytes::new("{}".to_owned())),
        tenants: vec![trust()],
    }
}

fn controls() -> Vec<ControlRecord> {
    vec![
        ControlRecord::Genesis(Box::new(genesis())),
        ControlRecord::Tenant(Box::new(trust())),
        ControlRecord::Tenant(Box::new(TenantTrust::empty(tenant()))),
        ControlRecord::Root(TrustRootBytes::new("{}".to_owned())),
        ControlRecord::Epoch { epoch: 2 },
        ControlRecord::Tick { at: JUST_AFTER },
        ControlRecord::Consistency(Box::new(ConsistencyProof {
            old: checkpoint(1),
            new: checkpoint(2),
            hashes: vec![digest("hash")],
        })),
    ]
}

fn checkpoint(size: u64) -> SignedCheckpoint {
    SignedCheckpoint {
        log: digest("log"),
        origin: "log.example - 1".to_owned(),
        size,
        root: digest("root"),
        note: "a signed note\n".to_owned(),
    }
}

fn ledger_records() -> Vec<LedgerRecord> {
    let answer = Answer { admitted_at: NOON, control: 3, attestation: digest("envelope"), result: result() };
    let mut only_event = admitted();
    only_event.attestation = None;
    let mut only_attestation = admitted();
    only_attestation.event = None;
    let bodies = vec![
        Body::Admitted(Box::new(admitted())),
        Body::Admitted(Box::new(only_event)),
        Body::Admitted(Box::new(only_attestation)),
        Body::Answer(Box::new(answer)),
        Body::Part(Box::new(Part { event: id(), index: 0, facts: facts() })),
    ];
    let of_tenant = bodies.into_iter().map(|body| LedgerRecord::new(tenant(), body));
    let copy = |(seq, record): (u64, ControlRecord)| Body::Control(Box::new(ControlCopy { seq, record }));
    let seen = CheckpointSeen { admitted_at: NOON, checkpoint: checkpoint(7) };
    let own = [Body::Continue(Continue { sweep: 1, step: 2 }), Body::Checkpoint(Box::new(seen))];
    let of_system = (0..).zip(controls()).map(copy).chain(own);
    of_tenant.chain(of_system.map(|body| LedgerRecord::new(system_tenant(), body))).collect()
}

pub fn position() -> LedgerPosition {
    LedgerPosition { ledger: genesis().ledger, partition: 3, seq: 9 }
}

pub fn published(status: Status, change: Option<Change>) -> Published {
    let verified = status == Status::Verified;
    let document = PublishedDocument {
        media_type: "application/vnd.cyclonedx+json".to_owned(),
        digest: Digest::of(DOCUMENT),
        canonical_digest: Some(digest("canonical")),
        size: DOCUMENT.len() as u64,
        content: None,
        encoding: None,
        r#ref: None,
    };
    Published {
        id: id(),
        source_id: text("theirs"),
        kind: Kind::Sbom,
        tenant: tenant(),
        revision: Some(2),
        change,
        supersedes: change.filter(|change| *change != Change::Verified).map(|_| 1),
        replaces: Some(id()),
        subject: Some(subject()),
        subjects: vec![subject()],
        document: (change != Some(Change::Revoked)).then_some(document),
        provenance: Provenance {
            dsse: (status != Status::Missing).then(|| Dsse {
                envelope_digest: digest("envelope"),
                bundle_digest: Some(digest("bundle")),
                payload_type: "application/vnd.in-toto+json".to_owned(),
                key: Some(key_shown()),
                rekor: Some(rekor()),
                chain: vec![ChainLink {
                    r#type: Link::Build,
                    id: "att:build#0123456789abcdef".to_owned(),
                    digest: digest("e"),
                }],
            }),
            claimed: Some(claimed()),
        },
        trust: Trust {
            verified,
            verifier: "attestream".to_owned(),
            witnesses: 1,
            trusted_time: Some(NOON),
            status,
            reasons: if verified { Vec::new() } else { vec!["key-unknown".to_owned()] },
            checks: checks(),
            trust_root: Some(digest("root")),
            policy: Digest::of(BUILT_IN_POLICY.as_bytes()),
        },
        scan: Some(scan()),
        ts: NOON,
        position: Some(position()),
    }
}

/// With its document's bytes: inline, as base64, or by reference.
pub fn carrying(mut published: Published) -> Vec<Published> {
    let Some(document) = &mut published.document else { return vec![published] };
    let mut forms = Vec::new();
    let texts = [("{}", Some("utf-8")), ("AP8=", Some("base64"))];
    let by_ref = (None, None, referenced(DOCUMENT).r#ref);
    for (content, encoding, reference) in texts.map(|(c, e)| (text(c), e, None)).into_iter().chain([by_ref]) {
        document.content = content;
        document.encoding = encoding.map(str::to_owned);
        document.r#ref = reference;
        forms.push(document.clone());
    }
    forms.into_iter().map(|document| Published { document: Some(document), ..published.clone() }).collect()
}

fn decision() -> Decision {
    Decision {
        id: id(),
        tenant: tenant(),
        revision: 1,
        decision: "ALLOW".to_owned(),
        rules: vec!["builtin-verified".to_owned()],
        policy: Digest::of(BUILT_IN_POLICY.as_bytes()),
        inputs: DecisionInputs {
            status: Status::Verified,
            document: Digest::of(DOCUMENT),
            envelope: Some(digest("envelope")),
        },
        position: position(),
    }
}

fn work() -> Vec<Work> {
    let verify = |evidence: Bytes| {
        Work::Verify(VerifyWork { tenant: tenant(), attestation: digest("a"), evidence, pair: pair(), at: NOON })
    };
    vec![verify(inline(b"evidence")), verify(referenced(b"evidence"))]
}

/// One value of a topic, with the Rust type's own word on whether another JSON value is one.
pub struct Sample {
    pub topic: Topic,
    pub value: Value,
    pub reads: fn(&Value) -> bool,
}

fn of<T: Serialize + serde::de::DeserializeOwned>(topic: Topic, values: impl IntoIterator<Item = T>) -> Vec<Sample> {
    let reads: fn(&Value) -> bool = |value| serde_json::from_value::<T>(value.clone()).is_ok();
    let sample = |value: T| Sample { topic, value: serde_json::to_value(value).unwrap(), reads };
    values.into_iter().map(sample).collect()
}

/// At least one of each.
pub fn all() -> Vec<Sample> {
    let statuses = [Status::Verified, Status::KeyPolicyMismatch, Status::Failed, Status::Missing];
    let changes = [
        (Status::Verified, Change::Verified),
        (Status::Verified, Change::Superseded),
        (Status::KeyPolicyMismatch, Change::Revoked),
        (Status::Missing, Change::Revoked),
    ];
    let verified = changes.map(|(status, change)| carrying(published(status, Some(change))));
    let quarantined = [Status::Failed, Status::KeyPolicyMismatch].map(|status| carrying(published(status, None)));
    let next = Position { ledger: genesis().ledger, partition: 0, seq: 1, next_offset: 2 };
    [
        of(Topic::Ledger, ledger_records()),
        of(Topic::Control, controls()),
        of(Topic::Work, work()),
        of(Topic::Positions, [next]),
        of(Topic::Enriched, statuses.map(|status| published(status, None))),
        of(Topic::Verified, verified.into_iter().flatten()),
        of(Topic::Quarantined, quarantined.into_iter().flatten()),
        of(Topic::Decisions, [decision()]),
        of(Topic::Timeline, timeline::entries()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The headers that go with a value.
pub fn headers(value: &Value) -> Vec<attestream::log::Header> {
    let change = value.get("change").and_then(Value::as_str);
    change.map(|change| ("change".to_owned(), Some(change.as_bytes().to_vec()))).into_iter().collect()
}
