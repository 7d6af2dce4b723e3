//! Evidence about documents of others, right and wrong.

use attestream::event::{Digest, Kind, Subject, SubjectDigests};
use attestream::ledger::output::Published;
use attestream::signing::{Authority, Order, Predicate, Wrong};
use serde_json::Value;

use super::site::NOW;

/// What is wrong with evidence that still means the event: the event is refused, with this code.
pub const MEANT: [Wrong; 6] = [
    Wrong::TamperedPayload,
    Wrong::BadSignature,
    Wrong::WrongKey,
    Wrong::HintMismatch,
    Wrong::WrongDocument,
    Wrong::WrongPayloadType,
];

/// What is so wrong that no event of ours is meant: it is answered by its own code, and the event stays as it is.
pub const UNMEANT: [Wrong; 6] = [
    Wrong::WrongSubject,
    Wrong::WrongPredicateType,
    Wrong::NoStatement,
    Wrong::DuplicateMember,
    Wrong::Unsigned,
    Wrong::SignedTwice,
];

/// An event, and the bytes of its document.
pub struct Document {
    pub event: Published,
    pub bytes: Vec<u8>,
}

impl Document {
    pub fn digest(&self) -> Digest {
        Digest::of(&self.bytes)
    }

    /// A number in it cannot be held by a double: no predicate that repeats the document can be compared with it.
    pub fn inexact(&self) -> bool {
        self.event.document.as_ref().unwrap().canonical_digest.is_none()
    }

    /// The subjects that a build would name: the event's own by SHA-256, else the document itself.
    fn subjects(&self) -> Vec<Subject> {
        let own = self.event.subjects.iter().chain(&self.event.subject);
        let mut subjects: Vec<Subject> = own.filter(|subject| subject.digest.sha256.is_some()).cloned().collect();
        subjects.dedup();
        if subjects.is_empty() {
            let digest = SubjectDigests { sha256: Some(self.digest().hex()), ..SubjectDigests::default() };
            subjects.push(Subject { digest, name: Some("document".to_owned()), ..Subject::default() });
        }
        subjects
    }

    /// Signs for the document. A predicate that repeats it binds it by equality; where that cannot be, the predicate
    /// names its SHA-256 by `location`, in the form that the product defines for SBOMs, and under the format's own
    /// predicate type for the other kinds.
    pub fn attest(&self, authority: &mut Authority, wrong: Option<Wrong>) -> Vec<u8> {
        let (whole, named) = match self.event.kind {
            Kind::Sbom => ("https://cyclonedx.org/bom", "https://stella-ops.org/attestations/sbom/1"),
            Kind::Vex => ("https://openvex.dev/ns", "https://openvex.dev/ns/v0.2.0"),
            Kind::Scan => {
                let sarif = "https://docs.oasis-open.org/sarif/sarif/v2.1.0";
                (sarif, sarif)
            }
            kind => panic!("no document is of kind {kind:?}"),
        };
        let value: Value = serde_json::from_slice(&self.bytes).unwrap();
        let predicate = if self.inexact() {
            Predicate::Location { predicate_type: named, document: self.digest() }
        } else {
            Predicate::Document { predicate_type: whole, document: &value }
        };
        let subjects = self.subjects();
        let order = Order { subjects: &subjects, predicate, at: NOW, logged: false, wrong };
        authority.attest(&order).unwrap().bytes
    }

    /// The code of the event when this is wrong with its only evidence.
    pub fn expected(&self, wrong: Wrong) -> &'static str {
        // Of a document that cannot be compared at all, nobody can say that another one was meant.
        if wrong == Wrong::WrongDocument && self.inexact() { "document-number-inexact" } else { wrong.expected() }
    }
}
