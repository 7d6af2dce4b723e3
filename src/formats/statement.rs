//! in-toto Statements v1 and v0.1, as they stand in the payload of an envelope (verification rule D6).

use std::borrow::Cow;

use crate::event::json::{self, Form};
use crate::event::outline::Value;
use crate::event::{Digest, Kind, Subject, limits};

use super::attestation::StatementFacts;
use super::digests::{self, Case};
use super::document::Document;
use super::fault::{Fault, FormatError};
use super::materials;
use super::notes::Note;
use super::predicate::{self, Binds};

/// The payload type of in-toto statements.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
const V1: &str = "https://in-toto.io/Statement/v1";
const V0_1: &str = "https://in-toto.io/Statement/v0.1";

/// A statement that was read: what it says, and what it carries.
#[derive(Debug, PartialEq)]
pub struct Statement<'a> {
    pub facts: StatementFacts,
    /// The kind of event that the predicate type can verify: built in, or the tenant's own. `None` with a `link` is a
    /// build; `None` without one is a type that verifies no event.
    pub kind: Option<Kind>,
    /// Whether the predicate type is built in or configured at all.
    pub type_known: bool,
    /// The raw span of the predicate; `None` where the statement has none.
    pub predicate: Option<&'a str>,
    /// The document that the predicate carries, where its type says that it does.
    pub document: Option<Cow<'a, [u8]>>,
    /// The predicate is a document that no equality can bind.
    pub note: Option<Note>,
    /// How the payload stands to its RFC 8785 form.
    pub form: Form,
}

struct Raw<'o, 'a> {
    statement_type: Cow<'a, str>,
    subject: Vec<RawSubject<'a>>,
    predicate_type: Cow<'a, str>,
    predicate: Option<Value<'o, 'a>>,
}

struct RawSubject<'a> {
    name: Option<Cow<'a, str>>,
    uri: Option<Cow<'a, str>>,
    digest: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'o, 'a> Raw<'o, 'a> {
    fn read(value: Value<'o, 'a>) -> Option<Self> {
        let object = value.object()?;
        Some(Raw {
            statement_type: object.needed("_type", Value::text)?,
            subject: object.needed("subject", |list| list.list(RawSubject::read))?,
            predicate_type: object.needed("predicateType", Value::text)?,
            // One that is `null` is there, and is no object.
            predicate: object.member("predicate"),
        })
    }
}

impl<'a> RawSubject<'a> {
    fn read(value: Value<'_, 'a>) -> Option<Self> {
        let object = value.object()?;
        let digest = object.member("digest")?.object()?.members();
        Some(RawSubject {
            name: object.optional("name", Value::text)?,
            uri: object.optional("uri", Value::text)?,
            digest: digest.map(|(name, value)| Some((name, value.text()?))).collect::<Option<_>>()?,
        })
    }
}

/// Reads the payload of an envelope. `own` are the tenant's predicate types and their kinds.
pub fn read<'a>(payload: &'a [u8], own: &[(&str, Kind)]) -> Result<Statement<'a>, FormatError> {
    let (json::Traits { form, .. }, outline) = json::examine_outlined(payload, 1)?;
    let raw = Raw::read(outline.root()).ok_or(Fault::StatementInvalid)?;
    let named_subjects = match raw.statement_type.as_ref() {
        V1 => false,
        V0_1 => true,
        _ => return Err(Fault::StatementInvalid.into()),
    };
    let object = raw.predicate.is_none_or(|predicate| predicate.object().is_some());
    if raw.subject.is_empty() || raw.predicate_type.is_empty() || !object {
        return Err(Fault::StatementInvalid.into());
    }
    if raw.subject.len() > limits::SUBJECTS_MAX {
        return Err(Fault::StatementTooLarge.into());
    }
    let subjects = raw.subject.iter().map(|subject| subject.checked(named_subjects)).collect::<Result<_, _>>()?;
    let predicate = raw.predicate.map(Value::raw);
    let known = predicate::known(&raw.predicate_type);
    let own_kind = own.iter().find(|(name, _)| *name == raw.predicate_type).map(|(_, kind)| *kind);
    let binds = known.map(|row| row.binds).or(own_kind.map(|_| Binds::Document)).unwrap_or(Binds::Nothing);
    let bound = raw.predicate.map(|predicate| binds.read(predicate, form)).transpose()?.unwrap_or_default();
    let kind = known.and_then(|row| row.kind).or(own_kind);
    Ok(Statement {
        facts: StatementFacts {
            link: known.and_then(|row| row.link).or_else(|| predicate::link_of(own_kind?)),
            materials: materials::read(&raw.predicate_type, predicate)?,
            statement_type: raw.statement_type.into_owned(),
            predicate_type: raw.predicate_type.into_owned(),
            subjects,
            documents: bound.documents,
        },
        kind,
        type_known: known.is_some_and(|row| row.predicate_type != predicate::COSIGN_CUSTOM) || own_kind.is_some(),
        predicate,
        document: bound.document,
        note: bound.inexact.then_some(Note::DocumentNumberInexact),
        form,
    })
}

impl Statement<'_> {
    /// The document that the predicate carries, where it is one of this kind: what an attestation on that kind's topic
    /// creates its event from.
    pub fn carried(&self, kind: Kind) -> Result<Document<'_>, FormatError> {
        let bytes = self.document.as_deref().filter(|_| self.kind == Some(kind)).ok_or(Fault::PredicateNotADocument)?;
        // JSON was scanned with the payload, or as the text of its string.
        let scanned = bytes.trim_ascii_start().starts_with(b"{");
        let document =
            if scanned { Document::within(Cow::Borrowed(bytes)) } else { Document::read(Cow::Borrowed(bytes)) }?;
        if document.shape().kind() == Some(kind) { Ok(document) } else { Err(Fault::PredicateNotADocument.into()) }
    }
}

impl RawSubject<'_> {
    /// At least one digest of any algorithm; those by which subjects are joined must be right. Algorithms beyond them
    /// (`gitCommit`, …) are allowed and left out.
    fn checked(&self, must_be_named: bool) -> Result<Subject, Fault> {
        if self.digest.len() > limits::SUBJECT_DIGESTS_MAX {
            return Err(Fault::StatementTooLarge);
        }
        let empty = self.digest.is_empty() || self.digest.iter().any(|(_, hex)| hex.is_empty());
        if empty || (must_be_named && self.name.is_none()) {
            return Err(Fault::StatementInvalid);
        }
        let of_in_toto = self.digest.iter().filter(|(name, _)| matches!(name.as_ref(), "sha256" | "sha384" | "sha512"));
        let digest = digests::collect(of_in_toto.map(|(name, hex)| (name.as_ref(), hex.as_ref())), Case::Lower)?;
        let url = |text: &Option<Cow<'_, str>>| text.as_deref().filter(|t| t.starts_with("pkg:")).map(str::to_owned);
        let name = self.name.as_deref().filter(|name| !name.is_empty()).map(str::to_owned);
        Ok(Subject { purl: url(&self.uri).or_else(|| url(&self.name)), digest, version: None, name })
    }
}

/// Whether `document` is among what the statement binds: by canonical digest or by name.
pub fn binds(facts: &StatementFacts, digest: Digest, canonical: Option<Digest>) -> bool {
    facts.documents.iter().any(|bound| *bound == digest || Some(*bound) == canonical)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

    fn statement(version: &str, subject: &str, rest: &str) -> String {
        format!(r#"{{"_type":"https://in-toto.io/Statement/{version}","subject":{subject}{rest}}}"#)
    }

    fn code(text: &str) -> &'static str {
        read(text.as_bytes(), &[]).map_or_else(FormatError::code, |_| "ok")
    }

    #[test]
    fn what_is_no_statement_is_refused() {
        let good = format!(r#"[{{"name":"a","digest":{{"sha256":"{HEX}"}}}}]"#);
        let nameless = format!(r#"[{{"digest":{{"sha256":"{HEX}"}}}}]"#);
        let typed = r#","predicateType":"https://example.com/note/v1""#;
        let upper = good.replace(HEX, &HEX.to_uppercase());
        let many = format!("[{}]", vec![good.trim_matches(['[', ']']); limits::SUBJECTS_MAX + 1].join(","));
        let algorithms: Vec<String> = (0..=limits::SUBJECT_DIGESTS_MAX).map(|i| format!("\"x{i}\":\"00\"")).collect();
        let cases = [
            (statement("v2", &good, typed), "statement-invalid"),
            (statement("v1", "[]", typed), "statement-invalid"),
            (statement("v1", "{}", typed), "statement-invalid"),
            (statement("v1", &good, ""), "statement-invalid"),
            (statement("v1", &good, r#","predicateType":"""#), "statement-invalid"),
            (statement("v1", &good, &format!("{typed},\"predicate\":null")), "statement-invalid"),
            (statement("v1", &good, &format!("{typed},\"predicate\":\"text\"")), "statement-invalid"),
            (statement("v1", r#"[{"name":"a"}]"#, typed), "statement-invalid"),
            (statement("v1", r#"[{"name":"a","digest":{}}]"#, typed), "statement-invalid"),
            (statement("v1", r#"[{"name":"a","digest":{"gitCommit":""}}]"#, typed), "statement-invalid"),
            (statement("v1", r#"[{"name":"a","digest":{"sha256":7}}]"#, typed), "statement-invalid"),
            (statement("v1", r#"[{"name":"a","digest":{"sha256":"00"}}]"#, typed), "digest-invalid"),
            (statement("v1", &upper, typed), "digest-invalid"),
            (statement("v0.1", &nameless, typed), "statement-invalid"),
            (statement("v1", &many, typed), "statement-too-large"),
            (statement("v1", &format!("[{{\"digest\":{{{}}}}}]", algorithms.join(",")), typed), "statement-too-large"),
            (statement("v1", &good, &format!("{typed},\"subject\":[]")), "json-duplicate-member"),
            (String::from("[]"), "statement-invalid"),
        ];
        for (text, expected) in cases {
            assert_eq!(code(&text), expected, "{}", &text[..text.len().min(300)]);
        }
        assert_eq!(code(&statement("v1", &nameless, typed)), "ok");
        assert_eq!(code(&statement("v0.1", &good, typed)), "ok");
    }

    #[test]
    fn subjects_keep_what_joins_and_tolerate_the_rest() {
        let subject = format!(r#"[{{"name":"pkg:npm/a@1","digest":{{"sha256":"{HEX}","gitCommit":"ab"}},"x":1}}]"#);
        let text = statement("v1", &subject, r#","predicateType":"https://example.com/note/v1","y":{}"#);
        let read = read(text.as_bytes(), &[]).unwrap();
        let subject = &read.facts.subjects[0];
        assert_eq!(subject.digest.sha256.as_deref(), Some(HEX));
        assert_eq!(subject.purl.as_deref(), Some("pkg:npm/a@1"));
        assert_eq!((read.kind, read.type_known, read.predicate), (None, false, None));
    }

    #[test]
    fn a_type_of_the_tenants_own_has_the_kind_that_it_gives() {
        let subject = format!(r#"[{{"name":"a","digest":{{"sha256":"{HEX}"}}}}]"#);
        let rest = r#","predicateType":"https://example.com/scan/v1","predicate":{"runs":[]}"#;
        let text = statement("v1", &subject, rest);
        let of_tenant = read(text.as_bytes(), &[("https://example.com/scan/v1", Kind::Scan)]).unwrap();
        assert_eq!(of_tenant.kind, Some(Kind::Scan));
        assert_eq!(of_tenant.facts.link, Some(super::super::attestation::Link::Scan));
        assert_eq!(of_tenant.document.as_deref(), Some(br#"{"runs":[]}"#.as_slice()));
        let of_another = read(text.as_bytes(), &[]).unwrap();
        assert!(of_another.facts.documents.is_empty() && !of_another.type_known);
    }
}
