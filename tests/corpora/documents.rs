//! Every document that is accepted is verified by right evidence, and refused by wrong evidence with its code.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use attestream::event::{Digest, Topic};
use attestream::ledger::output::{Published, Status};
use attestream::log::Log;
use attestream::signing::Wrong;

use super::sets::{corpus, files, name};
use super::signed::{Document, MEANT, UNMEANT};
use super::site::{Fate, Line, NOW, Site, bytes};
use super::table::Table;
use crate::broker;
use crate::spine::feed::Producer;
use crate::spine::plant::read_all;

/// The sets of documents; of the last two, only some files are documents.
const SETS: [&str; 7] =
    ["bom-examples", "cyclonedx-1.6", "vexhub", "openvex", "sarif", "cosign/blobs", "cosign/predicates"];

/// None of the sets has a document like this; some producers do.
const INEXACT: &str = r#"{"bomFormat":"CycloneDX","specVersion":"1.6","version":9007199254740993}"#;
const MADE: &str = "a number that no double holds";

type Fates = BTreeMap<(String, Digest), Fate>;
type Documents = BTreeMap<Digest, Document>;

/// Publishes every set for a tenant, one process per set.
fn publish(site: &Site, root: &Path, made: &Path, tenant: &str) -> Vec<(&'static str, Line)> {
    let sets = SETS.into_iter().map(|set| (set, root.join(set))).chain([(MADE, made.to_owned())]);
    sets.flat_map(|(set, path)| site.publish(tenant, &[path]).into_iter().map(move |line| (set, line))).collect()
}

/// The events of a tenant, by document: each accepted file is in one, and each is of one accepted file.
fn documents<L: Log>(log: &L, lines: &[(&str, Line)], tenant: &str) -> Documents {
    let paths: BTreeMap<Digest, &PathBuf> =
        lines.iter().filter_map(|(_, line)| Some((line.digest?, &line.path))).collect();
    let mut documents = BTreeMap::new();
    for record in read_all(log, Topic::Enriched) {
        let event: Published = serde_json::from_slice(record.value.as_deref().unwrap()).unwrap();
        if event.tenant.as_str() == tenant {
            let digest = event.document.as_ref().unwrap().digest;
            assert_eq!(event.trust.status, Status::Missing, "nothing is signed yet");
            let before = documents.insert(digest, Document { event, bytes: bytes(paths[&digest]) });
            assert!(before.is_none(), "one event per document: {}", paths[&digest].display());
        }
    }
    documents
}

/// Counts what became of each file: accepted, or why not.
fn count_files(table: &mut Table, root: &Path, lines: &[(&str, Line)], fates: &Fates, documents: &Documents) {
    let mut seen = BTreeSet::new();
    for (set, line) in lines {
        let (Some(digest), "published") = (line.digest, line.outcome.as_str()) else {
            let why = line.why.as_deref().unwrap();
            assert!(line.outcome == "skipped" || why == "record-too-large", "{line:?}");
            table.count(set, &format!("not published: {why}"));
            continue;
        };
        let fate = &fates[&("right".to_owned(), digest)];
        assert_eq!(fates[&("wrong".to_owned(), digest)], *fate, "a tenant's documents fare as another's");
        match fate {
            Fate::Admitted(_) => {
                assert!(documents.contains_key(&digest), "{}", name(root, &line.path));
                table.count(set, if seen.insert(digest) { "accepted" } else { "accepted again (repeated)" });
            }
            Fate::DeadLettered(code) => {
                assert!(!documents.contains_key(&digest), "{}", name(root, &line.path));
                table.count(set, &format!("dead-lettered: {code}"));
            }
        }
    }
}

/// Wrong evidence about each document, one kind after the other, and beside it evidence that means no event.
struct WrongEvidence {
    /// What is wrong with the evidence about each document.
    about: BTreeMap<Digest, Wrong>,
    /// Evidence that means no event, by digest.
    beside: BTreeMap<Digest, Wrong>,
    inputs: Vec<(String, Vec<u8>)>,
}

fn sign_wrong(producer: &mut Producer, documents: &Documents) -> WrongEvidence {
    let mut wrong = WrongEvidence { about: BTreeMap::new(), beside: BTreeMap::new(), inputs: Vec::new() };
    let kinds = MEANT.into_iter().zip(UNMEANT).cycle();
    for ((digest, document), (meant, unmeant)) in documents.iter().zip(kinds) {
        wrong.about.insert(*digest, meant);
        let key = format!("wrong/{}", meant.expected());
        wrong.inputs.push((key, document.attest(&mut producer.authority, Some(meant))));
        let beside = document.attest(&mut producer.authority, Some(unmeant));
        wrong.beside.insert(Digest::of(&beside), unmeant);
        wrong.inputs.push(("wrong/beside".to_owned(), beside));
    }
    wrong
}

/// Status and code of an event that is refused.
fn refusal(code: &str) -> String {
    let mismatch = matches!(code, "key-unknown" | "payload-type");
    format!("{} {code}", if mismatch { Status::KeyPolicyMismatch } else { Status::Failed }.as_str())
}

/// Every set has been read, and what a table says of it is not about nothing.
fn nothing_is_vacuous(table: &Table, documents: &Documents) {
    for set in ["bom-examples", "vexhub", "sarif", "cosign/blobs", MADE] {
        assert!(table.of(set, "accepted") > 0, "{set} has a document that is accepted");
    }
    let count = |which: fn(&Document) -> bool| documents.values().filter(|document| which(document)).count();
    let (located, inexact) = (count(Document::by_location), count(Document::inexact));
    assert!(inexact > 0 && located > inexact && located < documents.len());
    println!("{located} of {} documents are signed by location, {inexact} for a number", documents.len());
}

#[test]
fn every_accepted_document_is_verified_by_right_evidence_and_refused_by_wrong() {
    let Some(root) = corpus(&SETS) else { return };
    let Some(cluster) = broker::shared() else { return };
    let mut right = Producer::new("right", 1, NOW);
    let mut wrong = Producer::new("wrong", 2, NOW);
    let site = Site::open(cluster, vec![right.trust(), wrong.trust()], None);
    let made = tempfile::tempdir().unwrap();
    std::fs::write(made.path().join("inexact.cdx.json"), INEXACT).unwrap();
    let lines = publish(&site, &root, made.path(), "right");
    site.settle();
    let again = publish(&site, &root, made.path(), "wrong");
    assert_eq!(lines.len(), again.len());
    assert_eq!(lines.len(), 1 + SETS.iter().map(|set| files(&root.join(set)).len()).sum::<usize>(), "a line per file");
    site.settle();
    let documents_right = documents(&site.log, &lines, "right");
    let documents_wrong = documents(&site.log, &again, "wrong");
    assert!(documents_right.keys().eq(documents_wrong.keys()));

    let mut table = Table::default();
    count_files(&mut table, &root, &lines, &site.fates(), &documents_right);
    let signed = documents_right.values().map(|document| document.attest(&mut right.authority, None));
    let signed: Vec<(String, Vec<u8>)> = signed.map(|bytes| ("right/evidence".to_owned(), bytes)).collect();
    let evidence = sign_wrong(&mut wrong, &documents_wrong);
    site.send(&signed);
    site.settle();
    site.send(&evidence.inputs);
    site.settle();
    let fates = site.fates();
    for (digest, wrong) in &evidence.beside {
        let expected = if wrong.verifies() { "verified" } else { wrong.expected() };
        assert_eq!(fates[&("wrong".to_owned(), *digest)].said(), expected, "{wrong:?}");
    }

    let events = site.judge().events;
    assert_eq!(events.len(), documents_right.len() + documents_wrong.len());
    let sets: BTreeMap<Digest, &str> = lines.iter().filter_map(|(set, line)| Some((line.digest?, *set))).collect();
    let mut unlike = Vec::new();
    for event in events.values() {
        let digest = event.document.as_ref().unwrap().digest;
        let said = format!("{} {}", event.trust.status.as_str(), event.trust.reasons.join(" "));
        let expected = match event.tenant.as_str() {
            "right" => "verified ".to_owned(),
            _ => refusal(documents_wrong[&digest].expected(evidence.about[&digest])),
        };
        if said != expected || event.trust.verified != (event.trust.status == Status::Verified) {
            unlike.push(format!("{} {digest} of {}: {said}, not {expected}", sets[&digest], event.tenant));
        }
        table.count(&format!("{}, tenant {}", sets[&digest], event.tenant), said.trim_end());
    }
    nothing_is_vacuous(&table, &documents_right);
    table.publish("Documents on Kafka, and what evidence makes of them");
    assert!(unlike.is_empty(), "{}", unlike.join("\n"));
}
