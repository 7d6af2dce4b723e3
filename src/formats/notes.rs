//! What is accepted and still worth saying: it refuses nothing, is shown beside the event, and a policy may refuse it.

use crate::event::Kind;

use super::facts::{Facts, ScanInputs};

crate::codes! {
    /// A remark on an input that was accepted.
    pub enum Note {
        /// A number of the document cannot be held exactly by a double, so that no predicate can be shown to equal the
        /// document. Write it as a string, or bind the document by its digest.
        DocumentNumberInexact = "document-number-inexact",
        /// A `not_affected` has an impact statement only. It is accepted and never waives; give a justification.
        VexFreeText = "vex-free-text",
        /// The scan does not say on which image and SBOM, with which scanner version, database snapshot and configuration
        /// it ran, so that nobody can repeat it. State them as run properties or in `scan`.
        ScanInputsUnpinned = "scan-inputs-unpinned",
    }
}

/// The remarks on a document's facts. `scan` is what the scan ran on, as settled between document and producer.
pub fn notes(kind: Kind, facts: &Facts, scan: Option<&ScanInputs>) -> Vec<Note> {
    let free_text = facts.statements.iter().any(|s| s.status == "not_affected" && s.justification.is_none());
    let unpinned = kind == Kind::Scan && !scan.is_some_and(pinned);
    let found = [(Note::VexFreeText, free_text), (Note::ScanInputsUnpinned, unpinned)];
    found.into_iter().filter_map(|(note, there)| there.then_some(note)).collect()
}

fn pinned(scan: &ScanInputs) -> bool {
    let said = [&scan.scanner, &scan.scanner_version, &scan.db_snapshot, &scan.config_hash];
    !scan.image_digests.is_empty() && !scan.sbom_digests.is_empty() && said.into_iter().all(Option::is_some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::facts::VexStatement;

    #[test]
    fn a_scan_is_pinned_only_by_all_of_its_inputs() {
        let text = || Some(String::from("x"));
        let whole = ScanInputs {
            image_digests: vec![String::from("i")],
            sbom_digests: vec![String::from("s")],
            scanner: text(),
            scanner_version: text(),
            db_snapshot: text(),
            config_hash: text(),
        };
        let of = |scan: Option<&ScanInputs>| notes(Kind::Scan, &Facts::default(), scan);
        assert_eq!(of(Some(&whole)), []);
        assert_eq!(of(None), [Note::ScanInputsUnpinned]);
        let lacking = [
            ScanInputs { image_digests: vec![], ..whole.clone() },
            ScanInputs { sbom_digests: vec![], ..whole.clone() },
            ScanInputs { scanner: None, ..whole.clone() },
            ScanInputs { scanner_version: None, ..whole.clone() },
            ScanInputs { db_snapshot: None, ..whole.clone() },
            ScanInputs { config_hash: None, ..whole },
        ];
        for scan in &lacking {
            assert_eq!(of(Some(scan)), [Note::ScanInputsUnpinned]);
        }
        assert_eq!(notes(Kind::Sbom, &Facts::default(), None), []);
    }

    #[test]
    fn free_text_is_noted_and_a_justification_is_not() {
        let statement = |status: &str, justification: Option<&str>| VexStatement {
            status: status.into(),
            justification: justification.map(str::to_owned),
            ..VexStatement::default()
        };
        let of = |one: VexStatement| notes(Kind::Vex, &Facts { statements: vec![one], ..Facts::default() }, None);
        assert_eq!(of(statement("not_affected", None)), [Note::VexFreeText]);
        assert_eq!(of(statement("not_affected", Some("component_not_present"))), []);
        assert_eq!(of(statement("fixed", None)), []);
    }
}
