//! The predicate types that are built in: their place in a chain, the kind that they can verify, and what they bind.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::event::json::{self, Form};
use crate::event::outline::Value;
use crate::event::{Digest, Kind, jcs};

use super::attestation::Link;
use super::document::refusal;
use super::fault::{Fault, FormatError};

/// How a predicate names the document that it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binds {
    /// The predicate is the document; or, where it has one, its `location` names the document's SHA-256.
    Document,
    /// The document is a JSON string in `Data` (cosign's `custom`).
    Data,
    /// The scanner's result is the document, and so may be the whole predicate (cosign's `vuln`).
    ScannerResult,
    /// `provenanceHash` is the SHA-256 of the document.
    ProvenanceHash,
    Nothing,
}

/// One predicate type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Predicate {
    pub predicate_type: &'static str,
    pub kind: Option<Kind>,
    pub link: Option<Link>,
    pub binds: Binds,
}

const fn row(predicate_type: &'static str, kind: Option<Kind>, link: Option<Link>, binds: Binds) -> Predicate {
    Predicate { predicate_type, kind, link, binds }
}

const SBOM: Option<Kind> = Some(Kind::Sbom);
const VEX: Option<Kind> = Some(Kind::Vex);
const SCAN: Option<Kind> = Some(Kind::Scan);

/// cosign's default type: a string, of no kind unless the tenant gives it one.
pub const COSIGN_CUSTOM: &str = "https://cosign.sigstore.dev/attestation/v1";

/// Every predicate type that is known without configuration.
pub const PREDICATES: [Predicate; 14] = [
    row("https://stella-ops.org/attestations/sbom/1", SBOM, Some(Link::Sbom), Binds::Document),
    row("https://cyclonedx.org/bom", SBOM, Some(Link::Sbom), Binds::Document),
    row("https://cyclonedx.org/bom/v1.6", SBOM, Some(Link::Sbom), Binds::Document),
    row("https://spdx.dev/Document", SBOM, Some(Link::Sbom), Binds::Document),
    row("https://openvex.dev/ns", VEX, Some(Link::Vex), Binds::Document),
    row("https://openvex.dev/ns/v0.2.0", VEX, Some(Link::Vex), Binds::Document),
    row("https://docs.oasis-open.org/sarif/sarif/v2.1.0", SCAN, Some(Link::Scan), Binds::Document),
    row("https://cosign.sigstore.dev/attestation/vuln/v1", SCAN, Some(Link::Scan), Binds::ScannerResult),
    row("https://slsa.dev/provenance/v1", None, Some(Link::Build), Binds::Nothing),
    row("https://slsa.dev/provenance/v0.2", None, Some(Link::Build), Binds::Nothing),
    row("https://stella.ops/attestation/runtime-facts/v1", Some(Kind::Ingest), None, Binds::ProvenanceHash),
    row("stella.ops/promotion@v1", None, None, Binds::Nothing),
    row("stella.ops/waiver@v1", None, None, Binds::Nothing),
    row(COSIGN_CUSTOM, None, None, Binds::Data),
];

/// The built-in row of a predicate type.
pub fn known(predicate_type: &str) -> Option<&'static Predicate> {
    PREDICATES.iter().find(|row| row.predicate_type == predicate_type)
}

/// The place in a chain of a kind that a tenant gives to a type of its own.
pub const fn link_of(kind: Kind) -> Option<Link> {
    match kind {
        Kind::Sbom => Some(Link::Sbom),
        Kind::Vex => Some(Link::Vex),
        Kind::Scan => Some(Link::Scan),
        Kind::Ingest | Kind::Derived => None,
    }
}

/// What a predicate binds.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Bound<'a> {
    /// Digests of documents: canonical ones, and those that are named.
    pub documents: Vec<Digest>,
    /// The document that the predicate carries, as its span of bytes (or the text of its string).
    pub document: Option<Cow<'a, [u8]>>,
    /// A number in it cannot be held exactly by a double, so that it binds nothing by equality.
    pub inexact: bool,
}

#[derive(Deserialize)]
struct Members<'a> {
    #[serde(borrow, rename = "Data")]
    data: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "provenanceHash")]
    provenance_hash: Option<Cow<'a, str>>,
    #[serde(borrow)]
    scanner: Option<Scanner<'a>>,
}

#[derive(Deserialize)]
struct Scanner<'a> {
    #[serde(borrow)]
    result: Option<&'a RawValue>,
}

impl Binds {
    /// Reads what `predicate`, an object inside bytes that passed the strict scan, binds. `form` is that of those bytes.
    pub fn read<'a>(self, predicate: Value<'_, 'a>, form: Form) -> Result<Bound<'a>, FormatError> {
        let text = predicate.raw();
        let members = || -> Result<Members<'a>, FormatError> {
            serde_json::from_str(text).map_err(|e| refusal(&e, Fault::StatementInvalid))
        };
        let mut bound = Bound::default();
        match self {
            Binds::Nothing => {}
            Binds::Document => match location(predicate)? {
                Some(digest) => bound.documents.push(digest),
                // What is inside canonical bytes is canonical, and its numbers are short integers.
                None if form == Form::Canonical => {
                    bound.documents.push(Digest::of(text.as_bytes()));
                    bound.document = Some(Cow::Borrowed(text.as_bytes()));
                }
                None => bound.carry(Cow::Borrowed(text.as_bytes())),
            },
            Binds::Data => {
                let data = members()?.data.ok_or(Fault::StatementInvalid)?;
                bound.text(data)?;
            }
            Binds::ScannerResult => {
                let result = members()?.scanner.and_then(|scanner| scanner.result);
                bound.canonical(text.as_bytes());
                if let Some(result) = result.filter(|result| result.get().starts_with('{')) {
                    bound.carry(Cow::Borrowed(result.get().as_bytes()));
                }
            }
            Binds::ProvenanceHash => {
                let hash = members()?.provenance_hash.ok_or(Fault::StatementInvalid)?;
                bound.documents.push(digest(&hash)?);
            }
        }
        Ok(bound)
    }
}

impl<'a> Bound<'a> {
    fn canonical(&mut self, document: &[u8]) {
        match jcs::canonical_digest(document) {
            Ok(digest) => self.documents.push(digest),
            Err(jcs::InexactNumber) => self.inexact = true,
        }
    }

    fn carry(&mut self, document: Cow<'a, [u8]>) {
        self.canonical(&document);
        self.document = Some(document);
    }

    /// A document inside a string: JSON is held to the same strictness, other text is bound by its own digest.
    fn text(&mut self, text: Cow<'a, str>) -> Result<(), FormatError> {
        let bytes: Cow<'a, [u8]> = match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        };
        if bytes.trim_ascii_start().starts_with(b"{") {
            json::check(&bytes)?;
            self.carry(bytes);
        } else {
            self.documents.push(Digest::of(&bytes));
            self.document = Some(bytes);
        }
        Ok(())
    }
}

/// The `location` of a predicate that names its document's digest. A location of another form (a URL) binds nothing: the
/// predicate is then taken as it stands.
fn location(predicate: Value<'_, '_>) -> Result<Option<Digest>, FormatError> {
    let location = predicate.object().and_then(|predicate| predicate.member("location"));
    let text = location.and_then(Value::text);
    let Some(text) = text.filter(|text| text.starts_with("sha256:")) else { return Ok(None) };
    Ok(Some(digest(&text)?))
}

/// `sha256:` and hex, or hex alone.
fn digest(text: &str) -> Result<Digest, Fault> {
    Digest::from_hex(text.strip_prefix("sha256:").unwrap_or(text)).map_err(|_| Fault::DigestInvalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

    fn read(binds: Binds, predicate: &str) -> Result<Bound<'_>, FormatError> {
        binds.read(json::outline_folded(predicate.as_bytes(), 0).unwrap().root(), Form::Other)
    }

    fn code(binds: Binds, predicate: &str) -> &'static str {
        read(binds, predicate).map_or_else(FormatError::code, |_| "ok")
    }

    #[test]
    fn what_cannot_be_bound_says_so() {
        assert_eq!(code(Binds::Document, r#"{"location":"sha256:abc"}"#), "digest-invalid");
        assert_eq!(code(Binds::Document, r#"{"location":"sha256:"}"#), "digest-invalid");
        assert_eq!(code(Binds::Data, r#"{}"#), "statement-invalid");
        assert_eq!(code(Binds::Data, r#"{"Data":7}"#), "statement-invalid");
        assert_eq!(code(Binds::Data, r#"{"Data":"{\"a\":1,\"a\":2}"}"#), "json-duplicate-member");
        assert_eq!(code(Binds::Data, r#"{"Data":"{} x"}"#), "json-trailing-bytes");
        assert_eq!(code(Binds::ProvenanceHash, r#"{"batchId":"b"}"#), "statement-invalid");
        let inexact = read(Binds::Document, r#"{"a":9007199254740993}"#).unwrap();
        assert!(inexact.inexact && inexact.documents.is_empty() && inexact.document.is_some());
    }

    #[test]
    fn a_rewritten_predicate_binds_the_same_document() {
        let one = read(Binds::Document, r#"{"b":1.0,"a":"\u00e9"}"#).unwrap();
        let other = read(Binds::Document, "{ \"a\": \"é\", \"b\": 1 }").unwrap();
        let inside = read(Binds::Data, r#"{"Data":"{\"a\":\"é\",\"b\":1}","Timestamp":"t"}"#).unwrap();
        assert_eq!(one.documents, other.documents);
        assert_eq!(one.documents, inside.documents);
        assert_eq!(inside.document.as_deref(), Some("{\"a\":\"é\",\"b\":1}".as_bytes()));
    }

    #[test]
    fn documents_are_bound_by_name_by_text_and_by_result() {
        let named = Digest::from_hex(HEX).unwrap();
        let (location, hash) =
            (format!(r#"{{"location":"sha256:{HEX}"}}"#), format!(r#"{{"provenanceHash":"{HEX}"}}"#));
        let location = read(Binds::Document, &location).unwrap();
        assert_eq!((location.documents, location.document), (vec![named], None));
        let hash = read(Binds::ProvenanceHash, &hash).unwrap();
        assert_eq!(hash.documents, [named]);
        for other in [r#"{"location":7}"#, r#"{"location":"https://example.com/bom.json"}"#] {
            assert_eq!(read(Binds::Document, other).unwrap().document.as_deref(), Some(other.as_bytes()));
        }
        let text = read(Binds::Data, r#"{"Data":"<bom/>"}"#).unwrap();
        assert_eq!(text.documents, [Digest::of(b"<bom/>")]);
        let result = read(Binds::ScannerResult, r#"{"scanner":{"result":{"runs":[]}}}"#).unwrap();
        assert_eq!(result.document.as_deref(), Some(br#"{"runs":[]}"#.as_slice()));
        assert_eq!(result.documents.len(), 2);
        assert_eq!(read(Binds::Nothing, "{}").unwrap(), Bound::default());
    }

    #[test]
    fn each_type_has_one_row_and_its_kind_is_that_of_its_link() {
        for (index, row) in PREDICATES.iter().enumerate() {
            assert_eq!(known(row.predicate_type), Some(row));
            assert!(!PREDICATES[index + 1..].iter().any(|other| other.predicate_type == row.predicate_type));
            if let Some(link) = row.link {
                assert_eq!(link.kind(), row.kind, "{}", row.predicate_type);
            }
        }
        assert_eq!(known("https://example.com/note/v1"), None);
    }
}
