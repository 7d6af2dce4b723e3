//! Evidence about documents of others, right and wrong.

use attestream::event::{Digest, Kind, Subject, SubjectDigests, limits};
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

/// Subjects of a statement of ours: a document may name far more than a statement may have.
const SUBJECTS: usize = 16;

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
        subjects.sort();
        subjects.dedup();
        subjects.truncate(SUBJECTS);
        if subjects.is_empty() {
            let digest = SubjectDigests { sha256: Some(self.digest().hex()), ..SubjectDigests::default() };
            subjects.push(Subject { digest, name: Some("document".to_owned()), ..Subject::default() });
        }
        subjects
    }

    /// Whether the predicate names the document's SHA-256 by `location` and does not repeat it: where its numbers could
    /// not be compared, where a record could not carry it in base64, and for one document in four, since producers do
    /// both.
    pub fn by_location(&self) -> bool {
        self.inexact() || self.bytes.len() > limits::RECORD_MAX / 2 || self.digest().as_bytes()[0].is_multiple_of(4)
    }

    /// Signs for the document. A location stands in the predicate that the product defines for SBOMs, and for the other
    /// kinds, which have none, under the format's own predicate type.
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
        let predicate = if self.by_location() {
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
