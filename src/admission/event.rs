//! From a document and what its carriers say to the event of the ledger record, its facts in parts where they are large.

use crate::event::{Kind, Millis, Tenant, event_id, limits};
use crate::formats::FormatError;
use crate::formats::arrival::{self, Carrier};
use crate::formats::document::Document;
use crate::formats::event_object::EventObject;
use crate::formats::facts::{Facts, WrittenFacts};
use crate::formats::normalise::{Accepted, facts_of};
use crate::ledger::record::{AdmittedDocument, AdmittedEvent, Bytes, Part};

/// What an event is made from.
pub struct Made<'a> {
    pub tenant: &'a Tenant,
    pub kind: Kind,
    pub document: &'a Document<'a>,
    pub media_type: String,
    pub carrier: &'a Carrier,
    pub object: Option<&'a EventObject>,
    /// Versions that the tenant accepts beyond the pins.
    pub versions: &'a [String],
    /// The broker's time of the record.
    pub timestamp: Millis,
}

/// Makes the event. `bytes` says where the document's bytes travel.
pub fn make(made: &Made<'_>, bytes: Bytes) -> Result<(AdmittedEvent, Vec<Part>), FormatError> {
    let facts = facts_of(made.kind, made.document, &Accepted(made.versions))?;
    let about = arrival::about(made.carrier, made.object, &facts)?;
    let digest = bytes.digest;
    let id = event_id(made.tenant, made.kind, about.subject.as_ref(), digest);
    let (ts, scan) = (facts.ts, arrival::scan_inputs(made.object, &facts));
    let (mut parts, last) = split(facts);
    for part in &mut parts {
        part.event.clone_from(&id);
    }
    let event = AdmittedEvent {
        id,
        kind: made.kind,
        subject: about.subject,
        subjects: about.subjects,
        source_id: made.carrier.source_id.clone(),
        ts: made.carrier.ts.or(ts).unwrap_or(made.timestamp),
        document: AdmittedDocument {
            media_type: made.media_type.clone(),
            bytes,
            canonical_digest: made.document.canonical_digest(digest).ok(),
        },
        claimed: made.object.and_then(|object| object.claimed.clone()),
        scan,
        facts: last,
        parts: u32::try_from(parts.len()).unwrap_or(u32::MAX),
    };
    Ok((event, parts))
}

/// Cuts facts into parts of at most `PART_MAX` bytes of JSON; the last one travels with the record itself.
fn split(facts: Facts) -> (Vec<Part>, WrittenFacts) {
    let whole = WrittenFacts::of(&facts);
    if whole.json().len() <= limits::PART_MAX {
        return (Vec::new(), whole);
    }
    let head = Facts { components: Vec::new(), statements: Vec::new(), findings: Vec::new(), ..facts.clone() };
    let mut pieces = vec![Piece::new(&head)];
    for component in facts.components {
        room(&mut pieces, &head, &component).components.push(component);
    }
    for statement in facts.statements {
        room(&mut pieces, &head, &statement).statements.push(statement);
    }
    for finding in facts.findings {
        room(&mut pieces, &head, &finding).findings.push(finding);
    }
    let last = pieces.pop().map_or(head, |piece| piece.facts);
    let part = |(index, piece): (usize, Piece)| Part {
        event: String::new(),
        index: u32::try_from(index).unwrap_or(u32::MAX),
        facts: WrittenFacts::of(&piece.facts),
    };
    (pieces.into_iter().enumerate().map(part).collect(), WrittenFacts::of(&last))
}

struct Piece {
    facts: Facts,
    size: usize,
}

impl Piece {
    fn new(head: &Facts) -> Self {
        Piece { facts: head.clone(), size: serde_json::to_vec(head).map_or(0, |json| json.len()) }
    }
}

/// The piece that has room for one more entry.
fn room<'p, T: serde::Serialize>(pieces: &'p mut Vec<Piece>, head: &Facts, entry: &T) -> &'p mut Facts {
    let size = serde_json::to_vec(entry).map_or(0, |json| json.len() + 1);
    let full = pieces.last().is_none_or(|piece| piece.size + size > limits::PART_MAX);
    if full {
        let bare = Facts { subjects: Vec::new(), ..head.clone() };
        pieces.push(Piece::new(&bare));
    }
    let at = pieces.len() - 1;
    #[expect(clippy::indexing_slicing, reason = "a piece was pushed when there was none")]
    let piece = &mut pieces[at];
    piece.size += size;
    &mut piece.facts
}
