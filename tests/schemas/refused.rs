//! What the schemas take, and, above all, what they do not.

use std::collections::BTreeSet;

use attestream::event::Topic;
use attestream::ledger::output::{Change, Status};
use serde_json::{Value, json};

use super::samples::{self, carrying, headers, published};
use super::{SCHEMAS, validate};

fn takes(topic: Topic, value: &Value) -> Result<(), String> {
    validate(topic, value.to_string().as_bytes(), &headers(value))
}

#[test]
fn one_of_each_is_taken() {
    for sample in samples::all() {
        takes(sample.topic, &sample.value).unwrap();
    }
}

/// Otherwise a member that the types lost would stand in the schemas forever.
#[test]
fn no_schema_has_a_member_that_no_value_has() {
    let mut stated = BTreeSet::new();
    SCHEMAS.iter().filter(|(name, _)| *name != "dead-letter-headers").for_each(|(_, s)| properties(s, &mut stated));
    let mut found = BTreeSet::new();
    samples::all().iter().for_each(|sample| members(&sample.value, &mut found));
    let stale: Vec<&String> = stated.difference(&found).collect();
    assert!(stale.is_empty(), "{stale:?}");
}

fn properties(schema: &Value, into: &mut BTreeSet<String>) {
    match schema {
        Value::Object(members) => {
            let named = members.get("properties").and_then(Value::as_object);
            into.extend(named.into_iter().flat_map(|named| named.keys().cloned()));
            members.values().for_each(|inner| properties(inner, into));
        }
        Value::Array(items) => items.iter().for_each(|inner| properties(inner, into)),
        _ => {}
    }
}

fn members(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            into.extend(object.keys().cloned());
            object.values().for_each(|inner| members(inner, into));
        }
        Value::Array(items) => items.iter().for_each(|inner| members(inner, into)),
        _ => {}
    }
}

/// Pointers to every object of ours: what a producer claims may hold anything.
fn objects(value: &Value, at: &str, into: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            into.push(at.to_owned());
            if !at.ends_with("/claimed") {
                object.iter().for_each(|(name, inner)| objects(inner, &format!("{at}/{name}"), into));
            }
        }
        Value::Array(items) => {
            (0..).zip(items).for_each(|(index, inner): (usize, _)| objects(inner, &format!("{at}/{index}"), into));
        }
        _ => {}
    }
}

fn each_object(mut visit: impl FnMut(&samples::Sample, &str, &Value)) {
    for sample in samples::all() {
        let mut pointers = Vec::new();
        objects(&sample.value, "", &mut pointers);
        pointers.iter().for_each(|pointer| visit(&sample, pointer, sample.value.pointer(pointer).unwrap()));
    }
}

#[test]
fn an_unknown_member_is_refused_wherever_it_stands() {
    let mut tried = 0;
    each_object(|sample, pointer, _| {
        let mut value = sample.value.clone();
        value.pointer_mut(pointer).unwrap()["unheardOf"] = json!(1);
        assert!(takes(sample.topic, &value).is_err(), "{} {pointer}", sample.topic);
        tried += 1;
    });
    assert!(tried > 300, "{tried}");
}

/// The schemas are at least as strict as the types: what cannot be read for lack of a member is refused.
#[test]
fn a_missing_member_is_refused_where_the_type_needs_it() {
    let mut refused = BTreeSet::new();
    each_object(|sample, pointer, object| {
        for name in object.as_object().unwrap().keys() {
            let mut value = sample.value.clone();
            value.pointer_mut(pointer).unwrap().as_object_mut().unwrap().remove(name);
            if !(sample.reads)(&value) {
                assert!(takes(sample.topic, &value).is_err(), "{} without {pointer}/{name}", sample.topic);
                refused.insert(name.clone());
            }
        }
    });
    assert!(refused.len() > 40, "{refused:?}");
}

/// Every member has one type: the same value of another type is refused.
#[test]
fn a_member_of_another_type_is_refused() {
    each_object(|sample, pointer, object| {
        for name in object.as_object().unwrap().keys() {
            let mut value = sample.value.clone();
            value.pointer_mut(pointer).unwrap()[name] = json!([{ "of": "another type" }]);
            assert!(takes(sample.topic, &value).is_err(), "{} {pointer}/{name}", sample.topic);
        }
    });
}

/// `value` of `topic`, changed by `change`, is refused; unchanged, it is taken.
fn refuses(topic: Topic, value: &Value, what: &str, change: impl FnOnce(&mut Value)) {
    takes(topic, value).unwrap();
    let mut changed = value.clone();
    change(&mut changed);
    assert_ne!(changed, *value, "{what} changes nothing");
    assert!(takes(topic, &changed).is_err(), "{what}");
}

fn remove(value: &mut Value, pointer: &str) {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    value.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
}

fn set(value: &mut Value, pointer: &str, to: Value) {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    value.pointer_mut(parent).unwrap()[name] = to;
}

fn verified(change: Change) -> Value {
    let status = if change == Change::Revoked { Status::Failed } else { Status::Verified };
    serde_json::to_value(carrying(published(status, Some(change))).remove(0)).unwrap()
}

#[test]
fn a_revoked_record_blesses_nothing() {
    let topic = Topic::Verified;
    let revoked = verified(Change::Revoked);
    let document = verified(Change::Verified)["document"].clone();
    refuses(topic, &revoked, "a document", |v| v["document"] = document);
    refuses(topic, &revoked, "verified", |v| v["trust"]["verified"] = json!(true));
    refuses(topic, &revoked, "status verified", |v| {
        v["trust"]["verified"] = json!(true);
        v["trust"]["status"] = json!("verified");
    });
    refuses(topic, &revoked, "no word on what it takes back", |v| remove(v, "/supersedes"));
    refuses(topic, &revoked, "no reason", |v| v["trust"]["reasons"] = json!([]));
}

#[test]
fn a_verified_record_is_whole() {
    let topic = Topic::Verified;
    let first = verified(Change::Verified);
    let without = ["/change", "/revision", "/position", "/document", "/provenance/dsse", "/document/encoding"];
    for pointer in without {
        refuses(topic, &first, pointer, |v| remove(v, pointer));
    }
    refuses(topic, &first, "neither content nor ref", |v| {
        remove(v, "/document/content");
        remove(v, "/document/encoding");
    });
    let reference = json!(format!("cas://objects/acme/sha256/{}", "0".repeat(64)));
    refuses(topic, &first, "content and ref", |v| v["document"]["ref"] = reference);
    refuses(topic, &first, "not verified", |v| v["trust"]["verified"] = json!(false));
    refuses(topic, &first, "another status", |v| v["trust"]["status"] = json!("failed"));
    refuses(topic, &first, "with a reason", |v| v["trust"]["reasons"] = json!(["key-unknown"]));
    refuses(topic, &first, "supersedes", |v| v["supersedes"] = json!(1));
    refuses(topic, &verified(Change::Superseded), "supersedes nothing", |v| remove(v, "/supersedes"));
}

#[test]
fn the_change_header_is_the_member() {
    let value = verified(Change::Verified);
    let bytes = value.to_string().into_bytes();
    let header = |text: &str| ("change".to_owned(), Some(text.as_bytes().to_vec()));
    validate(Topic::Verified, &bytes, &[header("verified")]).unwrap();
    for headers in [vec![], vec![header("revoked")], vec![header("verified"), header("verified")]] {
        assert!(validate(Topic::Verified, &bytes, &headers).is_err(), "{headers:?}");
    }
    let enriched = serde_json::to_vec(&published(Status::Verified, None)).unwrap();
    validate(Topic::Enriched, &enriched, &[]).unwrap();
    assert!(validate(Topic::Enriched, &enriched, &[header("verified")]).is_err());
}

#[test]
fn an_enriched_record_carries_no_bytes_and_no_change() {
    let topic = Topic::Enriched;
    let missing = serde_json::to_value(published(Status::Missing, None)).unwrap();
    refuses(topic, &missing, "content", |v| {
        v["document"]["content"] = json!("{}");
        v["document"]["encoding"] = json!("utf-8");
    });
    refuses(topic, &missing, "a change", |v| v["change"] = json!("verified"));
    refuses(topic, &missing, "verified without evidence", |v| {
        v["trust"]["verified"] = json!(true);
        v["trust"]["status"] = json!("verified");
        v["trust"]["reasons"] = json!([]);
    });
    let failed = serde_json::to_value(published(Status::Failed, None)).unwrap();
    refuses(topic, &failed, "failed for no reason", |v| v["trust"]["reasons"] = json!([]));
    refuses(topic, &failed, "a reason outside the closed set", |v| v["trust"]["reasons"] = json!(["bad-luck"]));
    refuses(topic, &failed, "missing with an attestation", |v| v["trust"]["status"] = json!("missing"));
}

#[test]
fn texts_have_their_forms() {
    let event = serde_json::to_value(published(Status::Verified, None)).unwrap();
    let upper = event["document"]["digest"].as_str().unwrap().to_uppercase();
    let wrong = [
        ("/_id", json!("evt_1")),
        ("/kind", json!("sbom")),
        ("/tenant", json!("Acme")),
        ("/revision", json!(0)),
        ("/revision", json!(1.5)),
        ("/ts", json!("2025-11-11T12:00:00+01:00")),
        ("/ts", json!(1_762_862_400)),
        ("/document/digest", json!(upper)),
        ("/subject/digest", json!({})),
        ("/subject/digest/sha256", json!("00")),
        ("/trust/policy", json!("sha256:0")),
        ("/provenance/dsse/key/keyId", json!("release")),
        ("/provenance/dsse/key/algo", json!("none")),
        ("/provenance/dsse/rekor/uuid", json!("0")),
        ("/provenance/dsse/chain/0/id", json!("build")),
        ("/provenance/claimed", json!("anything")),
        ("/position/seq", json!(-1)),
    ];
    for (pointer, to) in wrong {
        refuses(Topic::Enriched, &event, &format!("{pointer} = {to}"), |v| set(v, pointer, to));
    }
}

#[test]
fn a_ledger_record_is_one_thing_with_its_bytes() {
    let record = samples::all().remove(0).value;
    let topic = Topic::Ledger;
    let admitted = record["body"]["admitted"].clone();
    refuses(topic, &record, "another format", |v| v["format"] = json!(2));
    refuses(topic, &record, "two bodies", |v| v["body"]["continue"] = json!({ "sweep": 0, "step": 0 }));
    refuses(topic, &record, "no body", |v| v["body"] = json!({}));
    refuses(topic, &record, "an unknown kind", |v| v["body"] = json!({ "deleted": admitted }));
    refuses(topic, &record, "neither event nor attestation", |v| {
        remove(v, "/body/admitted/event");
        remove(v, "/body/admitted/attestation");
    });
    refuses(topic, &record, "input without bytes", |v| remove(v, "/body/admitted/input/inline"));
    let reference = admitted["event"]["document"]["bytes"]["ref"].clone();
    refuses(topic, &record, "input twice", |v| set(v, "/body/admitted/input/ref", reference));
    refuses(topic, &record, "an output as source", |v| set(v, "/body/admitted/source/topic", json!("events.verified")));
    refuses(topic, &record, "more inline than a record carries", |v| {
        set(v, "/body/admitted/input/inline", json!("AAAA".repeat(attestream::event::limits::INLINE_MAX / 3 + 2)));
    });
    let header = [("trace".to_owned(), None)];
    assert!(validate(topic, record.to_string().as_bytes(), &header).is_err(), "a header on the ledger");
}

#[test]
fn an_allow_rests_on_verified_evidence() {
    let decision = samples::all().into_iter().find(|sample| sample.topic == Topic::Decisions).unwrap().value;
    refuses(Topic::Decisions, &decision, "allow what failed", |v| v["inputs"]["status"] = json!("failed"));
    refuses(Topic::Decisions, &decision, "allow without evidence", |v| remove(v, "/inputs/envelope"));
    refuses(Topic::Decisions, &decision, "perhaps", |v| v["decision"] = json!("MAYBE"));
    refuses(Topic::Decisions, &decision, "no rule", |v| v["rules"] = json!([]));
}

#[test]
fn nothing_is_published_where_no_schema_is() {
    assert!(validate(Topic::SignalsProvenance, b"{}", &[]).is_err());
    assert!(validate(Topic::Enriched, b"not JSON", &[]).is_err());
    validate(Topic::SbomSubmitted, b"not JSON either: producers write here", &[]).unwrap();
}
