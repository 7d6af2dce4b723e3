//! The oracle. From the committed topics alone:
//! 1. the outputs are the bytes that folding the committed ledger gives, in order per key, and nothing else;
//! 2. the ledger is what admitting the inputs gives, each input once: with the trust, control position and clock that the
//!    record itself names;
//! 3. the states' hashes are the fold's;
//! 4. the fates of each stage balance;
//! 5. every record is what its schema says;
//! 6. a reader of `change` and `revision` ends with exactly what is verified;
//! 7. every partition has every control record, once and in its order.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use attestream::admission::ports::Objects;
use attestream::admission::{Admission, Fate as AdmissionFate, Input, TrustTable, answer};
use attestream::event::topic::TopicRole;
use attestream::event::{Digest, Millis, Tenant, Topic, TopicName};
use attestream::ledger::control::ControlRecord;
use attestream::ledger::output::{Change, Published, Status};
use attestream::ledger::record::{Body, LedgerRecord, Work};
use attestream::ledger::state::{MemoryState, State as _};
use attestream::ledger::{Fate, Publication};
use attestream::log::{Log, Partition, Record};
use attestream::verdict::SignedCheckpoint;

use super::copies::Copies;
use super::feed::{Expected, Made};
use super::plant::{all_of, every, own_topics, read_all};
use super::refold::fold_batch;

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

/// Judges everything that is committed. Records pass by one at a time, and what must be compared later is kept as a digest:
/// a ledger of millions of records is judged as a short one is.
pub fn judge<L: Log>(log: &L, objects: &dyn Objects) -> Judgement {
    let mut judgement = Judgement::default();
    let mut published = Outputs::default();
    let mut ledger = LedgerFacts::default();
    for number in 0..log.partitions(Topic::Ledger).unwrap() {
        let records = all_of(log, Partition::of(Topic::Ledger, number));
        let hash = fold(number, records, &mut published, &mut |step, record, parsed| {
            *judgement.fates.entry(step).or_default() += 1;
            ledger.take(record, parsed);
        });
        judgement.hashes.insert(number, hash);
    }
    judgement.ledger = ledger.records;
    assert_eq!(ledger.steps, published.steps, "each step of a sweep is in the ledger once");
    ledger.control.are_in_every_partition(log, None);
    outputs_are_the_folds(log, &published);
    let fates: u64 = judgement.fates.values().sum();
    assert_eq!(fates, ledger.all, "ledger records = sum of fates");
    inputs_are_admitted_once(log, objects, ledger, &mut judgement);
    records_fit_their_schemas(log);
    readers_end_right(log, &mut judgement);
    judgement
}

/// Every record of ours, on every topic. Inputs are the producers' own, and what is no control record is an operator's.
fn records_fit_their_schemas<L: Log>(log: &L) {
    let shared = Topic::ALL.iter().map(|topic| TopicName::from(*topic));
    for name in shared.chain(own_topics(log)).filter(|name| name.topic.role() != TopicRole::Input) {
        for record in every(log, name) {
            let value = record.value.as_deref().unwrap_or_default();
            if name.topic == Topic::Control && serde_json::from_slice::<ControlRecord>(value).is_err() {
                continue;
            }
            let place = format!("{} at {}", record.partition, record.offset);
            crate::schemas::validate_record(&record).unwrap_or_else(|problem| panic!("{place}: {problem}"));
        }
    }
}

/// Folds a partition's ledger from nothing; the state's hash. Each record goes on with its fate.
fn fold(
    number: u32,
    mut records: impl Iterator<Item = Record>,
    published: &mut Outputs,
    folded: &mut dyn FnMut(Fate, &Record, LedgerRecord),
) -> Digest {
    let mut state = MemoryState::default();
    let (mut seq, mut read) = (0u64, 0u64);
    loop {
        let batch: Vec<Record> = records.by_ref().take(500).collect();
        if batch.is_empty() {
            break;
        }
        read += u64::try_from(batch.len()).unwrap();
        seq = fold_batch(&mut state, number, seq, &batch, &mut |record, parsed, step| {
            let continues = step.publish.iter().filter(|publication| publication.topic == Topic::Ledger).count();
            let one = matches!(parsed.body, Body::Control(_)) || continues <= 1;
            assert!(
                one,
                "a record goes on with its sweep by one step, behind everything that is in the ledger by then"
            );
            published.take(&step.publish);
            folded(step.fate, record, parsed);
        });
    }
    assert_eq!(seq, read);
    state.state_hash().unwrap()
}

/// The state hash of a partition after its first `seq` records.
pub fn hash_at<L: Log>(log: &L, number: u32, seq: u64) -> Digest {
    let records = all_of(log, Partition::of(Topic::Ledger, number));
    fold(number, records.take(usize::try_from(seq).unwrap()), &mut Outputs::default(), &mut |_, _, _| {})
}

/// How many records, and a digest that runs over their values and headers in order.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sequence {
    records: u64,
    digest: Option<Digest>,
}

impl Sequence {
    fn push<'a>(&mut self, value: &[u8], headers: impl Iterator<Item = (&'a str, &'a [u8])>) {
        self.records += 1;
        let mut bytes = self.digest.map(|digest| digest.to_string().into_bytes()).unwrap_or_default();
        let mut frame = |part: &[u8]| {
            bytes.extend(part.len().to_be_bytes());
            bytes.extend(part);
        };
        frame(value);
        for (name, value) in headers {
            frame(name.as_bytes());
            frame(value);
        }
        self.digest = Some(Digest::of(&bytes));
    }
}

/// What is, or is to be, on the output topics: in order per topic and key.
#[derive(Default)]
struct Outputs {
    by_key: BTreeMap<(TopicName, Vec<u8>), Sequence>,
    /// Steps of sweeps, which go to the ledger itself.
    steps: u64,
}

impl Outputs {
    fn take(&mut self, publications: &[Publication]) {
        for publication in publications {
            if publication.topic == Topic::Ledger {
                self.steps += 1;
                continue;
            }
            let name = match &publication.owner {
                Some(owner) => TopicName::own(owner, publication.topic),
                None => publication.topic.into(),
            };
            let headers = publication.headers.iter().map(|(name, value)| (*name, value.as_bytes()));
            self.by_key.entry((name, publication.key.clone())).or_default().push(&publication.value, headers);
        }
    }
}

/// Byte for byte, in order per topic and key.
fn outputs_are_the_folds<L: Log>(log: &L, published: &Outputs) {
    let mut found: BTreeMap<(TopicName, Vec<u8>), Sequence> = BTreeMap::new();
    let topics = [Topic::Enriched, Topic::Verified, Topic::Quarantined, Topic::Decisions, Topic::Timeline, Topic::Work];
    let own = own_topics(log).into_iter().filter(|name| name.topic.role() == TopicRole::Output);
    for name in topics.into_iter().map(TopicName::from).chain(own) {
        for record in every(log, name) {
            let headers = record.headers.iter().map(|(name, value)| (name.as_str(), value.as_deref().unwrap()));
            let key = (name, record.key.clone().unwrap());
            found.entry(key).or_default().push(record.value.as_deref().unwrap(), headers);
        }
    }
    for (key, sequence) in &published.by_key {
        let name = String::from_utf8_lossy(&key.1);
        let found = found.get(key);
        assert_eq!(found.map(|found| found.records), Some(sequence.records), "records of {name} on {}", key.0);
        assert!(found == Some(sequence), "{name} on {} is not what the fold gives", key.0);
    }
    assert!(published.by_key == found, "the committed outputs are not the fold of the committed ledger");
}

/// Records of the ledger that stand for one input or one answer, as a digest of their bytes; and what they were made with.
#[derive(Debug)]
struct Entered {
    digest: Digest,
    control: u64,
    at: Millis,
}

/// What the ledger holds, of all partitions.
#[derive(Default)]
struct LedgerFacts {
    all: u64,
    /// Without `continue`, control and checkpoints.
    records: u64,
    steps: u64,
    sweeps: BTreeMap<(u32, u64), u64>,
    parts: Vec<u8>,
    by_source: BTreeMap<(TopicName, u32, u64), Entered>,
    /// A pair that comes into force again may be asked for again.
    answers: BTreeMap<(Digest, String), Vec<Entered>>,
    checkpoints: BTreeSet<Digest>,
    control: Copies,
}

impl LedgerFacts {
    fn take(&mut self, record: &Record, parsed: LedgerRecord) {
        let bytes = record.value.as_deref().unwrap();
        assert_eq!(parsed.to_bytes(), bytes, "a record reads and writes to the same bytes");
        self.all += 1;
        let own = matches!(parsed.body, Body::Continue(_) | Body::Control(_) | Body::Checkpoint(_));
        self.records += u64::from(!own);
        match parsed.body {
            Body::Part(_) => self.parts.extend(bytes),
            Body::Admitted(admitted) => {
                let source = (admitted.source.topic, admitted.source.partition, admitted.source.offset);
                let mut whole = std::mem::take(&mut self.parts);
                whole.extend(bytes);
                let (control, at) = (admitted.control, admitted.admitted_at);
                let before = self.by_source.insert(source, Entered { digest: Digest::of(&whole), control, at });
                assert!(before.is_none(), "{source:?} is admitted twice");
            }
            Body::Answer(answer) => {
                let key = (answer.attestation, format!("{:?}", answer.result.pair));
                let (control, at) = (answer.control, answer.admitted_at);
                self.answers.entry(key).or_default().push(Entered { digest: Digest::of(bytes), control, at });
            }
            Body::Checkpoint(seen) => drop(self.checkpoints.insert(seen.checkpoint.identity())),
            Body::Control(copy) => self.control.take(record.partition.number, *copy),
            // The next step of a sweep is appended by the transaction that folds the step before it, so whatever live
            // record was in the ledger by then stands between the two: at most one step keeps a live record waiting.
            Body::Continue(step) => {
                self.steps += 1;
                let before = self.sweeps.insert((record.partition.number, step.sweep), step.step);
                assert!(before.is_none_or(|before| before + 1 == step.step), "steps of a sweep stand in order, once");
            }
        }
    }
}

/// Each input has one fate, and the ledger holds nothing else but control and the fold's own.
fn inputs_are_admitted_once<L: Log>(log: &L, objects: &dyn Objects, ledger: LedgerFacts, judgement: &mut Judgement) {
    let control = Tables::of(&read_all(log, Topic::Control));
    let LedgerFacts { mut by_source, checkpoints, mut answers, .. } = ledger;
    let mut rested_on = BTreeSet::new();
    let mut letters = dead_letters(log);
    for name in inputs(log) {
        for record in every(log, name) {
            let source = (name, record.partition.number, record.offset);
            match (by_source.remove(&source), letters.remove(&source)) {
                (Some(entered), None) => {
                    judgement.admitted += 1;
                    let (again, seen) = admit_again(&record, &entered, &control, objects);
                    assert_eq!(again, entered.digest, "admitting {source:?} again gives other records");
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
    answers_are_right(log, objects, &control, &mut answers);
}

/// What producers write, shared and own.
fn inputs<L: Log>(log: &L) -> Vec<TopicName> {
    let shared = Topic::admission_inputs().filter(|topic| !matches!(topic, Topic::Control | Topic::Work));
    let own = own_topics(log).into_iter().filter(|name| name.topic.role() == TopicRole::Input);
    shared.map(TopicName::from).chain(own).collect()
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
    entered: &Entered,
    control: &Tables,
    objects: &dyn Objects,
) -> (Digest, Vec<SignedCheckpoint>) {
    let table = control.at(entered.control);
    let admission = Admission { table: &table, objects, now: entered.at };
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
        AdmissionFate::Admitted { records, .. } => {
            let bytes: Vec<u8> = records.into_iter().flat_map(|written| written.value).collect();
            (Digest::of(&bytes), outcome.checkpoints)
        }
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

/// One answer to each ask for (attestation, pair), and the right one.
fn answers_are_right<L: Log>(
    log: &L,
    objects: &dyn Objects,
    control: &Tables,
    answers: &mut BTreeMap<(Digest, String), Vec<Entered>>,
) {
    for record in every(log, Topic::Work) {
        let Work::Verify(work) = serde_json::from_slice(record.value.as_deref().unwrap()).unwrap();
        let given = answers.get_mut(&(work.attestation, format!("{:?}", work.pair))).and_then(Vec::pop).unwrap();
        let table = control.at(given.control);
        let again = answer(&work, &table, objects, given.at).unwrap().to_bytes();
        assert_eq!(Digest::of(&again), given.digest, "the answer of {} is another", work.attestation);
    }
    assert!(answers.values().all(Vec::is_empty), "what was not asked is not answered");
}

/// The records of an output on the shared topic and on those that tenants have of their own: each tenant's where it is to
/// be, and nowhere else.
fn everywhere<L: Log>(log: &L, topic: Topic, take: &mut dyn FnMut(&Record, Published)) {
    let own: Vec<TopicName> = own_topics(log).into_iter().filter(|name| name.topic == topic).collect();
    for name in std::iter::once(topic.into()).chain(own.iter().copied()) {
        for record in every(log, name) {
            let event: Published = serde_json::from_slice(record.value.as_deref().unwrap()).unwrap();
            let its = own.iter().find(|name| name.owner.unwrap().tenant() == event.tenant);
            assert_eq!(record.partition.name(), its.copied().unwrap_or(topic.into()), "of {}", event.tenant);
            take(&record, event);
        }
    }
}

fn readers_end_right<L: Log>(log: &L, judgement: &mut Judgement) {
    everywhere(log, Topic::Enriched, &mut |_, event| {
        let newer = judgement.events.get(&event.id).is_none_or(|known| known.revision < event.revision);
        assert!(newer, "revisions rise on events.enriched");
        judgement.events.insert(event.id.clone(), event);
    });
    let mut standing: BTreeMap<String, u64> = BTreeMap::new();
    everywhere(log, Topic::Verified, &mut |record, event| {
        assert_eq!(header(record, "change"), event.change.unwrap().as_str());
        match event.change.unwrap() {
            Change::Revoked => drop(standing.remove(&event.id).unwrap()),
            _ => drop(standing.insert(event.id, event.revision.unwrap())),
        }
    });
    let verified = judgement.events.values().filter(|event| event.trust.status == Status::Verified);
    let verified: Vec<&String> = verified.map(|event| &event.id).collect();
    assert_eq!(standing.keys().collect::<Vec<_>>(), verified);
}
