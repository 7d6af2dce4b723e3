//! Lost, doubled, out of order: counted from the committed topics, by rules of its own beside the oracle's.

use std::collections::{BTreeMap, BTreeSet};

use attestream::event::topic::TopicRole;
use attestream::event::{Topic, TopicName};
use attestream::kafka::KafkaLog;
use attestream::ledger::output::Published;
use attestream::ledger::record::{Body, LedgerRecord};
use attestream::log::Record;

use crate::spine::plant::read_all;

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    pub inputs: u64,
    pub outputs: u64,
    /// Inputs without a fate, and events whose newest revision does not follow from one.
    pub lost: u64,
    /// Inputs with more than one fate, and revisions that were published twice.
    pub doubled: u64,
    /// Inputs of one partition and tenant that came into the ledger in another order, and revisions that fall.
    pub out_of_order: u64,
}

type Source = (TopicName, u32, u64);

impl Tally {
    pub fn of(log: &KafkaLog) -> Tally {
        let mut tally = Tally::default();
        let mut fates: BTreeMap<Source, u64> = BTreeMap::new();
        tally.take_ledger(&read_all(log, Topic::Ledger), &mut fates);
        for letter in read_all(log, Topic::DeadLetter) {
            *fates.entry(source_of(&letter)).or_default() += 1;
        }
        let shared = Topic::ALL.iter().filter(|topic| topic.role() == TopicRole::Input);
        for topic in shared {
            for input in read_all(log, *topic) {
                tally.inputs += 1;
                let source = (input.partition.name(), input.partition.number, input.offset);
                match fates.remove(&source) {
                    None => tally.lost += 1,
                    Some(1) => {}
                    Some(more) => tally.doubled += more - 1,
                }
            }
        }
        tally.take_outputs(&read_all(log, Topic::Enriched));
        tally
    }

    fn take_ledger(&mut self, ledger: &[Record], fates: &mut BTreeMap<Source, u64>) {
        let mut last: BTreeMap<(String, TopicName, u32), u64> = BTreeMap::new();
        for record in ledger {
            let parsed: LedgerRecord = serde_json::from_slice(record.value.as_deref().unwrap()).unwrap();
            let Body::Admitted(admitted) = &parsed.body else { continue };
            let source = &admitted.source;
            *fates.entry((source.topic, source.partition, source.offset)).or_default() += 1;
            let before = last.insert((parsed.tenant.to_string(), source.topic, source.partition), source.offset);
            self.out_of_order += u64::from(before.is_some_and(|before| before > source.offset));
        }
    }

    fn take_outputs(&mut self, enriched: &[Record]) {
        let mut newest: BTreeMap<String, u64> = BTreeMap::new();
        let mut seen: BTreeSet<(String, u64)> = BTreeSet::new();
        for record in enriched {
            self.outputs += 1;
            let event: Published = serde_json::from_slice(record.value.as_deref().unwrap()).unwrap();
            let revision = event.revision.unwrap();
            self.doubled += u64::from(!seen.insert((event.id.clone(), revision)));
            let before = newest.insert(event.id, revision);
            self.out_of_order += u64::from(before.is_some_and(|before| before > revision));
        }
        // Revisions count from one, without gaps.
        let whole: u64 = newest.values().sum();
        self.lost += whole.saturating_sub(u64::try_from(seen.len()).unwrap());
    }

    pub fn add(&mut self, other: Tally) {
        self.inputs += other.inputs;
        self.outputs += other.outputs;
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.out_of_order += other.out_of_order;
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Tally { lost, doubled, out_of_order, .. } = self;
        write!(f, "{lost} lost, {doubled} doubled, {out_of_order} out of order")
    }
}

fn source_of(letter: &Record) -> Source {
    let header = |name: &str| {
        let (_, value) = letter.headers.iter().rfind(|(header, _)| header == name).unwrap();
        String::from_utf8(value.clone().unwrap()).unwrap()
    };
    let topic = TopicName::parse(&header("__streams.errors.topic")).unwrap();
    let number = |name: &str| header(name).parse().unwrap();
    let partition = header("__streams.errors.partition").parse().unwrap();
    (topic, partition, number("__streams.errors.offset"))
}
