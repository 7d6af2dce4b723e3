//! `POST /topics/{input}`: one record. The body is its value.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};

use super::{Gateway, Problem, ProblemCode};
use crate::event::topic::TopicRole;
use crate::event::{Digest, Tenant, Topic, limits};
use crate::log::{Header, Log, Outgoing};

/// The record's key, below the tenant where one is named.
const KEY: &str = "attestream-key";
/// The tenant, as the first part of the key.
const TENANT: &str = "x-tenant";
/// The request's id: given by the client, or made here. The record carries it.
pub const REQUEST_ID: &str = "attestream-request-id";

pub(super) async fn publish<L: Log>(
    State(gateway): State<Arc<Gateway<L>>>,
    Path(topic): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let topic = input(&topic)?;
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => too_large(limits::RECORD_MAX),
        _ => Problem::new(ProblemCode::BodyIncomplete, rejection.body_text()),
    })?;
    let request_id = match text(&headers, REQUEST_ID)? {
        Some(id) => id,
        None => ulid::Ulid::generate().to_string(),
    };
    let record = record(topic, &headers, &body, &request_id)?;
    gateway.writer.write(record).await?;
    let digest = Digest::of(&body);
    let answer = serde_json::json!({ "topic": topic.name(), "digest": digest, "requestId": request_id });
    Ok((StatusCode::ACCEPTED, axum::Json(answer)).into_response())
}

fn input(name: &str) -> Result<Topic, Problem> {
    let topic = Topic::from_name(name).ok_or_else(|| Problem::new(ProblemCode::TopicUnknown, name))?;
    let open = topic.role() == TopicRole::Input || topic == Topic::AttestationBackfill;
    if open { Ok(topic) } else { Err(Problem::new(ProblemCode::TopicNotAnInput, name)) }
}

fn too_large(most: usize) -> Problem {
    Problem::new(ProblemCode::RecordTooLarge, format!("at most {most} bytes"))
}

fn text(headers: &HeaderMap, name: &str) -> Result<Option<String>, Problem> {
    let invalid = |_| Problem::new(ProblemCode::HeaderInvalid, format!("{name}: expected visible ASCII"));
    headers.get(name).map(|value| value.to_str().map(str::to_owned).map_err(invalid)).transpose()
}

fn record(topic: Topic, headers: &HeaderMap, body: &[u8], request_id: &str) -> Result<Outgoing, Problem> {
    let tenant = match text(headers, TENANT)? {
        Some(name) => {
            Some(Tenant::new(&name).map_err(|error| Problem::new(ProblemCode::TenantInvalid, error.to_string()))?)
        }
        None => None,
    };
    let key = text(headers, KEY)?;
    let key = match (tenant, key) {
        (Some(tenant), key) => Some(format!("{tenant}/{}", key.unwrap_or_default())),
        (None, key) => key,
    };
    let mut carried: Vec<Header> = vec![(REQUEST_ID.to_owned(), Some(request_id.as_bytes().to_vec()))];
    let mut cloud_event = false;
    for (name, value) in headers {
        if let Some(attribute) = name.as_str().strip_prefix("ce-") {
            cloud_event = true;
            let decoded = percent_decoded(value.as_bytes()).ok_or_else(|| {
                Problem::new(ProblemCode::HeaderInvalid, format!("{name}: expected percent-encoded UTF-8"))
            })?;
            carried.push((format!("ce_{attribute}"), Some(decoded)));
        }
    }
    // What clients put there by habit says nothing of the value; a bare document says itself what it is.
    let content_type = text(headers, "content-type")?;
    if let Some(content_type) =
        content_type.filter(|of| cloud_event || of.to_ascii_lowercase().starts_with("application/cloudevents"))
    {
        carried.push(("content-type".to_owned(), Some(content_type.into_bytes())));
    }
    let outer = key.as_ref().map_or(0, String::len)
        + carried.iter().map(|(name, value)| name.len() + value.as_ref().map_or(0, Vec::len)).sum::<usize>();
    if outer > limits::HEADERS_MAX {
        return Err(too_large(limits::HEADERS_MAX));
    }
    if outer + body.len() > limits::MESSAGE_MAX {
        return Err(too_large(limits::MESSAGE_MAX));
    }
    Ok(Outgoing {
        topic,
        partition: None,
        key: key.map(String::into_bytes),
        value: Some(body.to_vec()),
        headers: carried,
    })
}

/// A CloudEvents attribute as HTTP carries it (HTTP protocol binding 1.0.2, section 3.1.3.2).
fn percent_decoded(text: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, tail)) = rest.split_first() {
        rest = match first {
            b'%' => {
                let (digits, tail) = tail.split_at_checked(2)?;
                decoded.extend(crate::event::digest::unhex(std::str::from_utf8(digits).ok()?)?);
                tail
            }
            byte => {
                decoded.push(*byte);
                tail
            }
        };
    }
    std::str::from_utf8(&decoded).is_ok().then_some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(of: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in of {
            map.append(*name, value.parse().unwrap());
        }
        map
    }

    fn made(of: &[(&'static str, &str)]) -> Result<Outgoing, ProblemCode> {
        record(Topic::SbomSubmitted, &headers(of), b"{}", "id").map_err(|problem| problem.code)
    }

    #[test]
    fn the_tenant_is_the_first_part_of_the_key() {
        let key =
            |of: &[(&'static str, &str)]| made(of).map(|record| record.key.map(|key| String::from_utf8(key).unwrap()));
        assert_eq!(key(&[]), Ok(None));
        assert_eq!(key(&[(KEY, "a/b")]), Ok(Some("a/b".to_owned())));
        assert_eq!(key(&[(TENANT, "acme")]), Ok(Some("acme/".to_owned())));
        assert_eq!(key(&[(TENANT, "acme"), (KEY, "b")]), Ok(Some("acme/b".to_owned())));
        assert_eq!(key(&[(TENANT, "Acme/..")]), Err(ProblemCode::TenantInvalid));
    }

    #[test]
    fn cloud_events_keep_their_attributes_and_habits_are_left_behind() {
        let curl = made(&[("content-type", "application/x-www-form-urlencoded")]).unwrap();
        assert_eq!(curl.headers.len(), 1);
        let binary = made(&[("ce-id", "a%20b%C3%A9"), ("content-type", "application/json")]).unwrap();
        let names: Vec<&str> = binary.headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, [REQUEST_ID, "ce_id", "content-type"]);
        assert_eq!(binary.headers[1].1.as_deref(), Some("a b\u{e9}".as_bytes()));
        for wrong in ["%", "%2", "%zz", "%ff"] {
            assert_eq!(made(&[("ce-id", wrong)]), Err(ProblemCode::HeaderInvalid), "{wrong}");
        }
    }

    #[test]
    fn only_inputs_are_written() {
        assert_eq!(input("sbom.submitted").unwrap(), Topic::SbomSubmitted);
        for name in ["attestream.ledger", "attestream.control", "events.verified", "attestream.work"] {
            assert_eq!(input(name).unwrap_err().code, ProblemCode::TopicNotAnInput, "{name}");
        }
        assert_eq!(input("none").unwrap_err().code, ProblemCode::TopicUnknown);
    }

    #[test]
    fn key_and_headers_have_a_limit() {
        let long = "x".repeat(limits::HEADERS_MAX);
        assert_eq!(made(&[(KEY, &long)]), Err(ProblemCode::RecordTooLarge));
    }
}
