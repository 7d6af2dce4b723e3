//! The judge of every seed. It knows the committed topics, the folders and what was sent, and asks:
//! outputs = fold of the ledger, byte for byte and in order per key; state hash = fold of the ledger; one fate per input;
//! in = sum of fates; one answer per ask; inputs of one tenant and partition in their order; control once and in its order
//! in every partition; nothing verified before its evidence; each document's end.
//!
//! What it leaves to the whole oracle (`spine/oracle.rs`), which judges a share of the seeds: admission again, and schemas.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use attestream::event::topic::TopicRole;
use attestream::event::{Digest, Tenant, Topic, TopicName};
use attestream::ledger::control::Position;
use attestream::ledger::output::Status;
use attestream::ledger::record::{Body, Work};
use attestream::ledger::state::{MemoryState, State as _, StatePosition};
use attestream::ledger::{LedgerRecord, Publication};
use attestream::log::memory::MemoryLog;
use attestream::log::{Log, Partition, Record};
use serde::Deserialize;
use sha2::Digest as _;

use super::folders::ANOTHER;
use super::holes::Hole;
use super::workload::Workload;
use super::world::World;
use crate::spine::copies::Copies;
use crate::spine::plant::{all_of, own_topics, read_all};
use crate::spine::refold::fold_batch;

/// Records that are folded at once.
const CHUNK: usize = 256;

/// Of a published event, what is judged.
#[derive(Deserialize)]
struct Shown {
    tenant: Tenant,
    document: Option<ShownDocument>,
    trust: ShownTrust,
}

#[derive(Deserialize)]
struct ShownDocument {
    digest: Digest,
}

#[derive(Deserialize)]
struct ShownTrust {
    status: Status,
    #[serde(default)]
    reasons: Vec<String>,
}

impl Shown {
    fn of(value: &[u8]) -> Self {
        serde_json::from_slice(value).unwrap()
    }

    fn document(&self) -> (Tenant, Digest) {
        (self.tenant.clone(), self.document.as_ref().unwrap().digest)
    }
}

/// What the ledger says of inputs and asks.
#[derive(Default)]
struct Found {
    admitted: BTreeMap<(TopicName, u32, u64), u64>,
    answers: BTreeMap<(Digest, String), u64>,
    /// Inputs that are in the ledger so far, by tenant.
    evidence: BTreeSet<(Tenant, Digest)>,
    by_reference: u64,
    continues: usize,
    control: Copies,
    /// The last input of each partition and tenant.
    last: BTreeMap<(Tenant, TopicName, u32), u64>,
    /// Records and the offset after the last, by partition.
    ends: BTreeMap<u32, (u64, u64)>,
}

pub fn judge(world: &World, workload: &Workload, deep: bool) {
    let log = &world.log;
    let own = own_topics(log);
    let mut found = Found::default();
    let mut published = Vec::new();
    let mut hashes: BTreeMap<(u32, u64), Digest> = BTreeMap::new();
    // What was made another ledger's, and was not opened since, says nothing of this one.
    let states = (0..world.slots.len()).flat_map(|slot| world.folder(slot).states());
    let kept: Vec<(StatePosition, Digest)> = states.filter(|(position, _)| position.ledger != ANOTHER).collect();
    for number in 0..log.partitions(Topic::Ledger).unwrap() {
        let records: Vec<Record> = all_of(log, Partition::of(Topic::Ledger, number)).collect();
        let end = u64::try_from(records.len()).unwrap();
        let of_partition = kept.iter().filter(|(position, _)| position.partition == number);
        let mut asked: BTreeSet<u64> = of_partition.map(|(position, _)| position.seq).filter(|_| deep).collect();
        asked.insert(end);
        found.ends.insert(number, (end, records.last().map_or(0, |last| last.offset + 1)));
        published.extend(fold(number, &records, &asked, workload, &mut found, &mut hashes));
    }
    for (position, hash) in &kept {
        let expected = hashes.get(&(position.partition, position.seq));
        if let Some(expected) = expected {
            assert_eq!(hash, expected, "the state of {} at {} is the fold's", position.partition, position.seq);
        }
        assert!(expected.is_some() || !deep, "a state stands at {}, where the ledger has no record", position.seq);
    }
    let at_end = |(position, _): &&(StatePosition, Digest)| found.ends[&position.partition].0 == position.seq;
    let current: BTreeSet<u32> = kept.iter().filter(at_end).map(|(position, _)| position.partition).collect();
    assert_eq!(current.len(), found.ends.len(), "every partition's state is at the end somewhere");
    outputs_are_the_folds(log, &own, &published, found.continues);
    positions_stand_at_the_end(log, &found);
    let owner = log.committed("sim-admission", Partition::of(Topic::Control, 0)).unwrap();
    found.control.are_in_every_partition(log, Some(owner.unwrap()));
    inputs_have_one_fate(world, &own, workload, &mut found);
    asks_have_one_answer(log, found.answers);
    ends_are_the_expected(log, &own, workload);
}

/// Folds a partition's ledger from nothing, and looks at what is verified as it goes.
fn fold(
    number: u32,
    records: &[Record],
    asked: &BTreeSet<u64>,
    workload: &Workload,
    found: &mut Found,
    hashes: &mut BTreeMap<(u32, u64), Digest>,
) -> Vec<Publication> {
    let mut state = MemoryState::default();
    let mut published = Vec::new();
    let (mut seq, mut rest) = (0u64, records);
    while !rest.is_empty() {
        // A chunk ends where a hash is asked for.
        let until = asked.range(seq + 1..).next().map_or(u64::MAX, |next| next - seq);
        let count = usize::try_from(until).unwrap_or(CHUNK).min(CHUNK).min(rest.len());
        let (batch, after) = rest.split_at(count);
        seq = fold_batch(&mut state, number, seq, batch, &mut |_, record, step| {
            found.take(number, &record);
            for publication in step.publish.iter().filter(|one| one.topic == Topic::Verified) {
                verified_after_its_evidence(publication, workload, &found.evidence);
            }
            published.extend(step.publish);
        });
        if asked.contains(&seq) {
            hashes.insert((number, seq), state.state_hash().unwrap());
        }
        rest = after;
    }
    published
}

impl Found {
    fn take(&mut self, number: u32, record: &LedgerRecord) {
        match &record.body {
            Body::Admitted(admitted) => {
                let source = &admitted.source;
                *self.admitted.entry((source.topic, source.partition, source.offset)).or_default() += 1;
                let place = (record.tenant.clone(), source.topic, source.partition);
                let before = self.last.insert(place, source.offset);
                let text = format!("{} of {}/{}", source.offset, source.topic, source.partition);
                assert!(before.is_none_or(|before| before < source.offset), "{text} came behind {before:?}");
                self.evidence.insert((record.tenant.clone(), admitted.input.digest));
                self.by_reference += u64::from(admitted.input.r#ref.is_some());
            }
            Body::Answer(answer) => {
                let key = (answer.attestation, format!("{:?}", answer.result.pair));
                *self.answers.entry(key).or_default() += 1;
            }
            Body::Continue(_) => self.continues += 1,
            Body::Control(copy) => self.control.take(number, (**copy).clone()),
            Body::Part(_) | Body::Checkpoint(_) => {}
        }
    }
}

/// What is published as verified has right evidence, and that is in the ledger already.
fn verified_after_its_evidence(publication: &Publication, workload: &Workload, evidence: &BTreeSet<(Tenant, Digest)>) {
    let shown = Shown::of(&publication.value);
    if shown.trust.status != Status::Verified {
        return;
    }
    let document = shown.document();
    let end = workload.ends.get(&document);
    let end = end.unwrap_or_else(|| panic!("{document:?} is verified and was never sent"));
    let came = end.evidence.iter().any(|digest| evidence.contains(&(document.0.clone(), *digest)));
    assert!(came, "{document:?} is verified, and its evidence had not come");
}

fn outputs_are_the_folds(log: &MemoryLog, own: &[TopicName], published: &[Publication], in_ledger: usize) {
    let topics = [Topic::Enriched, Topic::Verified, Topic::Quarantined, Topic::Decisions, Topic::Timeline, Topic::Work];
    let own = own.iter().copied().filter(|name| name.topic.role() == TopicRole::Output);
    let names: BTreeSet<TopicName> = topics.into_iter().map(TopicName::from).chain(own).collect();
    let records: Vec<Record> = names.iter().flat_map(|name| read_all(log, *name)).collect();
    let mut found: BTreeMap<(TopicName, &[u8]), VecDeque<&Record>> = BTreeMap::new();
    for record in &records {
        found.entry((record.partition.name(), record.key.as_deref().unwrap())).or_default().push_back(record);
    }
    let mut continues = 0;
    for publication in published {
        if publication.topic == Topic::Ledger {
            continues += 1;
            continue;
        }
        let name = match &publication.owner {
            Some(owner) => TopicName::own(owner, publication.topic),
            None => publication.topic.into(),
        };
        let key = String::from_utf8_lossy(&publication.key);
        let record = found.get_mut(&(name, publication.key.as_slice())).and_then(VecDeque::pop_front);
        let record = record.unwrap_or_else(|| panic!("a record of {key} is missing on {name}"));
        assert!(record.value.as_ref() == Some(&publication.value), "{key} on {name} is not the fold's");
        let same =
            record.headers.len() == publication.headers.len()
                && record.headers.iter().zip(&publication.headers).all(|((name, value), (expected, text))| {
                    name == expected && value.as_deref() == Some(text.as_bytes())
                });
        assert!(same, "the headers of {key} on {name} are not the fold's");
    }
    let more = found.into_iter().find(|(_, left)| !left.is_empty());
    assert!(more.is_none(), "a record is on its topic and not of the fold: {:?}", more.map(|((name, _), _)| name));
    assert_eq!(in_ledger, continues, "each step of a sweep is in the ledger once");
}

fn positions_stand_at_the_end(log: &MemoryLog, found: &Found) {
    let mut last: BTreeMap<u32, Position> = BTreeMap::new();
    for record in read_all(log, Topic::Positions) {
        let position: Position = serde_json::from_slice(record.value.as_deref().unwrap()).unwrap();
        let before = last.get(&position.partition).map_or(0, |before| before.seq);
        assert!(position.seq >= before, "positions never go back");
        last.insert(position.partition, position);
    }
    for (number, position) in last {
        let committed = log.committed("sim-ledger", Partition::of(Topic::Ledger, number)).unwrap();
        assert!(committed.is_none_or(|committed| committed == position.next_offset), "offset and position are one");
        assert_eq!((position.seq, position.next_offset), found.ends[&number], "records of the ledger = sum of fates");
    }
}

fn inputs_have_one_fate(world: &World, own: &[TopicName], workload: &Workload, found: &mut Found) {
    let log = &world.log;
    let mut letters: BTreeMap<(TopicName, u32, u64), u64> = BTreeMap::new();
    for letter in read_all(log, Topic::DeadLetter) {
        let text = |name: &str| {
            let (_, value) = letter.headers.iter().find(|(header, _)| header == name).unwrap();
            String::from_utf8(value.clone().unwrap()).unwrap()
        };
        let topic = TopicName::parse(&text("__streams.errors.topic")).unwrap();
        let number = |name: &str| text(name).parse::<u64>().unwrap();
        let partition = u32::try_from(number("__streams.errors.partition")).unwrap();
        *letters.entry((topic, partition, number("__streams.errors.offset"))).or_default() += 1;
    }
    let count = |all: &BTreeMap<_, u64>| all.values().sum::<u64>();
    let (admitted, dead) = (count(&found.admitted), count(&letters));
    let shared = Topic::admission_inputs().filter(|topic| !matches!(topic, Topic::Control | Topic::Work));
    let own = own.iter().copied().filter(|name| name.topic.role() == TopicRole::Input);
    let mut inputs = 0u64;
    for name in shared.map(TopicName::from).chain(own) {
        for record in read_all(log, name) {
            inputs += 1;
            let source = (name, record.partition.number, record.offset);
            let fates = found.admitted.get(&source).unwrap_or(&0) + letters.get(&source).unwrap_or(&0);
            assert_eq!(fates, 1, "fates of the input at {} of {}", record.offset, record.partition);
        }
    }
    assert_eq!(inputs, admitted + dead, "inputs = sum of fates");
    assert_eq!(dead, workload.dead_letters, "dead letters");
    let mut director = world.director();
    assert_eq!(inputs, director.tally.inputs, "what was sent is in the topics");
    director.tally.ledger += found.ends.values().map(|(records, _)| records).sum::<u64>();
    *director.tally.holes.entry(Hole::ClaimCheck).or_default() += found.by_reference;
}

fn asks_have_one_answer(log: &MemoryLog, mut answers: BTreeMap<(Digest, String), u64>) {
    for record in read_all(log, Topic::Work) {
        let Work::Verify(work) = serde_json::from_slice(record.value.as_deref().unwrap()).unwrap();
        // A pair that comes into force again may be asked for again.
        let left = answers.get_mut(&(work.attestation, format!("{:?}", work.pair))).filter(|left| **left > 0);
        *left.unwrap_or_else(|| panic!("an ask about {} has no answer", work.attestation)) -= 1;
    }
    assert!(answers.values().all(|left| *left == 0), "what was not asked is not answered");
}

fn ends_are_the_expected(log: &MemoryLog, own: &[TopicName], workload: &Workload) {
    let own = own.iter().copied().filter(|name| name.topic == Topic::Enriched);
    let mut last: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    for name in own.chain([Topic::Enriched.into()]) {
        last.extend(read_all(log, name).into_iter().map(|record| (record.key.unwrap(), record.value.unwrap())));
    }
    let mut ends: BTreeMap<(Tenant, Digest), Shown> = BTreeMap::new();
    for value in last.values() {
        let shown = Shown::of(value);
        ends.insert(shown.document(), shown);
    }
    assert_eq!(ends.len(), workload.ends.len(), "documents that were sent, and events");
    for (document, expected) in &workload.ends {
        let shown = ends.get(document).unwrap_or_else(|| panic!("{document:?} is no event"));
        let found = (shown.trust.status, shown.trust.reasons.first().map(String::as_str));
        assert_eq!(found, (expected.status, expected.reason), "the end of {document:?}");
    }
}

/// One digest over everything that is committed: partition, offset, time, key, value and headers.
pub fn fingerprint(log: &MemoryLog) -> Digest {
    let mut hash = sha2::Sha256::new();
    let mut part = |bytes: &[u8]| {
        hash.update(u64::try_from(bytes.len()).unwrap().to_be_bytes());
        hash.update(bytes);
    };
    let shared = Topic::ALL.iter().map(|topic| TopicName::from(*topic));
    for name in shared.chain(own_topics(log)) {
        for record in read_all(log, name) {
            part(format!("{} {} {}", record.partition, record.offset, record.timestamp.0).as_bytes());
            part(record.key.as_deref().unwrap_or_default());
            part(record.value.as_deref().unwrap_or_default());
            for (name, value) in &record.headers {
                part(name.as_bytes());
                part(value.as_deref().unwrap_or_default());
            }
        }
    }
    Digest::from_bytes(hash.finalize().into())
}
