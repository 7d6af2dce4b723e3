//! The transparency log: entries, promises, proofs, checkpoints and times (cases 1 to 8, 15, 26, 28, 29, 36).

use attestream::event::base64;
use attestream::evidence::pae;
use attestream::signing::statement::IN_TOTO;
use attestream::signing::{Signer, Wrong};
use serde_json::{Value, json};

use super::workshop::{ENTRY, Evidence, NOTE, PROOF, START, Workshop, by_authority, carried, right, statement};
use super::{Pair, pair};

fn wrong(wrong: Wrong) -> Evidence {
    by_authority(Some(wrong))
}

/// Two ECDSA signatures of one key over one payload; the first is logged, and the bundle has one of them.
fn second_signature(first: bool) -> Evidence {
    let (key, payload) = (Signer::ecdsa_p256([5; 32]).unwrap(), statement(|_| {}));
    let sign = || key.sign(&pae(IN_TOTO, &payload)).unwrap();
    let (one, other) = (sign(), sign());
    assert_ne!(one, other);
    let (mut shop, pem) = (Workshop::new(), key.public_pem());
    let entry = shop.enter(&payload, &one, &pem);
    shop.with_entries(&payload, if first { &one } else { &other }, &pem, "ecdsa-p256-sha256", &[entry])
}

/// A bundle of the test's own log, whose entry is changed before it is carried.
fn own(change: impl FnOnce(&mut Workshop, &mut Value)) -> Evidence {
    let (key, payload) = (Signer::ed25519([6; 32]).unwrap(), statement(|_| {}));
    let signature = key.sign(&pae(IN_TOTO, &payload)).unwrap();
    let (mut shop, pem) = (Workshop::new(), key.public_pem());
    let entry = shop.enter(&payload, &signature, &pem);
    let mut carried = carried(&entry);
    let evidence = shop.with_entries(&payload, &signature, &pem, "ed25519", &[entry]);
    change(&mut shop, &mut carried);
    evidence.set(ENTRY, carried)
}

/// The entry's proof, with its index, against the checkpoint of another size of the same log.
fn checkpoint_of_size(size: u64) -> impl FnOnce(&mut Workshop, &mut Value) {
    move |shop, entry| {
        let proof = &mut entry["inclusionProof"];
        proof["checkpoint"]["envelope"] = json!(shop.log.checkpoint(size).unwrap());
        proof["treeSize"] = json!(size.to_string());
        proof["rootHash"] = json!(base64::encode(shop.log.tree().root_at(size).as_bytes()));
    }
}

/// The entry of another attestation of the same key, true in itself.
fn stapled() -> Evidence {
    let (key, payload) = (Signer::ed25519([6; 32]).unwrap(), statement(|_| {}));
    let other = statement(|value| value["predicate"]["version"] = json!(2));
    let (mut shop, pem) = (Workshop::new(), key.public_pem());
    let entry = shop.enter(&other, &key.sign(&pae(IN_TOTO, &other)).unwrap(), &pem);
    let signature = key.sign(&pae(IN_TOTO, &payload)).unwrap();
    shop.with_entries(&payload, &signature, &pem, "ed25519", &[entry])
}

/// An entry of a kind that cannot vouch for an envelope, true in the log.
fn of_kind(kind: &str, version: &str) -> Evidence {
    let (key, payload) = (Signer::ed25519([6; 32]).unwrap(), statement(|_| {}));
    let signature = key.sign(&pae(IN_TOTO, &payload)).unwrap();
    let (mut shop, pem) = (Workshop::new(), key.public_pem());
    let entry = shop.enter(&payload, &signature, &pem);
    let mut body: Value = serde_json::from_slice(&entry.body).unwrap();
    (body["kind"], body["apiVersion"]) = (json!(kind), json!(version));
    let mut entry = shop.enter_body(&entry, kind, attestream::event::jcs::of_own_value(&body));
    entry.version = version.to_owned();
    shop.with_entries(&payload, &signature, &pem, "ed25519", &[entry])
}

/// The checkpoint, changed as text.
fn noted(change: impl FnOnce(String) -> String) -> Evidence {
    let evidence = right();
    let note = evidence.at(NOTE).as_str().unwrap().to_owned();
    let changed = change(note.clone());
    assert_ne!(note, changed);
    evidence.set(NOTE, json!(changed))
}

/// One line of the checkpoint, changed.
fn line(at: usize, to: impl Fn(&str) -> String) -> Evidence {
    noted(|note| {
        let mut lines: Vec<String> = note.split('\n').map(str::to_owned).collect();
        lines[at] = to(&lines[at]);
        lines.join("\n")
    })
}

fn proof(member: &str, to: Value) -> Evidence {
    right().set(&format!("{PROOF}/{member}"), to)
}

fn hashes(change: impl FnOnce(&mut Vec<Value>)) -> Evidence {
    right().edit(|value| change(value.pointer_mut(PROOF).unwrap()["hashes"].as_array_mut().unwrap()))
}

fn unbound_key(evidence: Evidence) -> Evidence {
    evidence.trusting(|trust| drop(trust["keys"][0].as_object_mut().unwrap().remove("validFrom")))
}

fn window(pointer: &str, of: &str, to: Value) -> Evidence {
    let evidence = right();
    if pointer == "key" {
        return evidence.trusting(|trust| trust["keys"][0][of] = to);
    }
    evidence.rooted(|root| root["tlogs"][0]["publicKey"]["validFor"][of] = to)
}

pub fn pairs() -> Vec<Pair> {
    let time = |at: i64| serde_json::to_value(super::workshop::AT.plus(at)).unwrap();
    let promise = "log";
    vec![
        pair(1, "the entry of another payload", "entry-payload-mismatch", wrong(Wrong::EntryOfAnother), right()),
        pair(1, "the true entry of another attestation", "entry-payload-mismatch", stapled(), own(|_, _| {})),
        pair(
            1,
            "the entry of another signature",
            "entry-signature-mismatch",
            wrong(Wrong::EntryOfAnotherSignature),
            right(),
        ),
        pair(1, "the entry of another key", "entry-key-mismatch", wrong(Wrong::EntryOfAnotherKey), right()),
        pair(
            1,
            "an entry of a kind that vouches for files alone",
            "entry-unsupported",
            of_kind("hashedrekord", "0.0.1"),
            own(|_, _| {}),
        ),
        pair(
            1,
            "an entry of a kind that nobody knows",
            "entry-unsupported",
            of_kind("rekord", "0.0.1"),
            own(|_, _| {}),
        ),
        pair(
            2,
            "the second signature of the same key over the same payload",
            "entry-signature-mismatch",
            second_signature(false),
            second_signature(true),
        ),
        pair(
            3,
            "a time that nothing promises",
            "trusted-time-missing",
            right().without(ENTRY, "inclusionPromise"),
            right(),
        ),
        pair(
            3,
            "a time that nothing promises, where age is limited",
            "trusted-time-missing",
            unbound_key(right().without(ENTRY, "inclusionPromise"))
                .trusting(|trust| trust["maxAgeSeconds"] = json!(3600)),
            right(),
        ),
        pair(4, "a forged promise", "entry-promise-invalid", wrong(Wrong::BadSet), right()),
        pair(4, "a time changed after it was promised", "entry-promise-invalid", wrong(Wrong::TimeChanged), right()),
        pair(
            4,
            "a forged promise that nobody asked for",
            "entry-promise-invalid",
            wrong(Wrong::BadSet).trusting(|trust| trust[promise] = json!("none")),
            right().trusting(|trust| trust[promise] = json!("none")),
        ),
        pair(5, "a promise alone", "inclusion-proof-missing", wrong(Wrong::NoProof), right()),
        pair(
            5,
            "a promise alone, said to be of the first version",
            "inclusion-proof-missing",
            wrong(Wrong::NoProof).set("/mediaType", json!("application/vnd.dev.sigstore.bundle+json;version=0.1")),
            right().set("/mediaType", json!("application/vnd.dev.sigstore.bundle+json;version=0.1")),
        ),
        pair(
            5,
            "neither proof nor promise",
            "entry-unproven",
            wrong(Wrong::NoProof).without(ENTRY, "inclusionPromise"),
            right(),
        ),
        pair(5, "no entry", "log-required", wrong(Wrong::NoEntry), right()),
        pair(6, "an unsigned checkpoint", "checkpoint-unsigned", wrong(Wrong::CheckpointUnsigned), right()),
        pair(6, "a forged checkpoint", "checkpoint-signature-invalid", wrong(Wrong::CheckpointForged), right()),
        pair(
            6,
            "the checkpoint of another log",
            "checkpoint-origin-mismatch",
            wrong(Wrong::CheckpointOfAnother),
            right(),
        ),
        pair(
            6,
            "another root in the checkpoint",
            "checkpoint-signature-invalid",
            line(2, |_| base64::encode(&[7; 32])),
            right(),
        ),
        pair(
            6,
            "another root beside the checkpoint",
            "proof-fields-mismatch",
            proof("rootHash", json!(base64::encode(&[7; 32]))),
            right(),
        ),
        pair(6, "another size beside the checkpoint", "proof-fields-mismatch", wrong(Wrong::BadProofFields), right()),
        pair(
            6,
            "the checkpoint of a smaller tree",
            "inclusion-proof-invalid",
            own(checkpoint_of_size(5)),
            own(checkpoint_of_size(6)),
        ),
        pair(
            7,
            "a signature under another name",
            "checkpoint-unsigned",
            noted(|note| note.replace("\u{2014} ci.log", "\u{2014} cj.log")),
            right(),
        ),
        pair(7, "a signature under another key id", "checkpoint-unsigned", line(4, other_key_id), right()),
        pair(
            7,
            "another origin",
            "checkpoint-origin-mismatch",
            line(0, |origin| origin.replacen("ci.log", "cj.log", 1)),
            right(),
        ),
        pair(
            7,
            "an origin that only begins like the log's",
            "checkpoint-origin-mismatch",
            line(0, |origin| origin.replacen(" - ", ".example - ", 1)),
            right(),
        ),
        pair(7, "no origin", "checkpoint-malformed", line(0, |_| String::new()), right()),
        pair(7, "no size", "checkpoint-malformed", line(1, |_| String::new()), right()),
        pair(7, "a size with a zero before it", "checkpoint-malformed", line(1, |size| format!("0{size}")), right()),
        pair(7, "no root", "checkpoint-malformed", line(2, |_| String::new()), right()),
        pair(7, "a short root", "checkpoint-malformed", line(2, |_| base64::encode(&[7; 31])), right()),
        pair(7, "no last line end", "checkpoint-malformed", noted(|note| note.trim_end().to_owned()), right()),
        pair(7, "a control character", "checkpoint-malformed", noted(|note| note.replace(" - ", "\u{7} - ")), right()),
        pair(7, "a carriage return", "checkpoint-malformed", noted(|note| note.replacen('\n', "\r\n", 1)), right()),
        pair(7, "no checkpoint", "checkpoint-missing", right().without(PROOF, "checkpoint"), right()),
        pair(8, "a wrong hash", "inclusion-proof-invalid", wrong(Wrong::BadProof), right()),
        pair(
            8,
            "a hash too many",
            "inclusion-proof-invalid",
            hashes(|hashes| hashes.push(json!(base64::encode(&[7; 32])))),
            right(),
        ),
        pair(8, "a hash too few", "inclusion-proof-invalid", hashes(|hashes| drop(hashes.pop())), right()),
        pair(8, "hashes in another order", "inclusion-proof-invalid", hashes(|hashes| hashes.reverse()), right()),
        pair(8, "no hashes", "inclusion-proof-invalid", hashes(Vec::clear), right()),
        pair(8, "another index in the tree", "inclusion-proof-invalid", proof("logIndex", json!("1")), right()),
        pair(8, "an index beyond the tree", "inclusion-proof-invalid", proof("logIndex", json!("99")), right()),
        pair(8, "twice the size", "proof-fields-mismatch", proof("treeSize", json!("8")), right()),
        pair(
            8,
            "a short hash",
            "evidence-field",
            hashes(|hashes| hashes[0] = json!(base64::encode(&[7; 31]))),
            right(),
        ),
        pair(8, "no root beside the checkpoint", "proof-fields-mismatch", right().without(PROOF, "rootHash"), right()),
        pair(15, "one entry twice", "entry-duplicate", wrong(Wrong::EntryTwice), right()),
        pair(26, "a promised time that lies ahead", "time-in-future", wrong(Wrong::TimeInFuture), right()),
        pair(28, "an unknown log", "log-unknown", wrong(Wrong::UnknownLog), right()),
        pair(
            28,
            "the entry of a log whose root is another's",
            "log-unknown",
            right().rooted(|root| *root = Workshop::new().root()),
            right(),
        ),
        pair(
            29,
            "before the key's window",
            "key-not-valid-at-time",
            window("key", "validFrom", time(1000)),
            window("key", "validFrom", time(0)),
        ),
        pair(
            29,
            "after the key's window",
            "key-not-valid-at-time",
            window("key", "validUntil", time(-1000)),
            window("key", "validUntil", time(0)),
        ),
        pair(29, "logged before the key was valid", "key-not-valid-at-time", wrong(Wrong::TimeOutsideKey), right()),
        pair(
            29,
            "a window of the key that ends before it begins",
            "trust-window",
            window("key", "validUntil", serde_json::to_value(START.plus(-1)).unwrap()),
            window("key", "validUntil", time(0)),
        ),
        pair(
            29,
            "before the log's window",
            "log-not-valid-at-time",
            window("log", "start", time(1000)),
            window("log", "start", time(0)),
        ),
        pair(
            29,
            "after the log's window",
            "log-not-valid-at-time",
            window("log", "end", time(-1000)),
            window("log", "end", time(0)),
        ),
        pair(
            29,
            "a log without a beginning",
            "trust-root-malformed",
            right().rooted(|root| root["tlogs"][0]["publicKey"]["validFor"] = json!({})),
            right(),
        ),
        pair(
            29,
            "a window of the log that ends before it begins",
            "trust-root-malformed",
            window("log", "end", json!("2020-01-01T00:00:00Z")),
            right(),
        ),
        pair(
            36,
            "the global index of another entry",
            "entry-promise-invalid",
            right().set(&format!("{ENTRY}/logIndex"), json!("1")),
            right(),
        ),
        pair(
            36,
            "the id of another log",
            "log-unknown",
            right().set(&format!("{ENTRY}/logId/keyId"), json!(base64::encode(&[7; 32]))),
            right(),
        ),
    ]
}

/// A line of signature with a bit of its key id changed.
fn other_key_id(line: &str) -> String {
    let (head, text) = line.rsplit_once(' ').unwrap();
    let mut bytes = base64::decode(text).unwrap();
    bytes[0] ^= 1;
    format!("{head} {}", base64::encode(&bytes))
}
