//! Changed and random inputs: never a panic, and what is accepted survives being written and read.

use attestream::event::Kind;
use attestream::formats::facts::Facts;
use attestream::formats::{Accepted, Arrived, Lane, arrive, facts_of, statement};
use proptest::prelude::*;

use super::vector;

const DOCUMENTS: [(&str, Kind); 5] = [
    ("statements/orders-api-1.4.2.cdx.json", Kind::Sbom),
    ("statements/orders-api-1.4.2.openvex.json", Kind::Vex),
    ("statements/orders-api-1.4.2.sarif", Kind::Scan),
    ("cyclonedx-1.6/valid-component-hashes-1.6.json", Kind::Sbom),
    ("sarif/SARIF2010.ProvideCodeSnippets_Valid.sarif", Kind::Scan),
];

fn survives(kind: Kind, bytes: &[u8]) {
    let Ok(arrival) = arrive(Lane::Documents(kind), None, &[], Some(bytes)) else { return };
    let Arrived::Document { document, .. } = &arrival.what else { return };
    let Ok(facts) = facts_of(kind, document, &Accepted::default()) else { return };
    let again: Facts = serde_json::from_slice(&serde_json::to_vec(&facts).unwrap()).unwrap();
    assert_eq!(again, facts);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_document_with_changed_bytes_is_refused_or_read(
        which in 0..DOCUMENTS.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let (path, kind) = DOCUMENTS[which];
        let mut bytes = vector(path);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        survives(kind, &bytes);
    }

    #[test]
    fn any_key_header_and_value_are_refused_or_read(
        key in prop::collection::vec(any::<u8>(), 0..40),
        name in "ce_[a-z]{0,8}|content-type|[a-z]{1,8}",
        text in prop::collection::vec(any::<u8>(), 0..40),
        value in "\\PC{0,80}|\\{\"(kind|specversion|bomFormat|payloadType|_type)\":\\PC{0,40}\\}",
    ) {
        for lane in [Lane::Documents(Kind::Sbom), Lane::Evidence] {
            let headers = [(name.clone(), Some(text.clone()))];
            let _ = arrive(lane, Some(&key), &headers, Some(value.as_bytes()));
        }
    }

    #[test]
    fn a_statement_with_changed_bytes_is_refused_or_read(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = vector("statements/vuln.statement.json");
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(read) = statement::read(&bytes, &[]) {
            prop_assert!(!read.facts.subjects.is_empty());
            prop_assert!(!read.facts.predicate_type.is_empty());
        }
    }
}

/// The set of facts of every accepted vector, written and read again, is the same.
#[test]
fn facts_survive_being_written_and_read() {
    for (path, kind) in DOCUMENTS {
        survives(kind, &vector(path));
        assert!(arrive(Lane::Documents(kind), None, &[], Some(&vector(path))).is_ok());
    }
}
