//! The oracle. From the committed topics alone:
//! 1. the outputs are the bytes that folding the committed ledger gives, in order per key, and nothing else;
//! 2. the ledger is what admitting the inputs gives, each input once: with the trust, control position and clock that the
//!    record itself names;
//! 3. the states' hashes are the fold's;
//! 4. the fates of each stage balance;
//! 5. every record is what its schema says;
//! 6. a reader of `change` and `revision` ends with exactly what is verified.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use attestream::admission::ports::Objects;
use attestream::admission::{Admission, Fate as AdmissionFate, Input, TrustTable, answer};
use attestream::event::topic::TopicRole;
use attestream::event::{Digest, Tenant, Topic, TopicName};
use attestream::ledger::control::ControlRecord;
use attestream::ledger::output::{Change, Published, Status};
use attestream::ledger::record::{Body, LedgerRecord, Work};
use attestream::ledger::state::{MemoryState, State as _, StatePosition};
use attestream::ledger::{Fate, Folding, Publication};
use attestream::log::{Log, Partition, Record};
use attestream::verdict::SignedCheckpoint;

use super::feed::{Expected, Made};
use super::plant::{own_topics, read_all, read_from};

/// What the committed topics came to.
#[derive(Default)]
pub struct Judgement {
    /// The state hash of each ledger partition.
    pub hashes: BTreeMap<u32, Digest>,
    pub fates: BTreeMap<Fate, u64>,
    pub admitted: u64,
    pub dead_lettered: u64,
    /// The last enriched record of each event.
    pub events: BTreeMap<String, Published>,
    /// Records of the ledger, without `continue` and control.
    pub ledger: u64,
}

impl Judgement {
    /// Every event of a producer ended as its maker expects.
    pub fn ends_as_expected(&self, tenant: &Tenant, made: &[Made]) {
        let own = self.events.values().filter(|event| event.tenant == *tenant);
        let by_document: BTreeMap<Digest, &Published> =
            own.map(|event| (event.document.as_ref().unwrap().digest, event)).collect();
        for made in made {
            let event = by_document[&Digest::of(&made.document)];
            let expected = match made.expected {
                Expected::Verified => (Status::Verified, None),
                Expected::Missing => (Status::Missing, None),
                Expected::Refused(code) if code == "key-unknown" => (Status::KeyPolicyMismatch, Some(code)),
                Expected::Refused(code) => (Status::Failed, Some(code)),
            };
            let found = (event.trust.status, event.trust.reasons.first().map(String::as_str));
            assert_eq!(found, expected, "{}: {}", event.id, String::from_utf8_lossy(&made.document));
        }
    }
}

/// Judges everything that is committed.
pub fn judge<L: Log>(log: &L, objects: &dyn Objects) -> Judgement {
    let mut judgement = Judgement::default();
    let mut published = Vec::new();
    let mut ledger = Vec::new();
    for number in 0..log.partitions(Topic::Ledger).unwrap() {
        let partition = Partition::of(Topic::Ledger, number);
        let records = read_from(log, partition, log.range(partition).unwrap().first);
        published.extend(fold(number, &records, &mut judgement));
        ledger.extend(records);
    }
    outputs_are_the_folds(log, &published);
    sweeps_are_bounded(&ledger);
    inputs_are_admitted_once(log, objects, &ledger, &mut judgement);
    records_fit_their_schemas(log);
    readers_end_right(log, &mut judgement);
    judgement
}

/// Every record of ours, on every topic. Inputs are the producers' own.
fn records_fit_their_schemas<L: Log>(log: &L) {
    let shared = Topic::ALL.iter().map(|topic| TopicName::from(*topic));
    for name in shared.chain(own_topics(log)).filter(|name| name.topic.role() != TopicRole::Input) {
        for record in read_all(log, name) {
            let place = format!("{} at {}", record.partition, record.offset);
            crate::schemas::validate_record(&record).unwrap_or_else(|problem| panic!("{place}: {problem}"));
        }
    }
}

/// Folds a partition's ledger from nothing.
fn fold(number: u32, records: &[Record], judgement: &mut Judgement) -> Vec<Publication> {
    let mut state = MemoryState::default();
    let mut published = Vec::new();
    let mut seq = 0u64;
    for batch in records.chunks(500) {
        let parsed: Vec<LedgerRecord> =
            batch.iter().map(|record| serde_json::from_slice(record.value.as_deref().unwrap()).unwrap()).collect();
        let mut folding = Folding::begin(&state, number, seq).unwrap();
        folding.prefetch(&parsed).unwrap();
        for record in &parsed {
            let step = folding.fold(record).unwrap();
            *judgement.fates.entry(step.fate).or_default() += 1;
            let continues = step.publish.iter().filter(|publication| publication.topic == Topic::Ledger).count();
            let one = matches!(record.body, Body::Control(_)) || continues <= 1;
            assert!(
                one,
                "a record goes on with its sweep by one step, behind everything that is in the ledger by then"
            );
            published.extend(step.publish);
        }
        seq = folding.seq();
        let ledger = folding.ledger().to_owned();
        let last = batch.last().unwrap();
        let position = StatePosition {
            ledger,
            partition: number,
            seq,
            next_offset: last.offset + 1,
            last_offset: last.offset,
            last_digest: Digest::of(last.value.as_deref().unwrap()),
        };
        state.remember(folding.finish(), &position).unwrap();
    }
    assert_eq!(seq, u64::try_from(records.len()).unwrap());
    judgement.hashes.insert(number, state.state_hash().unwrap());
    published
}

/// The state hash of a partition after its first `seq` records.
pub fn hash_at<L: Log>(log: &L, number: u32, seq: u64) -> Digest {
    let partition = Partition::of(Topic::Ledger, number);
    let records = read_from(log, partition, log.range(partition).unwrap().first);
    let mut judgement = Judgement::default();
    fold(number, &records[..usize::try_from(seq).unwrap()], &mut judgement);
    judgement.hashes[&number]
}

type Sequence = Vec<(Vec<u8>, Vec<(String, Option<Vec<u8>>)>)>;

/// Byte for byte, in order per topic and key.
fn outputs_are_the_folds<L: Log>(log: &L, published: &[Publication]) {
    let mut expected: BTreeMap<(TopicName, Vec<u8>), Sequence> = BTreeMap::new();
    for publication in published.iter().filter(|publication| publication.topic != Topic::Ledger) {
        let headers = publication.headers.iter();
        let headers = headers.map(|(name, value)| ((*name).to_owned(), Some(value.clone().into_bytes()))).collect();
        let name = match &publication.owner {
            Some(owner) => TopicName::own(owner, publication.topic),
            None => publication.topic.into(),
        };
        let key = (name, publication.key.clone());
        expected.entry(key).or_default().push((publication.value.clone(), headers));
    }
    let mut found: BTreeMap<(TopicName, Vec<u8>), Sequence> = BTreeMap::new();
    let topics = [Topic::Enriched, Topic::Verified, Topic::Quarantined, Topic::Decisions, Topic::Timeline, Topic::Work];
    let own = own_topics(log).into_iter().filter(|name| name.topic.role() == TopicRole::Output);
    for name in topics.into_iter().map(TopicName::from).chain(own) {
        for record in read_all(log, name) {
            let key = (name, record.key.clone().unwrap());
            found.entry(key).or_default().push((record.value.clone().unwrap(), record.headers.clone()));
        }
    }
    for (key, sequence) in &expected {
        let name = String::from_utf8_lossy(&key.1);
        let found = found.get(key).map(Vec::len).unwrap_or_default();
        assert_eq!(found, sequence.len(), "records of {name} on {}", key.0);
    }
    assert!(expected == found, "the committed outputs are not the fold of the committed ledger");
    let continues = published.iter().filter(|publication| publication.topic == Topic::Ledger).count();
    let in_ledger = read_all(log, Topic::Ledger).iter().filter(|record| is_continue(record)).count();
    assert_eq!(in_ledger, continues, "each step of a sweep is in the ledger once");
}

fn is_continue(record: &Record) -> bool {
    let record: LedgerRecord = serde_json::from_slice(record.value.as_deref().unwrap()).unwrap();
    matches!(record.body, Body::Continue(_))
}

/// The next step of a sweep is appended by the transaction that folds the step before it, so whatever live record was in
/// the ledger by then stands between the two: at most one step of each sweep keeps a live record waiting.
fn sweeps_are_bounded(ledger: &[Record]) {
    let mut steps: BTreeMap<(u32, u64), u64> = BTreeMap::new();
    for record in ledger {
        let number = record.partition.number;
        let parsed: LedgerRecord = serde_json::from_slice(record.value.as_deref().unwrap()).unwrap();
        if let Body::Continue(step) = parsed.body {
            let before = steps.insert((number, step.sweep), step.step);
            assert!(before.is_none_or(|before| before + 1 == step.step), "steps of a sweep stand in order, once");
        }
    }
}

/// Each input has one fate, and the ledger holds nothing else but control and the fold's own.
fn inputs_are_admitted_once<L: Log>(log: &L, objects: &dyn Objects, ledger: &[Record], judgement: &mut Judgement) {
    let control = Tables::of(&read_all(log, Topic::Control));
    let mut by_source: BTreeMap<(TopicName, u32, u64), Vec<LedgerRecord>> = BTreeMap::new();
    let mut answers: BTreeMap<(Digest, String), Vec<LedgerRecord>> = BTreeMap::new();
    let mut parts: Vec<LedgerRecord> = Vec::new();
    let mut checkpoints = BTreeSet::new();
    for record in ledger {
        let parsed: LedgerRecord = serde_json::from_slice(record.value.as_deref().unwrap()).unwrap();
        assert_eq!(parsed.to_bytes(), record.value.as_deref().unwrap(), "a record reads and writes to the same bytes");
        let own = matches!(parsed.body, Body::Continue(_) | Body::Control(_) | Body::Checkpoint(_));
        judgement.ledger += u64::from(!own);
        match &parsed.body {
            Body::Part(_) => parts.push(parsed),
            Body::Admitted(admitted) => {
                let source = (admitted.source.topic, admitted.source.partition, admitted.source.offset);
                let mut whole = std::mem::take(&mut parts);
                whole.push(parsed);
                by_source.entry(source).or_default().extend(whole);
            }
            Body::Answer(answer) => {
                let key = (answer.attestation, format!("{:?}", answer.result.pair));
                answers.entry(key).or_default().push(parsed);
            }
            Body::Checkpoint(seen) => drop(checkpoints.insert(seen.checkpoint.identity())),
            Body::Control(_) | Body::Continue(_) => {}
        }
    }
    let mut rested_on = BTreeSet::new();
    let mut letters = dead_letters(log);
    for name in inputs(log) {
        for record in read_all(log, name) {
            let source = (name, record.partition.number, record.offset);
            match (by_source.remove(&source), letters.remove(&source)) {
                (Some(records), None) => {
                    judgement.admitted += 1;
                    let (again, seen) = admit_again(&record, &records, &control, objects);
                    assert_eq!(again, bytes(&records), "of {source:?}");
                    rested_on.extend(seen.iter().map(SignedCheckpoint::identity));
                }
                (None, Some(letter)) => {
                    judgement.dead_lettered += 1;
                    letter_is_the_record(&record, &letter);
                }
                (admitted, letter) => panic!("{source:?} is admitted {admitted:?} and dead-lettered {letter:?}"),
            }
        }
    }
    assert_eq!(checkpoints, rested_on, "each checkpoint that evidence rests on is in the ledger, and no other");
    assert!(by_source.is_empty() && letters.is_empty(), "what was never sent is nowhere");
    answers_are_right(log, objects, &control, &answers);
}

/// What producers write, shared and own.
fn inputs<L: Log>(log: &L) -> Vec<TopicName> {
    let shared = Topic::admission_inputs().filter(|topic| !matches!(topic, Topic::Control | Topic::Work));
    let own = own_topics(log).into_iter().filter(|name| name.topic.role() == TopicRole::Input);
    shared.map(TopicName::from).chain(own).collect()
}

fn bytes(records: &[LedgerRecord]) -> Vec<String> {
    records.iter().map(|record| String::from_utf8(record.to_bytes()).unwrap()).collect()
}

/// The trust after each number of control records that a ledger record names: compiled once each.
struct Tables {
    control: Vec<ControlRecord>,
    at: RefCell<BTreeMap<u64, Rc<TrustTable>>>,
}

impl Tables {
    fn of(control: &[Record]) -> Self {
        let parsed = control.iter().filter_map(|record| serde_json::from_slice(record.value.as_deref()?).ok());
        Self { control: parsed.collect(), at: RefCell::default() }
    }

    fn at(&self, position: u64) -> Rc<TrustTable> {
        let compile = || {
            let mut table = TrustTable::default();
            let records = self.control.iter().take(usize::try_from(position).unwrap());
            records.for_each(|record| table.apply(record));
            Rc::new(table)
        };
        Rc::clone(self.at.borrow_mut().entry(position).or_insert_with(compile))
    }
}

fn admit_again(
    record: &Record,
    records: &[LedgerRecord],
    control: &Tables,
    objects: &dyn Objects,
) -> (Vec<String>, Vec<SignedCheckpoint>) {
    let Body::Admitted(admitted) = &records.last().unwrap().body else { panic!("the last record is the admitted one") };
    let table = control.at(admitted.control);
    let admission = Admission { table: &table, objects, now: admitted.admitted_at };
    let input = Input {
        topic: record.partition.topic,
        owner: record.partition.owner,
        partition: record.partition.number,
        offset: record.offset,
        timestamp: record.timestamp,
        key: record.key.as_deref(),
        value: record.value.as_deref(),
        headers: &record.headers,
    };
    let outcome = admission.admit(&input).unwrap();
    match outcome.fate {
        AdmissionFate::Admitted { records, .. } => (bytes(&records), outcome.checkpoints),
        AdmissionFate::DeadLetter(letter) => panic!("admitted in the ledger, and dead-lettered again: {}", letter.code),
    }
}

fn header(record: &Record, name: &str) -> String {
    let (_, value) = record.headers.iter().find(|(header, _)| header == name).unwrap();
    String::from_utf8(value.clone().unwrap()).unwrap()
}

fn dead_letters<L: Log>(log: &L) -> BTreeMap<(TopicName, u32, u64), Record> {
    let letters = read_all(log, Topic::DeadLetter).into_iter();
    let count = read_all(log, Topic::DeadLetter).len();
    let source = |letter: &Record| {
        let topic = TopicName::parse(&header(letter, "__streams.errors.topic")).unwrap();
        let number = |name: &str| header(letter, name);
        let partition = number("__streams.errors.partition").parse().unwrap();
        (topic, partition, number("__streams.errors.offset").parse().unwrap())
    };
    let letters: BTreeMap<_, _> = letters.map(|letter| (source(&letter), letter)).collect();
    assert_eq!(letters.len(), count, "no input is dead-lettered twice");
    letters
}

/// The original bytes, with our headers behind its own.
fn letter_is_the_record(record: &Record, letter: &Record) {
    assert!(!header(letter, "attestream-error-code").is_empty());
    if letter.headers.iter().any(|(name, _)| name == "attestream-reference") {
        return;
    }
    assert_eq!(letter.key, record.key);
    assert_eq!(letter.value, record.value);
    assert_eq!(letter.headers.get(..record.headers.len()).unwrap(), record.headers);
}

/// One answer per (attestation, pair), and the right one.
fn answers_are_right<L: Log>(
    log: &L,
    objects: &dyn Objects,
    control: &Tables,
    answers: &BTreeMap<(Digest, String), Vec<LedgerRecord>>,
) {
    let mut asked = 0;
    for record in read_all(log, Topic::Work) {
        let Work::Verify(work) = serde_json::from_slice(record.value.as_deref().unwrap()).unwrap();
        let found = answers.get(&(work.attestation, format!("{:?}", work.pair)));
        let [found] = found.unwrap().as_slice() else { panic!("one answer per (attestation, pair)") };
        let Body::Answer(given) = &found.body else { panic!() };
        let table = control.at(given.control);
        assert_eq!(answer(&work, &table, objects, given.admitted_at).unwrap().to_bytes(), found.to_bytes());
        asked += 1;
    }
    assert_eq!(asked, answers.len(), "what was not asked is not answered");
}

/// The records of an output on the shared topic and on those that tenants have of their own: each tenant's where it is to
/// be, and nowhere else.
fn everywhere<L: Log>(log: &L, topic: Topic) -> Vec<Record> {
    let own: Vec<TopicName> = own_topics(log).into_iter().filter(|name| name.topic == topic).collect();
    let mut records = read_all(log, topic);
    for name in &own {
        records.extend(read_all(log, *name));
    }
    for record in &records {
        let event: Published = serde_json::from_slice(record.value.as_deref().unwrap()).unwrap();
        let its = own.iter().find(|name| name.owner.unwrap().tenant() == event.tenant);
        assert_eq!(record.partition.name(), its.copied().unwrap_or(topic.into()), "of {}", event.tenant);
    }
    records
}

fn readers_end_right<L: Log>(log: &L, judgement: &mut Judgement) {
    for record in everywhere(log, Topic::Enriched) {
        let event: Published = serde_json::from_slice(record.value.as_deref().unwrap()).unwrap();
        let newer = judgement.events.get(&event.id).is_none_or(|known| known.revision < event.revision);
        assert!(newer, "revisions rise on events.enriched");
        judgement.events.insert(event.id.clone(), event);
    }
    let mut standing: BTreeMap<String, u64> = BTreeMap::new();
    for record in everywhere(log, Topic::Verified) {
        let event: Published = serde_json::from_slice(record.value.as_deref().unwrap()).unwrap();
        assert_eq!(header(&record, "change"), event.change.unwrap().as_str());
        match event.change.unwrap() {
            Change::Revoked => drop(standing.remove(&event.id).unwrap()),
            _ => drop(standing.insert(event.id, event.revision.unwrap())),
        }
    }
    let verified = judgement.events.values().filter(|event| event.trust.status == Status::Verified);
    let verified: Vec<&String> = verified.map(|event| &event.id).collect();
    assert_eq!(standing.keys().collect::<Vec<_>>(), verified);
    let fates: u64 = judgement.fates.values().sum();
    let records = read_all(log, Topic::Ledger).len();
    assert_eq!(fates, u64::try_from(records).unwrap(), "ledger records = sum of fates");
}
