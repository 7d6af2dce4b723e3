//! From a document to facts: one entry point for all formats.

use std::borrow::Cow;

use crate::event::{Kind, Millis};

use super::document::{Document, Shape};
use super::facts::{FACTS_VERSION, Facts};
use super::fault::{Fault, FormatError};
use super::{cyclonedx, openvex, sarif};

/// The versions that are accepted beside the pins, as `CycloneDX 1.5`. A version is read only where its schema is
/// embedded, so that an entry without one changes nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Accepted<'a>(pub &'a [String]);

/// The versions that are read, and whether each is accepted by default.
const READ: [(&str, bool); 3] = [("CycloneDX 1.6", true), ("OpenVEX 0.2.0", true), ("SARIF 2.1.0", true)];

/// Scans, recognises, validates and normalises the bytes of one document.
pub fn normalise(kind: Kind, bytes: &[u8], accepted: &Accepted<'_>) -> Result<Facts, FormatError> {
    facts_of(kind, &Document::examine(Cow::Borrowed(bytes))?, accepted)
}

/// Validates and normalises a document that was read.
pub fn facts_of(kind: Kind, document: &Document<'_>, accepted: &Accepted<'_>) -> Result<Facts, FormatError> {
    let shape = document.shape();
    if shape.kind() != Some(kind) {
        return Err(Fault::FormatNotForTopic.into());
    }
    let outline = document.outline()?;
    let root = outline.root();
    let (name, version) = match shape {
        Shape::CycloneDx => ("CycloneDX", cyclonedx::version(root)),
        Shape::OpenVex => ("OpenVEX", openvex::version(root)),
        Shape::Sarif => ("SARIF", sarif::version(root)),
        _ => return Err(Fault::FormatNotForTopic.into()),
    };
    let format = format!("{name} {}", version.ok_or(Fault::UnsupportedVersion)?);
    accepted.check(&format)?;
    let facts = match shape {
        Shape::CycloneDx => cyclonedx::facts(root)?,
        Shape::OpenVex => openvex::facts(root)?,
        _ => sarif::facts(root)?,
    };
    Ok(Facts { version: FACTS_VERSION, format, ..facts })
}

impl Accepted<'_> {
    fn check(&self, format: &str) -> Result<(), Fault> {
        let (_, pinned) = READ.iter().find(|(read, _)| *read == format).ok_or(Fault::UnsupportedVersion)?;
        let listed = self.0.iter().any(|listed| listed == format);
        if *pinned || listed { Ok(()) } else { Err(Fault::UnsupportedVersion) }
    }
}

/// A time that a document states. The schemas demand RFC 3339, and so does this.
pub(super) fn time(text: Option<&str>) -> Result<Option<Millis>, Fault> {
    let Some(text) = text else { return Ok(None) };
    let plain = matches!(text.as_bytes().get(10), Some(b'T' | b't')) && !text.contains('[');
    Millis::parse(text).filter(|_| plain).map(Some).ok_or(Fault::TimestampInvalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(kind: Kind, text: &str, accepted: &[String]) -> &'static str {
        normalise(kind, text.as_bytes(), &Accepted(accepted)).map_or_else(FormatError::code, |_| "ok")
    }

    #[test]
    fn only_pinned_versions_are_read_and_a_listed_one_without_a_schema_is_not() {
        let bom = r#"{"bomFormat":"CycloneDX","specVersion":"1.5"}"#;
        assert_eq!(code(Kind::Sbom, bom, &[]), "unsupported-version");
        assert_eq!(code(Kind::Sbom, bom, &[String::from("CycloneDX 1.5")]), "unsupported-version");
        assert_eq!(code(Kind::Sbom, r#"{"bomFormat":"CycloneDX"}"#, &[]), "unsupported-version");
        assert_eq!(code(Kind::Sbom, r#"{"bomFormat":"CycloneDX","specVersion":1.6}"#, &[]), "unsupported-version");
        assert_eq!(code(Kind::Vex, r#"{"@context":"https://openvex.dev/ns"}"#, &[]), "unsupported-version");
        assert_eq!(code(Kind::Vex, r#"{"@context":"https://openvex.dev/ns/v0.0.1"}"#, &[]), "unsupported-version");
        assert_eq!(code(Kind::Scan, r#"{"version":"2.0.0","runs":[]}"#, &[]), "unsupported-version");
    }

    #[test]
    fn a_document_of_another_kind_is_refused() {
        let bom = r#"{"bomFormat":"CycloneDX","specVersion":"1.6"}"#;
        assert_eq!(code(Kind::Sbom, bom, &[]), "ok");
        for kind in [Kind::Vex, Kind::Scan, Kind::Ingest, Kind::Derived] {
            assert_eq!(code(kind, bom, &[]), "format-not-for-topic");
        }
        let envelope = r#"{"payloadType":"t","payload":"","signatures":[]}"#;
        assert_eq!(code(Kind::Sbom, envelope, &[]), "format-not-for-topic");
    }

    #[test]
    fn times_are_rfc_3339() {
        for bad in ["2025-11-11", "2025-11-11 12:00:00Z", "2025-11-11T12:00:00", "2025-11-11T12:00:00Z[UTC]", "now", ""]
        {
            assert_eq!(time(Some(bad)), Err(Fault::TimestampInvalid), "{bad}");
        }
        assert_eq!(time(Some("1970-01-01T01:00:00.5+01:00")), Ok(Some(Millis(500))));
        assert_eq!(time(None), Ok(None));
    }
}
