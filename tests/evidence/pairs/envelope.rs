//! Envelope, statement, JSON and base64 (cases 9 to 14, 32, 33, 37 and 38).

use attestream::event::base64;
use attestream::evidence::pae;
use attestream::signing::statement::{IN_TOTO, Sealed};
use attestream::signing::{Signer, Wrong};
use serde_json::{Value, json};

use super::workshop::{
    ENTRY, Evidence, NOTE, NOW, PROOF, SIGNATURE, Workshop, by_authority, carried, right, statement,
};
use super::{Pair, pair};

fn signer() -> Signer {
    Signer::ed25519([21; 32]).unwrap()
}

/// A payload, signed and logged rightly whatever it says.
fn signed(payload: &[u8]) -> Evidence {
    let key = signer();
    let signature = key.sign(&pae(IN_TOTO, payload)).unwrap();
    Workshop::new().bundle(payload, &signature, &key.public_pem(), "ed25519")
}

fn stating(change: impl FnOnce(&mut Value)) -> Evidence {
    signed(&statement(change))
}

/// An envelope by itself with these signatures, under a threshold; nothing is logged.
fn bare(signatures: Vec<Value>, keys: &[&Signer], threshold: u32) -> Evidence {
    let payload = statement(|_| {});
    let envelope = json!({ "payload": base64::encode(&payload), "payloadType": IN_TOTO, "signatures": signatures });
    let pinned = |(at, key): (usize, &&Signer)| json!({ "name": format!("key {at}"), "spki": key.public_pem(), "algorithm": "ed25519" });
    let keys: Vec<Value> = keys.iter().enumerate().map(pinned).collect();
    let trust = json!({ "tenant": "acme", "log": "none", "keys": keys, "threshold": threshold });
    Evidence { bytes: envelope.to_string().into_bytes(), trust, root: Workshop::new().root(), now: NOW }
}

fn by(signer: &Signer, keyid: Option<&str>) -> Value {
    let sealed = Sealed::seal(IN_TOTO, statement(|_| {}), signer).unwrap();
    let mut signature = json!({ "sig": base64::encode(&sealed.signature) });
    if let Some(keyid) = keyid {
        signature["keyid"] = json!(keyid);
    }
    signature
}

fn two() -> [Signer; 2] {
    [Signer::ed25519([31; 32]).unwrap(), Signer::ed25519([32; 32]).unwrap()]
}

fn thresholds(of: &dyn Fn(&Signer, &Signer) -> Vec<Value>) -> Evidence {
    let [a, b] = &two();
    bare(of(a, b), &[a, b], 2)
}

fn both() -> Evidence {
    thresholds(&|a, b| vec![by(a, None), by(b, None)])
}

fn entries(count: usize) -> Evidence {
    let (key, payload) = (signer(), statement(|_| {}));
    let signature = key.sign(&pae(IN_TOTO, &payload)).unwrap();
    let mut shop = Workshop::new();
    let entries: Vec<_> = (0..count).map(|_| shop.enter(&payload, &signature, &key.public_pem())).collect();
    shop.with_entries(&payload, &signature, &key.public_pem(), "ed25519", &entries)
}

fn subjects(count: usize, digests: usize) -> Evidence {
    let digest: serde_json::Map<_, _> = (0..digests).map(|at| (format!("x{at}"), json!("00"))).collect();
    stating(|value| value["subject"] = vec![json!({ "name": "a", "digest": digest }); count].into())
}

fn note_lines(count: usize) -> Evidence {
    let evidence = right();
    let note = evidence.at(NOTE).as_str().unwrap().to_owned();
    let line = format!("\u{2014} other.example {}\n", base64::encode(&[9; 68]));
    evidence.set(NOTE, json!(format!("{note}{}", line.repeat(count - 1))))
}

fn checkpoint_of(bytes: usize) -> Evidence {
    let evidence = right();
    let note = evidence.at(NOTE).as_str().unwrap().to_owned();
    let line = format!("\u{2014} other.example {}\n", base64::encode(&vec![9; bytes]));
    evidence.set(NOTE, json!(format!("{note}{line}")))
}

/// A logged body with this text put behind its first brace, still in the log under its own hash.
fn body_with(text: &str) -> Evidence {
    let (key, payload) = (signer(), statement(|_| {}));
    let signature = key.sign(&pae(IN_TOTO, &payload)).unwrap();
    let mut shop = Workshop::new();
    let entry = shop.enter(&payload, &signature, &key.public_pem());
    let body = [b"{", text.as_bytes(), &entry.body[1..]].concat();
    let entry = shop.enter_body(&entry, "dsse", body);
    shop.with_entries(&payload, &signature, &key.public_pem(), "ed25519", &[entry])
}

/// The signed payload with this text behind its first brace.
fn payload_with(text: &str) -> Evidence {
    let payload = statement(|_| {});
    signed(&[b"{", text.as_bytes(), &payload[1..]].concat())
}

fn retyped(to: &str) -> Evidence {
    right().set("/dsseEnvelope/payloadType", json!(to)).trusting(|trust| trust["payloadTypes"] = json!([to]))
}

fn only_for(predicate_type: &str) -> Evidence {
    right().trusting(|trust| trust["keys"][0]["predicateTypes"] = json!([predicate_type]))
}

/// The text of a base64 member, changed.
fn respelled(pointer: &str, change: impl FnOnce(String) -> String) -> Evidence {
    let evidence = right();
    let text = evidence.at(pointer).as_str().unwrap().to_owned();
    evidence.set(pointer, json!(change(text)))
}

/// A signature whose base64 has both of the characters in which the alphabets differ.
fn with_both_alphabets() -> Evidence {
    let key = signer();
    (0_u32..)
        .map(|at| statement(|value| value["predicate"]["version"] = json!(at)))
        .map(|payload| signed(&payload))
        .find(|evidence| {
            let sig = evidence.at(SIGNATURE)["sig"].as_str().unwrap().to_owned();
            sig.contains('+') && sig.contains('/') && !key.key_id().is_empty()
        })
        .unwrap()
}

fn signature_spelled(from: char, to: &str) -> Evidence {
    let evidence = with_both_alphabets();
    let sig = evidence.at(SIGNATURE)["sig"].as_str().unwrap().replace(from, to);
    evidence.set(&format!("{SIGNATURE}/sig"), json!(sig))
}

/// Pad bits that are not zero: the last character before `==` or `=` raised by one.
fn dirty_pad(text: String) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let body = text.trim_end_matches('=');
    assert!(body.len() < text.len(), "there are pad bits");
    let last = ALPHABET.iter().position(|c| *c == *body.as_bytes().last().unwrap()).unwrap();
    let raised = char::from(ALPHABET[last + 1]);
    format!("{}{raised}{}", &body[..body.len() - 1], &text[body.len()..])
}

fn text_of(name: &str, sub: Value) -> Evidence {
    stating(|value| value[name] = sub)
}

fn digested(digest: Value) -> Evidence {
    text_of("subject", json!([{ "name": "orders-api", "digest": digest }]))
}

pub fn pairs() -> Vec<Pair> {
    let hex = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    vec![
        pair(9, "another payload type, signed", "payload-type", by_authority(Some(Wrong::WrongPayloadType)), right()),
        pair(9, "the payload type swapped after signing", "signature-invalid", retyped("application/json"), right()),
        pair(
            9,
            "a predicate type that nobody knows",
            "predicate-type-unknown",
            by_authority(Some(Wrong::WrongPredicateType)),
            right(),
        ),
        pair(
            9,
            "a predicate type that the key may not sign",
            "key-predicate-type",
            only_for("https://openvex.dev/ns"),
            only_for("https://cyclonedx.org/bom"),
        ),
        pair(
            10,
            "a payload that is no statement",
            "statement-invalid",
            by_authority(Some(Wrong::NoStatement)),
            right(),
        ),
        pair(10, "a payload that is no JSON", "json-syntax", signed(b"<xml/>"), right()),
        pair(10, "a predicate that is null", "statement-invalid", text_of("predicate", Value::Null), stating(|_| {})),
        pair(10, "no predicate type", "statement-invalid", text_of("predicateType", json!("")), stating(|_| {})),
        pair(
            11,
            "two members of one name in the statement",
            "json-duplicate-member",
            by_authority(Some(Wrong::DuplicateMember)),
            right(),
        ),
        pair(
            11,
            "a member of the statement in another case",
            "json-duplicate-member",
            payload_with(r#""Subject":[],"#),
            payload_with(r#""other":[],"#),
        ),
        pair(
            11,
            "an escaped name in the statement",
            "json-duplicate-member",
            payload_with(r#""predicat\u0065":{},"#),
            payload_with(r#""predicat\u0065s":{},"#),
        ),
        pair(
            11,
            "two envelopes",
            "json-duplicate-member",
            right().replace("{\"dsseEnvelope\"", "{\"dsseEnvelope\":{},\"dsseEnvelope\""),
            right(),
        ),
        pair(
            11,
            "an escaped name in the envelope",
            "json-duplicate-member",
            right().replace("\"payloadType\"", "\"payl\\u006fad\":\"\",\"payloadType\""),
            right(),
        ),
        pair(
            11,
            "a member of the envelope in another case",
            "json-duplicate-member",
            right().replace("\"payloadType\"", "\"PayloadType\":\"x\",\"payloadType\""),
            right().replace("\"payloadType\"", "\"x-payloadType\":\"x\",\"payloadType\""),
        ),
        pair(
            11,
            "two members of one name in the logged body",
            "entry-malformed",
            body_with(r#""kind":"dsse","#),
            body_with(r#""other":"dsse","#),
        ),
        pair(
            11,
            "a member of the logged body in another case",
            "entry-malformed",
            body_with(r#""Spec":{},"#),
            body_with(r#""other":{},"#),
        ),
        pair(12, "one key twice", "threshold-not-met", thresholds(&|a, _| vec![by(a, None), by(a, None)]), both()),
        pair(
            12,
            "one key under two ids",
            "threshold-not-met",
            thresholds(&|a, _| vec![by(a, Some("one")), by(a, Some("two"))]),
            both(),
        ),
        pair(
            12,
            "the id of another key, and not its signature",
            "signature-invalid threshold-not-met",
            thresholds(&|a, b| vec![by(a, None), by(a, Some(&b.key_id()))]),
            both(),
        ),
        pair(
            12,
            "a threshold of zero",
            "trust-threshold",
            both().trusting(|trust| trust["threshold"] = json!(0)),
            both(),
        ),
        pair(
            12,
            "one key configured twice",
            "trust-key-twice",
            both().trusting(|trust| trust["keys"][1]["spki"] = trust["keys"][0]["spki"].clone()),
            both(),
        ),
        pair(
            12,
            "two keys of one owner",
            "trust-threshold",
            both().trusting(|trust| (trust["keys"][0]["owner"], trust["keys"][1]["owner"]) = (json!("o"), json!("o"))),
            both().trusting(|trust| trust["keys"][0]["owner"] = json!("o")),
        ),
        pair(12, "no signature", "envelope-unsigned", by_authority(Some(Wrong::Unsigned)), right()),
        pair(
            13,
            "two signatures in a bundle",
            "bundle-signature-count",
            by_authority(Some(Wrong::SignedTwice)),
            right(),
        ),
        pair(14, "one log entry too many", "evidence-limit", entries(5), entries(4)),
        pair(
            14,
            "one time stamp too many",
            "evidence-limit",
            right().edit(|value| {
                value["verificationMaterial"]["timestampVerificationData"] =
                    json!({ "rfc3161Timestamps": vec![json!({ "signedTimestamp": "AA==" }); 5] })
            }),
            right(),
        ),
        pair(
            14,
            "one signature too many",
            "evidence-limit",
            thresholds(&|a, b| [vec![by(a, None); 16], vec![by(b, None)]].concat()),
            thresholds(&|a, b| [vec![by(a, None); 15], vec![by(b, None)]].concat()),
        ),
        pair(14, "one subject too many", "statement-too-large", subjects(1025, 1), subjects(1024, 1)),
        pair(14, "one digest too many", "statement-too-large", subjects(1, 33), subjects(1, 32)),
        pair(
            14,
            "one hash of the proof too many",
            "evidence-limit",
            right().edit(|value| {
                value.pointer_mut(PROOF).unwrap()["hashes"] = vec![json!(base64::encode(&[0; 32])); 65].into()
            }),
            right(),
        ),
        pair(14, "one line on the checkpoint too many", "checkpoint-malformed", note_lines(17), note_lines(16)),
        pair(14, "a checkpoint without end", "evidence-limit", checkpoint_of(9000), checkpoint_of(3000)),
        pair(
            14,
            "deeper than anybody writes",
            "json-too-deep",
            right().replace(
                "{\"dsseEnvelope\"",
                &format!("{{\"x\":{}{},\"dsseEnvelope\"", "[".repeat(128), "]".repeat(128)),
            ),
            right().replace(
                "{\"dsseEnvelope\"",
                &format!("{{\"x\":{}{},\"dsseEnvelope\"", "[".repeat(100), "]".repeat(100)),
            ),
        ),
        pair(
            32,
            "another type of statement",
            "statement-invalid",
            text_of("_type", json!("https://in-toto.io/Statement/v2")),
            stating(|_| {}),
        ),
        pair(32, "no subjects", "statement-invalid", text_of("subject", json!([])), stating(|_| {})),
        pair(
            32,
            "a subject without digest",
            "statement-invalid",
            digested(json!({})),
            digested(json!({ "sha256": hex })),
        ),
        pair(
            32,
            "an empty digest",
            "statement-invalid",
            digested(json!({ "sha256": "" })),
            digested(json!({ "sha256": hex })),
        ),
        pair(
            32,
            "a digest of odd length",
            "digest-invalid",
            digested(json!({ "sha256": &hex[1..] })),
            digested(json!({ "sha256": hex })),
        ),
        pair(
            32,
            "a digest of another algorithm's length",
            "digest-invalid",
            digested(json!({ "sha512": hex })),
            digested(json!({ "sha256": hex })),
        ),
        pair(
            32,
            "a digest in upper case",
            "digest-invalid",
            digested(json!({ "sha256": hex.to_uppercase() })),
            digested(json!({ "sha256": hex })),
        ),
        pair(
            32,
            "a digest that is no hex",
            "digest-invalid",
            digested(json!({ "sha256": hex.replace('a', "g") })),
            digested(json!({ "sha256": hex })),
        ),
        pair(
            33,
            "an entry of another kind than its body",
            "entry-kind-mismatch",
            by_authority(Some(Wrong::EntryKind)),
            right(),
        ),
        pair(
            33,
            "an entry of another version than its body",
            "entry-kind-mismatch",
            right().set(&format!("{ENTRY}/kindVersion/version"), json!("0.0.2")),
            right(),
        ),
        pair(33, "a negative index", "evidence-field", right().set(&format!("{ENTRY}/logIndex"), json!("-1")), right()),
        pair(
            33,
            "a negative index in the tree",
            "evidence-field",
            right().set(&format!("{PROOF}/logIndex"), json!(-1)),
            right(),
        ),
        pair(
            33,
            "a size beyond 64 bits",
            "evidence-field",
            right().set(&format!("{PROOF}/treeSize"), json!("9223372036854775808")),
            right(),
        ),
        pair(
            33,
            "an unknown media type",
            "bundle-media-type",
            right().set("/mediaType", json!("application/vnd.dev.sigstore.bundle.v0.4+json")),
            right(),
        ),
        pair(37, "mixed alphabets", "base64-malformed", signature_spelled('+', "-"), with_both_alphabets()),
        pair(
            37,
            "white space in base64",
            "base64-malformed",
            respelled("/dsseEnvelope/payload", |text| format!("{}\n{}", &text[..8], &text[8..])),
            right(),
        ),
        pair(
            37,
            "pad bits of the signature",
            "base64-malformed",
            respelled(&format!("{SIGNATURE}/sig"), dirty_pad),
            right(),
        ),
        pair(
            37,
            "too much padding",
            "base64-malformed",
            respelled("/dsseEnvelope/payload", |text| format!("{text}====")),
            right(),
        ),
        pair(
            37,
            "pad bits of the log's id",
            "base64-malformed",
            respelled(&format!("{ENTRY}/logId/keyId"), dirty_pad),
            right(),
        ),
        pair(
            37,
            "a space in the promise",
            "base64-malformed",
            respelled(&format!("{ENTRY}/inclusionPromise/signedEntryTimestamp"), |text| format!(" {text}")),
            right(),
        ),
    ]
}

/// Case 38: whatever is absent or null is refused with a code, and nothing panics.
pub fn absent() -> Vec<Pair> {
    let gone: [(&'static str, &'static str, &'static str); 17] = [
        ("", "verificationMaterial", "evidence-form"),
        ("", "dsseEnvelope", "evidence-form"),
        ("", "mediaType", "evidence-form"),
        ("/verificationMaterial", "publicKey", "bundle-material"),
        ("/verificationMaterial", "tlogEntries", "log-required"),
        ("/dsseEnvelope", "payload", "evidence-field"),
        ("/dsseEnvelope", "payloadType", "evidence-field"),
        ("/dsseEnvelope", "signatures", "evidence-field"),
        (SIGNATURE, "sig", "evidence-field"),
        (ENTRY, "logId", "evidence-field"),
        (ENTRY, "kindVersion", "evidence-field"),
        (ENTRY, "canonicalizedBody", "evidence-field"),
        (ENTRY, "inclusionProof", "inclusion-proof-missing"),
        (ENTRY, "inclusionPromise", "trusted-time-missing"),
        (ENTRY, "integratedTime", "entry-promise-invalid"),
        (PROOF, "checkpoint", "checkpoint-missing"),
        (PROOF, "treeSize", "evidence-field"),
    ];
    let mut pairs = Vec::new();
    for (object, member, code) in gone {
        pairs.push(pair(38, &format!("no {object}/{member}"), code, right().without(object, member), right()));
        let null = right().set(&format!("{object}/{member}"), Value::Null);
        pairs.push(pair(38, &format!("{object}/{member} is null"), code, null, right()));
        let other = right().set(&format!("{object}/{member}"), json!([[]]));
        let said = other.said();
        assert_ne!(said, "verified", "{object}/{member}");
        pairs.push(pair(38, &format!("{object}/{member} is of another type"), &said, other, right()));
    }
    pairs
}

/// What `carried` gives is what the bundle has: the pairs of logs rest on it.
#[test]
fn an_entry_is_carried_as_the_bundle_has_it() {
    let (key, payload) = (signer(), statement(|_| {}));
    let signature = key.sign(&pae(IN_TOTO, &payload)).unwrap();
    let mut shop = Workshop::new();
    let entry = shop.enter(&payload, &signature, &key.public_pem());
    let evidence = shop.with_entries(&payload, &signature, &key.public_pem(), "ed25519", std::slice::from_ref(&entry));
    assert_eq!(evidence.at(ENTRY), carried(&entry));
}
