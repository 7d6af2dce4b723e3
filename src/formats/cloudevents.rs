//! CloudEvents 1.0 over Kafka: binary mode (attributes in `ce_` headers) and structured mode in JSON.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::event::{Millis, base64};

use super::document::refusal;
use super::fault::{Fault, FormatError};
use super::normalise::time;

/// A header as a log gives it: a name, and bytes that may be absent.
pub type Header = (String, Option<Vec<u8>>);

/// The attributes that mean something here. Other extensions are checked in form and left alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attributes {
    pub id: String,
    pub source: String,
    pub event_type: String,
    pub subject: Option<String>,
    pub time: Option<Millis>,
    pub data_content_type: Option<String>,
    /// Extension `tenantid`.
    pub tenant: Option<String>,
    /// Extension `dataref`: a claim check.
    pub data_ref: Option<String>,
}

impl Attributes {
    /// The producer's id: `source` and `id` identify an event together. A source has no spaces, so this splits one way.
    pub fn source_id(&self) -> String {
        format!("{} {}", self.source, self.id)
    }

    fn from_texts(mut texts: BTreeMap<String, String>) -> Result<Self, Fault> {
        let mut take = |name: &str| texts.remove(name);
        let version = take("specversion");
        let (id, source, event_type) = (take("id"), take("source"), take("type"));
        let time = time(take("time").as_deref()).map_err(|_| Fault::CloudeventsInvalid)?;
        let attributes = Attributes {
            id: id.ok_or(Fault::CloudeventsInvalid)?,
            source: source.ok_or(Fault::CloudeventsInvalid)?,
            event_type: event_type.ok_or(Fault::CloudeventsInvalid)?,
            subject: take("subject"),
            time,
            data_content_type: take("datacontenttype"),
            tenant: take("tenantid"),
            data_ref: take("dataref"),
        };
        let spaced = attributes.source.contains(char::is_whitespace);
        if version.as_deref() != Some("1.0") || spaced { Err(Fault::CloudeventsInvalid) } else { Ok(attributes) }
    }
}

/// How a record carries CloudEvents, if it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    None,
    Binary,
    Structured,
}

/// The mode of a record, by its headers: `content-type: application/cloudevents…` is structured, any `ce_` header binary.
/// Batches and formats other than JSON are refused.
pub fn mode(headers: &[Header]) -> Result<Mode, Fault> {
    let content_type = content_type(headers)?.unwrap_or_default().to_ascii_lowercase();
    let binary = headers.iter().any(|(name, _)| name.starts_with("ce_"));
    if content_type.starts_with("application/cloudevents") {
        let media_type = content_type.split(';').next().unwrap_or_default().trim_end();
        return if media_type == "application/cloudevents+json" {
            Ok(Mode::Structured)
        } else {
            Err(Fault::CloudeventsInvalid)
        };
    }
    Ok(if binary { Mode::Binary } else { Mode::None })
}

/// The `content-type` header: at most one.
pub fn content_type(headers: &[Header]) -> Result<Option<&str>, Fault> {
    let mut found = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    let Some((_, value)) = found.next() else { return Ok(None) };
    let text = value.as_deref().and_then(|bytes| std::str::from_utf8(bytes).ok());
    if found.next().is_some() {
        Err(Fault::CloudeventsInvalid)
    } else {
        text.map(Some).ok_or(Fault::CloudeventsInvalid)
    }
}

/// Reads the attributes of a record in binary mode; the record's value is the data.
pub fn binary(headers: &[Header]) -> Result<Attributes, Fault> {
    let mut texts = BTreeMap::new();
    for (name, value) in headers {
        let Some(name) = name.strip_prefix("ce_") else { continue };
        let text =
            value.as_deref().and_then(|bytes| std::str::from_utf8(bytes).ok()).ok_or(Fault::CloudeventsInvalid)?;
        insert(&mut texts, name, text)?;
    }
    if let Some(content_type) = content_type(headers)? {
        insert(&mut texts, "datacontenttype", content_type)?;
    }
    Attributes::from_texts(texts)
}

/// An event in structured mode, and its data as bytes.
#[derive(Debug, PartialEq, Eq)]
pub struct Structured<'a> {
    pub attributes: Attributes,
    pub data: Option<Data<'a>>,
}

/// The data of a structured event.
#[derive(Debug, PartialEq, Eq)]
pub enum Data<'a> {
    /// The span of a JSON value inside bytes that passed the strict scan.
    Json(&'a str),
    /// Text of another media type, or decoded base64: not scanned yet.
    Bytes(Cow<'a, [u8]>),
}

/// Reads a structured event from bytes that passed the strict scan.
pub fn structured(value: &[u8]) -> Result<Structured<'_>, FormatError> {
    let members: BTreeMap<Cow<'_, str>, &RawValue> =
        serde_json::from_slice(value).map_err(|e| refusal(&e, Fault::CloudeventsInvalid))?;
    let mut texts = BTreeMap::new();
    for (name, raw) in &members {
        let is_data = matches!(name.as_ref(), "data" | "data_base64");
        if let Some(text) = if is_data { None } else { attribute(raw)? } {
            insert(&mut texts, name, &text)?;
        }
    }
    let attributes = Attributes::from_texts(texts)?;
    let data = match (members.get("data"), members.get("data_base64")) {
        (Some(_), Some(_)) => return Err(Fault::CloudeventsInvalid.into()),
        (Some(data), None) => Some(inline(data, attributes.data_content_type.as_deref())?),
        (None, Some(text)) => Some(Data::Bytes(Cow::Owned(decoded(text)?))),
        (None, None) => None,
    };
    Ok(Structured { attributes, data })
}

/// An attribute's text: strings, booleans and integers of 32 bits; `null` is absent (JSON format, "unset attributes").
fn attribute(raw: &RawValue) -> Result<Option<String>, FormatError> {
    let value: Value = serde_json::from_str(raw.get()).map_err(|e| refusal(&e, Fault::CloudeventsInvalid))?;
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        Value::Bool(flag) => Ok(Some(flag.to_string())),
        Value::Number(number) if number.as_i64().is_some_and(|n| i32::try_from(n).is_ok()) => {
            Ok(Some(number.to_string()))
        }
        _ => Err(Fault::CloudeventsInvalid.into()),
    }
}

/// JSON data is the value; data of another type is the text of a string.
fn inline<'a>(data: &'a RawValue, content_type: Option<&str>) -> Result<Data<'a>, FormatError> {
    if content_type.is_none_or(is_json) {
        return Ok(Data::Json(data.get()));
    }
    let text: String = serde_json::from_str(data.get()).map_err(|_| Fault::CloudeventsInvalid)?;
    Ok(Data::Bytes(Cow::Owned(text.into_bytes())))
}

fn decoded(raw: &RawValue) -> Result<Vec<u8>, FormatError> {
    let text: Cow<'_, str> = serde_json::from_str(raw.get()).map_err(|_| Fault::CloudeventsInvalid)?;
    Ok(base64::decode(&text).map_err(|_| Fault::Base64Invalid)?)
}

/// Whether a media type says JSON: `…/json` or `…+json`.
fn is_json(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    media_type.ends_with("/json") || media_type.ends_with("+json")
}

/// Adds an attribute: a name of `a-z 0-9`, given once; a value that is not empty and has no control characters.
fn insert(texts: &mut BTreeMap<String, String>, name: &str, text: &str) -> Result<(), Fault> {
    let named = !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let written = !text.is_empty() && !text.contains(char::is_control);
    let first = texts.insert(name.to_owned(), text.to_owned()).is_none();
    if named && written && first { Ok(()) } else { Err(Fault::CloudeventsInvalid) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(name: &str, value: &str) -> Header {
        (name.to_owned(), Some(value.as_bytes().to_vec()))
    }

    fn required() -> Vec<Header> {
        vec![header("ce_specversion", "1.0"), header("ce_id", "1"), header("ce_source", "/ci"), header("ce_type", "t")]
    }

    #[test]
    fn a_binary_event_that_lacks_or_repeats_or_spoils_an_attribute_is_refused() {
        for missing in 0..4 {
            let mut headers = required();
            headers.remove(missing);
            assert_eq!(binary(&headers), Err(Fault::CloudeventsInvalid), "{missing}");
        }
        let spoilt = [
            header("ce_id", "2"),
            header("ce_time", "yesterday"),
            header("ce_subject", ""),
            header("ce_Tenant", "acme"),
            header("ce_", "x"),
            header("ce_subject", "a\nb"),
            header("ce_datacontenttype", "text/plain"),
            ("ce_subject".to_owned(), None),
            ("ce_subject".to_owned(), Some(vec![0xff])),
        ];
        for extra in spoilt {
            let mut headers = required();
            headers.push(header("content-type", "application/json"));
            headers.push(extra.clone());
            assert_eq!(binary(&headers), Err(Fault::CloudeventsInvalid), "{extra:?}");
        }
        let mut other = required();
        other[0] = header("ce_specversion", "0.3");
        assert_eq!(binary(&other), Err(Fault::CloudeventsInvalid));
        let mut spaced = required();
        spaced[2] = header("ce_source", "a b");
        assert_eq!(binary(&spaced), Err(Fault::CloudeventsInvalid));
    }

    #[test]
    fn a_binary_event_gives_its_attributes() {
        let mut headers = required();
        headers.extend([
            header("ce_tenantid", "acme"),
            header("ce_subject", "pkg:npm/a@1"),
            header("ce_time", "2025-11-11T12:00:00Z"),
            header("ce_traceparent", "00-ab"),
            header("content-type", "application/json"),
        ]);
        let attributes = binary(&headers).unwrap();
        assert_eq!(attributes.source_id(), "/ci 1");
        assert_eq!(attributes.tenant.as_deref(), Some("acme"));
        assert_eq!(attributes.subject.as_deref(), Some("pkg:npm/a@1"));
        assert_eq!(attributes.time, Millis::parse("2025-11-11T12:00:00Z"));
        assert_eq!(attributes.data_content_type.as_deref(), Some("application/json"));
    }

    #[test]
    fn modes_are_told_by_headers_and_batches_are_refused() {
        let typed = |text: &str| vec![header("content-type", text)];
        assert_eq!(mode(&[]), Ok(Mode::None));
        assert_eq!(mode(&typed("application/json")), Ok(Mode::None));
        assert_eq!(mode(&required()), Ok(Mode::Binary));
        assert_eq!(mode(&[header("ce_tenantid", "acme")]), Ok(Mode::Binary));
        assert_eq!(mode(&typed("application/cloudevents+json; charset=utf-8")), Ok(Mode::Structured));
        for other in ["application/cloudevents-batch+json", "application/cloudevents+avro", "application/cloudevents"] {
            assert_eq!(mode(&typed(other)), Err(Fault::CloudeventsInvalid), "{other}");
        }
        let twice = [typed("a/b"), typed("a/b")].concat();
        assert_eq!(mode(&twice), Err(Fault::CloudeventsInvalid));
    }

    fn code(members: &str) -> &'static str {
        let text = format!(r#"{{"specversion":"1.0","id":"1","source":"/ci","type":"t"{members}}}"#);
        structured(text.as_bytes()).map_or_else(|e| e.code(), |_| "ok")
    }

    #[test]
    fn a_structured_event_is_held_to_the_same_rules() {
        let cases = [
            (r#","data":{},"data_base64":"e30=""#, "cloudevents-invalid"),
            (r#","data_base64":7"#, "cloudevents-invalid"),
            (r#","data_base64":"e30=\n""#, "base64-invalid"),
            (r#","datacontenttype":"text/plain","data":{}"#, "cloudevents-invalid"),
            (r#","subject":"""#, "cloudevents-invalid"),
            (r#","subject":{}"#, "cloudevents-invalid"),
            (r#","Extension":"x""#, "cloudevents-invalid"),
            (r#","count":2147483648"#, "cloudevents-invalid"),
            (r#","time":"2025""#, "cloudevents-invalid"),
            (r#","count":2147483647,"flag":true,"subject":null"#, "ok"),
        ];
        for (members, expected) in cases {
            assert_eq!(code(members), expected, "{members}");
        }
        assert_eq!(structured(br#"{"specversion":"1.0"}"#).unwrap_err().code(), "cloudevents-invalid");
        assert_eq!(structured(b"[]").unwrap_err().code(), "cloudevents-invalid");
    }

    #[test]
    fn structured_data_keeps_the_span_of_its_bytes() {
        let data = |members: &str| {
            let text = format!(r#"{{"specversion":"1.0","id":"1","source":"/ci","type":"t"{members}}}"#);
            match structured(text.as_bytes()).unwrap().data {
                Some(Data::Json(span)) => span.as_bytes().to_vec(),
                Some(Data::Bytes(bytes)) => bytes.into_owned(),
                None => Vec::new(),
            }
        };
        assert_eq!(data(r#","data":{ "b" : 1.0}"#), br#"{ "b" : 1.0}"#);
        assert_eq!(data(r#","data_base64":"e30=""#), b"{}");
        assert_eq!(data(r#","datacontenttype":"application/xml","data":"<bom\/>""#), b"<bom/>");
        assert_eq!(data(""), b"");
    }
}
