//! `POST /topics/{input}`: one record. The body is its value.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};

use super::registry::{Entries, Entry};
use super::{Gateway, Problem, ProblemCode};
use crate::event::topic::TopicRole;
use crate::event::{Digest, Tenant, Topic, TopicName, limits};
use crate::log::{Header, Log, Outgoing};
use crate::telemetry::Happening;

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
    let (owner, topic) = input(&topic)?;
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => too_large(limits::RECORD_MAX),
        _ => Problem::new(ProblemCode::BodyIncomplete, rejection.body_text()),
    })?;
    let request_id = match text(&headers, REQUEST_ID)? {
        Some(id) => id,
        None => ulid::Ulid::generate().to_string(),
    };
    let tenant = tenant(owner.as_ref(), &headers)?;
    let entries = match &tenant {
        Some(_) => gateway.entries().await?,
        None => Arc::default(),
    };
    let name = addressed(&entries, owner.as_ref(), tenant.as_ref(), topic)?;
    let record = record(name, tenant.as_ref(), &headers, &body, &request_id)?;
    if let Some((tenant, entry)) = tenant.as_ref().and_then(|tenant| Some((tenant, entries.get(tenant)?))) {
        gateway.keep_quota(tenant, entry, &record)?;
    }
    gateway.writer.write(record).await?;
    let digest = Digest::of(&body);
    let answer = serde_json::json!({ "topic": name, "digest": digest, "requestId": request_id });
    Ok((StatusCode::ACCEPTED, axum::Json(answer)).into_response())
}

/// Whose topic is named, and which.
fn input(name: &str) -> Result<(Option<Tenant>, Topic), Problem> {
    let (owner, topic) = TopicName::split(name).ok_or_else(|| Problem::new(ProblemCode::TopicUnknown, name))?;
    let open = topic.role() == TopicRole::Input || topic == Topic::AttestationBackfill;
    if open { Ok((owner, topic)) } else { Err(Problem::new(ProblemCode::TopicNotAnInput, name)) }
}

/// The tenant that topic and header name; both must name one.
fn tenant(owner: Option<&Tenant>, headers: &HeaderMap) -> Result<Option<Tenant>, Problem> {
    let Some(name) = text(headers, TENANT)? else { return Ok(owner.cloned()) };
    let tenant = Tenant::new(&name).map_err(|error| Problem::new(ProblemCode::TenantInvalid, error.to_string()))?;
    match owner {
        Some(owner) if *owner != tenant => {
            Err(Problem::new(ProblemCode::TenantMismatch, format!("{TENANT} is {tenant}, the topic is {owner}'s")))
        }
        _ => Ok(Some(tenant)),
    }
}

/// The topic that is written to. Admission would refuse the same later; here the client learns of it.
fn addressed(
    entries: &Entries,
    owner: Option<&Tenant>,
    tenant: Option<&Tenant>,
    topic: Topic,
) -> Result<TopicName, Problem> {
    let unknown = || {
        let owner = owner.map(Tenant::as_str).unwrap_or_default();
        Problem::new(ProblemCode::TopicUnknown, format!("{owner} has no topic {topic} of its own"))
    };
    let name = entries.name(owner, topic).ok_or_else(unknown)?;
    let entry = tenant.filter(|_| owner.is_none()).and_then(|tenant| Some((tenant, entries.get(tenant)?)));
    match entry {
        Some((tenant, entry)) if topic.role() == TopicRole::Input && !entry.topics.has_shared_inputs() => {
            let detail = format!("{tenant} has inputs of its own: {tenant}.{topic}");
            Err(Problem::new(ProblemCode::TenantMismatch, detail))
        }
        _ => Ok(name),
    }
}

impl<L: Log> Gateway<L> {
    /// Refuses what is over the tenant's limits, and counts what is not.
    fn keep_quota(&self, tenant: &Tenant, entry: &Entry, record: &Outgoing) -> Result<(), Problem> {
        let size = record.value.as_ref().map_or(0, Vec::len);
        if let Some(most) = entry.quota.record_bytes.filter(|_| !entry.quota.admits(size)) {
            let detail = format!("{size} bytes; {tenant} may send {most} in one record");
            return Err(Problem::new(ProblemCode::RecordTooLarge, detail));
        }
        let whole = size + outer(record.key.as_deref(), &record.headers);
        self.rates.take(tenant, entry.quota, whole, (self.clock)()).map_err(|wait| {
            self.observer.happened(&Happening::RateRefused { tenant: tenant.as_str() });
            Problem::new(ProblemCode::RateExceeded, format!("{tenant} is over its rate")).after(wait)
        })
    }
}

fn outer(key: Option<&[u8]>, headers: &[Header]) -> usize {
    let header = |(name, value): &Header| name.len() + value.as_ref().map_or(0, Vec::len);
    key.map_or(0, <[u8]>::len) + headers.iter().map(header).sum::<usize>()
}

fn too_large(most: usize) -> Problem {
    Problem::new(ProblemCode::RecordTooLarge, format!("at most {most} bytes"))
}

fn text(headers: &HeaderMap, name: &str) -> Result<Option<String>, Problem> {
    let invalid = |_| Problem::new(ProblemCode::HeaderInvalid, format!("{name}: expected visible ASCII"));
    headers.get(name).map(|value| value.to_str().map(str::to_owned).map_err(invalid)).transpose()
}

fn record(
    name: TopicName,
    tenant: Option<&Tenant>,
    headers: &HeaderMap,
    body: &[u8],
    request_id: &str,
) -> Result<Outgoing, Problem> {
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
    let outer = outer(key.as_ref().map(String::as_bytes), &carried);
    if outer > limits::HEADERS_MAX {
        return Err(too_large(limits::HEADERS_MAX));
    }
    // What the log refused would fail everybody whose record is written beside this one.
    if outer + body.len() + limits::FRAME_MAX > limits::MESSAGE_MAX {
        return Err(too_large(limits::MESSAGE_MAX - limits::FRAME_MAX));
    }
    Ok(Outgoing {
        topic: name.topic,
        owner: name.owner,
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
    use crate::admission::TrustTable;
    use crate::ledger::control::ControlRecord;
    use crate::verdict::TenantTrust;

    fn headers(of: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in of {
            map.append(*name, value.parse().unwrap());
        }
        map
    }

    fn made(of: &[(&'static str, &str)]) -> Result<Outgoing, ProblemCode> {
        let headers = headers(of);
        let made = tenant(None, &headers)
            .and_then(|tenant| record(Topic::SbomSubmitted.into(), tenant.as_ref(), &headers, b"{}", "id"));
        made.map_err(|problem| problem.code)
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
        assert_eq!(input("sbom.submitted").unwrap(), (None, Topic::SbomSubmitted));
        let acme = Tenant::new("acme").unwrap();
        assert_eq!(input("acme.sbom.submitted").unwrap(), (Some(acme), Topic::SbomSubmitted));
        assert_eq!(input("acme.events.verified").unwrap_err().code, ProblemCode::TopicNotAnInput);
        for name in ["attestream.ledger", "attestream.control", "events.verified", "attestream.work"] {
            assert_eq!(input(name).unwrap_err().code, ProblemCode::TopicNotAnInput, "{name}");
        }
        assert_eq!(input("none").unwrap_err().code, ProblemCode::TopicUnknown);
    }

    #[test]
    fn a_topic_is_written_for_the_tenant_that_it_is_for() {
        let entry = |text: &str| serde_json::from_str::<TenantTrust>(text).unwrap();
        let own = r#"{"tenant":"acme","topics":{"inputs":["sbom.submitted"],"outputs":["events.verified"]}}"#;
        let mut table = TrustTable::default();
        for text in [own, r#"{"tenant":"globex"}"#] {
            table.apply(&ControlRecord::Tenant(Box::new(entry(text))));
        }
        let entries = Entries::of(&table);
        let [acme, globex, nobody] = ["acme", "globex", "nobody"].map(|name| Tenant::new(name).unwrap());
        let to = |owner: Option<&Tenant>, tenant: Option<&Tenant>, topic| {
            addressed(&entries, owner, tenant, topic).map(|name| name.to_string()).map_err(|problem| problem.code)
        };
        let sbom = Topic::SbomSubmitted;
        assert_eq!(to(Some(&acme), Some(&acme), sbom), Ok("acme.sbom.submitted".to_owned()));
        assert_eq!(to(Some(&acme), Some(&acme), Topic::VexSubmitted), Err(ProblemCode::TopicUnknown));
        assert_eq!(to(Some(&globex), Some(&globex), sbom), Err(ProblemCode::TopicUnknown));
        assert_eq!(to(Some(&nobody), Some(&nobody), sbom), Err(ProblemCode::TopicUnknown));
        assert_eq!(to(None, Some(&acme), sbom), Err(ProblemCode::TenantMismatch));
        assert_eq!(to(None, Some(&acme), Topic::VexSubmitted), Err(ProblemCode::TenantMismatch));
        assert_eq!(to(None, Some(&acme), Topic::AttestationBackfill), Ok("attestation.backfill".to_owned()));
        assert_eq!(to(None, Some(&globex), sbom), Ok("sbom.submitted".to_owned()));
        assert_eq!(to(None, None, sbom), Ok("sbom.submitted".to_owned()));
        let named = |header: &str| tenant(Some(&acme), &headers(&[(TENANT, header)])).map_err(|problem| problem.code);
        assert_eq!(named("acme"), Ok(Some(acme.clone())));
        assert_eq!(named("globex"), Err(ProblemCode::TenantMismatch));
    }

    #[test]
    fn key_and_headers_have_a_limit() {
        let long = "x".repeat(limits::HEADERS_MAX);
        assert_eq!(made(&[(KEY, &long)]), Err(ProblemCode::RecordTooLarge));
    }
}
