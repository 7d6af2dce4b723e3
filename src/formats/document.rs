//! What a JSON document is, by its own markers; never by a file name, a media type or a topic.

use std::borrow::Cow;

use serde::de::DeserializeOwned;

use crate::event::json::{Form, Traits};
use crate::event::outline::{Object, Outline, Places, Value};
use crate::event::{Digest, Kind, Topic, jcs, json, limits};

use super::fault::{Fault, FormatError};
use super::notes::Note;

/// What a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    CycloneDx,
    OpenVex,
    Sarif,
    /// An in-toto statement that nobody signed.
    Statement,
    /// A bare DSSE envelope.
    Envelope,
    /// A Sigstore bundle.
    Bundle,
    /// `{ "envelope": …, "rekorEntry": … }`: a DSSE envelope beside its Rekor entry.
    EnvelopeWithEntry,
    /// cosign's form before bundles: `base64Signature`, `cert`, `rekorBundle`.
    LegacyBundle,
    /// CloudEvents, structured.
    CloudEvent,
    /// The event object that a producer sends.
    EventObject,
}

impl Shape {
    /// The kind of event that a document of this shape becomes; `None` for evidence and carriers.
    pub const fn kind(self) -> Option<Kind> {
        match self {
            Shape::CycloneDx => Some(Kind::Sbom),
            Shape::OpenVex => Some(Kind::Vex),
            Shape::Sarif => Some(Kind::Scan),
            _ => None,
        }
    }

    /// Whether it is evidence, signed or to be refused as unsigned by who reads it.
    pub const fn is_attestation(self) -> bool {
        matches!(self, Shape::Envelope | Shape::Bundle | Shape::EnvelopeWithEntry | Shape::LegacyBundle)
    }

    /// The input topic that takes it; `None` where the content alone does not say (a carrier).
    pub const fn topic(self) -> Option<Topic> {
        match self {
            Shape::CycloneDx => Some(Topic::SbomSubmitted),
            Shape::OpenVex => Some(Topic::VexSubmitted),
            Shape::Sarif => Some(Topic::ScanCompleted),
            Shape::Envelope | Shape::Bundle | Shape::EnvelopeWithEntry | Shape::LegacyBundle => {
                Some(Topic::AttestationPublished)
            }
            Shape::Statement | Shape::CloudEvent | Shape::EventObject => None,
        }
    }

    /// The media type of a document that comes without one.
    pub const fn media_type(self) -> &'static str {
        match self {
            Shape::CycloneDx => "application/vnd.cyclonedx+json",
            Shape::OpenVex => "application/openvex+json",
            Shape::Sarif => "application/sarif+json",
            Shape::Statement => "application/vnd.in-toto+json",
            Shape::Envelope => "application/vnd.dsse.envelope.v1+json",
            Shape::Bundle => "application/vnd.dev.sigstore.bundle.v0.3+json",
            Shape::CloudEvent => "application/cloudevents+json",
            Shape::EnvelopeWithEntry | Shape::LegacyBundle | Shape::EventObject => "application/json",
        }
    }
}

/// Bytes that passed the strict scan, and what they are. It exists only for such bytes, so nobody scans them again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document<'a> {
    bytes: Cow<'a, [u8]>,
    shape: Shape,
    examined: Option<Examined>,
}

/// What one scan of a whole document says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Examined {
    traits: Traits,
    places: Places,
}

impl<'a> Document<'a> {
    /// Scans the bytes strictly and recognises them.
    pub fn read(bytes: Cow<'a, [u8]>) -> Result<Self, FormatError> {
        refuse_what_is_no_json(&bytes)?;
        Self::within(bytes)
    }

    /// The same, keeping what the scan found: for what is likely to become facts.
    pub fn examine(bytes: Cow<'a, [u8]>) -> Result<Self, FormatError> {
        refuse_what_is_no_json(&bytes)?;
        let (traits, outline) = json::examine_outlined(&bytes, 0)?;
        let (shape, places) = (recognise(outline.root())?, outline.into_places());
        Ok(Document { bytes, shape, examined: Some(Examined { traits, places }) })
    }

    /// Recognises a value's span inside bytes that passed the strict scan; what passes as a whole passes in parts.
    pub(super) fn within(bytes: Cow<'a, [u8]>) -> Result<Self, FormatError> {
        let shape = recognise(json::members(&bytes)?.root())?;
        Ok(Document { bytes, shape, examined: None })
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn into_bytes(self) -> Cow<'a, [u8]> {
        self.bytes
    }

    pub const fn shape(&self) -> Shape {
        self.shape
    }

    /// Its identity: the SHA-256 of the bytes as received.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.bytes)
    }

    /// What binds it to a predicate that was written otherwise: the SHA-256 of its RFC 8785 form. `own` is its `digest`,
    /// which it is where that form is how it was written.
    pub fn canonical_digest(&self, own: Digest) -> Result<Digest, Note> {
        let digest = match &self.examined {
            Some(Examined { traits: Traits { form: Form::Canonical, .. }, .. }) => Ok(own),
            Some(Examined { traits, places }) => jcs::digest_of(*traits, &places.of(self.text())),
            None => jcs::canonical_digest(&self.bytes),
        };
        digest.map_err(|jcs::InexactNumber| Note::DocumentNumberInexact)
    }

    /// Where its values lie. What no tree of JSON can hold is refused: serde's depth is one less than ours, and a number is
    /// a double.
    pub(super) fn outline(&self) -> Result<Outline<'_>, FormatError> {
        let outline = match &self.examined {
            Some(examined) => examined.places.of(self.text()),
            None => json::outline_folded(&self.bytes, 0)?,
        };
        holds(outline.root(), limits::JSON_DEPTH_MAX - 1)?;
        Ok(outline)
    }

    /// What passed the scan is UTF-8.
    fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap_or_default()
    }
}

fn holds(value: Value<'_, '_>, depth: usize) -> Result<(), FormatError> {
    match value.raw().as_bytes().first() {
        Some(b'{' | b'[') if depth == 0 => Err(json::Fault::TooDeep.into()),
        Some(b'{' | b'[') => value.inner().try_for_each(|inner| holds(inner, depth - 1)),
        Some(b'-' | b'0'..=b'9') if value.raw().parse().is_ok_and(f64::is_infinite) => {
            Err(Fault::NumberOutOfRange.into())
        }
        _ => Ok(()),
    }
}

/// Parses bytes that passed the strict scan; `misfit` is what a value of another type is called.
pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8], misfit: Fault) -> Result<T, FormatError> {
    serde_json::from_slice(bytes).map_err(|error| refusal(&error, misfit))
}

/// What serde refuses in strict JSON: another type, its own depth (one less than ours), or a number beyond a double.
pub(super) fn refusal(error: &serde_json::Error, misfit: Fault) -> FormatError {
    if error.is_data() {
        return misfit.into();
    }
    let deep = error.to_string().starts_with("recursion limit");
    if deep { json::Fault::TooDeep.into() } else { Fault::NumberOutOfRange.into() }
}

/// XML, or compressed bytes: named as what they are before a JSON scan calls them bad syntax.
fn refuse_what_is_no_json(bytes: &[u8]) -> Result<(), Fault> {
    const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
    const GZIP: &[u8] = &[0x1f, 0x8b];
    if bytes.starts_with(ZSTD) || bytes.starts_with(GZIP) {
        return Err(Fault::ValueCompressed);
    }
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    if text.starts_with(b"<") { Err(Fault::XmlNotAccepted) } else { Ok(()) }
}

fn recognise(root: Value<'_, '_>) -> Result<Shape, FormatError> {
    let markers = Markers(root.object().ok_or(Fault::FormatUnknown)?);
    if markers.is_spdx() {
        return Err(Fault::SpdxNotAccepted.into());
    }
    let mut found = markers.shapes().into_iter().filter_map(|(shape, there)| there.then_some(shape));
    let shape = found.next().ok_or(Fault::FormatUnknown)?;
    if found.next().is_some() { Err(Fault::FormatAmbiguous.into()) } else { Ok(shape) }
}

/// The members by which a document is known, as they are written.
struct Markers<'o, 'a>(Object<'o, 'a>);

impl Markers<'_, '_> {
    /// A member that is there and not `null`.
    fn is(&self, name: &str, fits: impl FnOnce(&str) -> bool) -> bool {
        self.0.member(name).is_some_and(|member| !member.is_null() && fits(member.raw()))
    }

    fn has(&self, name: &str) -> bool {
        self.is(name, |_| true)
    }

    fn has_object(&self, name: &str) -> bool {
        self.is(name, |raw| raw.starts_with('{'))
    }

    fn has_text(&self, name: &str) -> bool {
        self.is(name, |raw| raw.starts_with('"'))
    }

    fn is_spdx(&self) -> bool {
        self.has("spdxVersion") || self.is("@context", |raw| raw.contains("spdx.org/rdf/"))
    }

    fn shapes(&self) -> [(Shape, bool); 10] {
        let openvex = self.is("@context", |raw| raw.starts_with("\"https://openvex.dev/ns"));
        [
            (Shape::CycloneDx, self.has("bomFormat")),
            (Shape::OpenVex, openvex),
            (Shape::Sarif, self.has("runs") && self.has_text("version")),
            (Shape::Statement, self.has("_type") && self.has("predicateType")),
            (Shape::Envelope, self.has("payloadType") && self.has("payload")),
            (Shape::Bundle, self.has_text("mediaType") && self.has_object("verificationMaterial")),
            (Shape::EnvelopeWithEntry, self.has_object("envelope") && self.has_object("rekorEntry")),
            (Shape::LegacyBundle, self.has("base64Signature")),
            (Shape::CloudEvent, self.has_text("specversion") && self.has_text("source")),
            (Shape::EventObject, self.has_text("kind") && (self.has_object("subject") || self.has_object("document"))),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(text: &str) -> Result<Shape, &'static str> {
        Document::read(Cow::Borrowed(text.as_bytes())).map(|d| d.shape()).map_err(FormatError::code)
    }

    #[test]
    fn what_is_not_read_is_named() {
        let cases = [
            ("", "json-syntax"),
            ("null", "format-unknown"),
            ("[]", "format-unknown"),
            ("\"text\"", "format-unknown"),
            ("{}", "format-unknown"),
            ("{\"bomFormat\":\"CycloneDX\",\"bomFormat\":\"x\"}", "json-duplicate-member"),
            ("{} {}", "json-trailing-bytes"),
            ("<?xml version=\"1.0\"?><bom/>", "xml-not-accepted"),
            ("\u{feff} <bom/>", "xml-not-accepted"),
            ("\u{feff}{}", "json-byte-order-mark"),
            ("{\"spdxVersion\":\"SPDX-2.3\"}", "spdx-not-accepted"),
            ("{\"@context\":\"https://spdx.org/rdf/3.0.1/spdx-context.jsonld\"}", "spdx-not-accepted"),
            ("{\"@context\":\"https://example.com\"}", "format-unknown"),
            ("{\"kind\":\"SBOM\"}", "format-unknown"),
            ("{\"version\":1,\"runs\":[]}", "format-unknown"),
            ("{\"bomFormat\":\"CycloneDX\",\"version\":\"2.1.0\",\"runs\":[]}", "format-ambiguous"),
            ("{\"payloadType\":\"t\",\"payload\":\"\",\"base64Signature\":\"\"}", "format-ambiguous"),
        ];
        for (text, code) in cases {
            assert_eq!(shape(text), Err(code), "{text}");
        }
        let zstd = [0x28, 0xb5, 0x2f, 0xfd, 0, 0];
        assert_eq!(Document::read(Cow::Borrowed(&zstd)).unwrap_err().code(), "value-compressed");
        let deep = format!("{{\"bomFormat\":{}1{}}}", "[".repeat(127), "]".repeat(127));
        assert_eq!(shape(&deep), Ok(Shape::CycloneDx), "skipping does not recurse");
        let outline = |text: &str| {
            let document = Document::read(Cow::Borrowed(text.as_bytes())).unwrap();
            document.outline().map_or_else(FormatError::code, |_| "ok")
        };
        assert_eq!(outline(&deep), "json-too-deep");
        assert_eq!(outline(&format!("{{\"bomFormat\":{}1{}}}", "[".repeat(126), "]".repeat(126))), "ok");
        assert_eq!(outline("{\"bomFormat\":1e400}"), "number-out-of-range");
    }

    #[test]
    fn who_keeps_what_the_scan_found_says_the_same() {
        let canonical = r#"{"bomFormat":"CycloneDX","version":1}"#;
        let written_otherwise = r#"{ "version": 1.0, "bomFormat": "Cyclone\u0044X" }"#;
        let inexact = r#"{"bomFormat":"CycloneDX","version":9007199254740993}"#;
        for text in [canonical, written_otherwise, inexact] {
            let bytes = || Cow::Borrowed(text.as_bytes());
            let (read, examined) = (Document::read(bytes()).unwrap(), Document::examine(bytes()).unwrap());
            let (own, expected) = (read.digest(), Digest::of(canonical.as_bytes()));
            let expected = if text == inexact { Err(Note::DocumentNumberInexact) } else { Ok(expected) };
            assert_eq!((read.canonical_digest(own), examined.canonical_digest(own)), (expected, expected), "{text}");
            let raw = |document: &Document<'_>| document.outline().unwrap().root().raw().to_owned();
            assert_eq!(
                (raw(&read), raw(&examined), read.shape()),
                (text.to_owned(), text.to_owned(), examined.shape())
            );
        }
        let refused = |text: &str| Document::examine(Cow::Borrowed(text.as_bytes())).unwrap_err().code();
        assert_eq!(refused("<bom/>"), "xml-not-accepted");
        assert_eq!(refused("{\"bomFormat\":1,\"bomFormat\":1}"), "json-duplicate-member");
    }

    #[test]
    fn every_shape_is_known_by_its_own_markers() {
        let cases = [
            ("{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.4\",\"version\":1}", Shape::CycloneDx),
            ("{\"@context\":\"https://openvex.dev/ns\"}", Shape::OpenVex),
            ("{\"version\":\"2.1.0\",\"runs\":[]}", Shape::Sarif),
            ("{\"_type\":\"t\",\"predicateType\":\"p\"}", Shape::Statement),
            ("{\"payloadType\":\"t\",\"payload\":\"\",\"signatures\":[]}", Shape::Envelope),
            ("{\"mediaType\":\"m\",\"verificationMaterial\":{},\"dsseEnvelope\":{}}", Shape::Bundle),
            ("{\"envelope\":{},\"rekorEntry\":{}}", Shape::EnvelopeWithEntry),
            ("{\"base64Signature\":\"\",\"rekorBundle\":{}}", Shape::LegacyBundle),
            (
                "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"t\",\"subject\":\"x\"}",
                Shape::CloudEvent,
            ),
            ("{\"kind\":\"SBOM\",\"document\":{}}", Shape::EventObject),
            ("{\"kind\":\"SBOM\",\"subject\":{}}", Shape::EventObject),
        ];
        for (text, expected) in cases {
            assert_eq!(shape(text), Ok(expected), "{text}");
        }
    }
}
