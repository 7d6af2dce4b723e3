//! Witnesses, consistency and the older form (cases 34 to 36).

use attestream::event::{Digest, base64, digest};
use attestream::evidence::{Fault, merkle};
use attestream::signing::{Authority, Signer, Tree, Witness};
use serde_json::{Value, json};

use super::workshop::{Evidence, LATER, NOTE, NOW, START, right};
use super::{Pair, pair};

fn witness(operator: &str, seed: u8) -> Witness {
    Witness::new(operator.to_owned(), Signer::ed25519([seed; 32]).unwrap())
}

/// The right evidence with these cosignatures, to a tenant that configured these witnesses.
fn cosigned(by: &[(&Witness, i64)], configured: &[&Witness], change: impl FnOnce(String) -> String) -> Evidence {
    let evidence = right();
    let note = evidence.at(NOTE).as_str().unwrap().to_owned();
    let note = by.iter().fold(note, |note, (witness, at)| witness.cosign(&note, NOW.plus(*at)).unwrap());
    let vkeys: Vec<String> = configured.iter().map(|witness| witness.vkey()).collect();
    evidence.set(NOTE, json!(change(note))).trusting(|trust| trust["witnesses"] = json!(vkeys))
}

fn one() -> Evidence {
    let a = witness("a.example", 51);
    cosigned(&[(&a, -1000)], &[&a], |note| note)
}

/// The cosignature of a checkpoint of another size, on this one.
fn of_another_checkpoint() -> Evidence {
    let a = witness("a.example", 51);
    let evidence = right();
    let note = evidence.at(NOTE).as_str().unwrap().to_owned();
    let other = note.replacen('\n', "\n1", 1);
    let line = a.cosign(&other, NOW.plus(-1000)).unwrap().lines().last().unwrap().to_owned();
    cosigned(&[], &[&a], |note| format!("{note}{line}\n"))
}

fn last_line_changed(note: String) -> String {
    let (head, text) = note.trim_end().rsplit_once(' ').unwrap();
    let mut bytes = base64::decode(text).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    format!("{head} {}\n", base64::encode(&bytes))
}

/// A log's key where a witness's is meant: type 0x01, or the log's own key under a witness's name.
fn log_as_witness(type_byte: u8) -> Evidence {
    let raw: [u8; 32] = *Signer::ed25519([52; 32]).unwrap().public().spki().last_chunk().unwrap();
    let id = Digest::of_parts(&[b"a.example", &[b'\n', type_byte], &raw]);
    let key = base64::encode(&[&[type_byte], raw.as_slice()].concat());
    let vkey = format!("a.example+{}+{key}", digest::hex(&id.as_bytes()[..4]));
    right().trusting(|trust| trust["witnesses"] = json!([vkey]))
}

fn quorum(evidence: Evidence, vkeys: &[String]) -> Evidence {
    let lines: String = vkeys.iter().enumerate().map(|(at, vkey)| format!("witness w{at} {vkey}\n")).collect();
    let names: Vec<String> = (0..vkeys.len()).map(|at| format!("w{at}")).collect();
    let policy = format!("{lines}group g all {}\nquorum g\n", names.join(" "));
    evidence.trusting(|trust| {
        trust["witnesses"] = json!([]);
        trust["witnessPolicy"] = json!(policy);
    })
}

/// Evidence whose witnesses are counted: what is wrong with them is a lower count, and with a quorum a refusal.
fn counted(by: &[(&Witness, i64)], configured: &[&Witness]) -> Evidence {
    let vkeys: Vec<String> = configured.iter().map(|witness| witness.vkey()).collect();
    quorum(cosigned(by, configured, |note| note), &vkeys)
}

pub fn pairs() -> Vec<Pair> {
    let (a, b) = (witness("a.example", 51), witness("b.example", 52));
    let log = Witness::new("w.example".to_owned(), Authority::new("ci", 7, START).unwrap().log_signer().unwrap());
    let verified = "verified, witnesses: 1";
    let met = "verified, witnesses: 2";
    vec![
        pair(
            34,
            "a wrong cosignature",
            "cosignature-invalid",
            cosigned(&[(&a, -1000)], &[&a], last_line_changed),
            one(),
        )
        .right_is(verified),
        pair(34, "a cosignature on another checkpoint", "cosignature-invalid", of_another_checkpoint(), one())
            .right_is(verified),
        pair(
            34,
            "the same witness twice",
            "witness-quorum-not-met",
            counted(&[(&a, -1000), (&a, -500)], &[&a, &b]),
            counted(&[(&a, -1000), (&b, -500)], &[&a, &b]),
        )
        .right_is(met),
        pair(
            34,
            "a witness configured twice",
            "trust-witness-twice",
            cosigned(&[], &[&a, &a], |note| note),
            cosigned(&[], &[&a, &b], |note| note),
        ),
        pair(
            34,
            "a cosignature of tomorrow",
            "witness-quorum-not-met",
            counted(&[(&a, 86_400_000)], &[&a]),
            counted(&[(&a, -1000)], &[&a]),
        )
        .right_is(verified),
        pair(
            34,
            "the log as its own witness",
            "witness-quorum-not-met",
            counted(&[(&log, -1000)], &[&log]),
            counted(&[(&a, -1000)], &[&a]),
        )
        .right_is(verified),
        pair(34, "a log's verifier key as a witness's", "witness-key-malformed", log_as_witness(1), log_as_witness(4)),
        pair(36, "a uuid of another leaf", "entry-uuid-mismatch", older(Some(0), None), older(None, None)),
        pair(36, "a uuid of another tree", "entry-uuid-mismatch", older(None, Some(1)), older(None, None)),
    ]
}

/// cosign's evidence as an envelope beside the log's entry, with a digit of the UUID changed: of its leaf hash from the
/// end, or of its tree id from the front.
fn older(leaf: Option<usize>, tree: Option<usize>) -> Evidence {
    let folder = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/cosign");
    let read = |file: &str| -> Value { serde_json::from_slice(&std::fs::read(folder.join(file)).unwrap()).unwrap() };
    let entry = read("rekor-cli/dsse-0.0.1.slsa-v1.entry.json");
    let (uuid, entry) = entry.as_object().unwrap().iter().next().unwrap();
    let mut digits: Vec<char> = uuid.chars().collect();
    let last = digits.len() - 1;
    for at in [leaf.map(|at| last - at), tree].into_iter().flatten() {
        digits[at] = if digits[at] == '0' { '1' } else { '0' };
    }
    let uuid: String = digits.into_iter().collect();
    let both = json!({ "dsseEnvelope": read("rekor-cli/dsse-0.0.1.slsa-v1.dsse.json"), "rekorEntry": { uuid: entry } });
    let pem = std::fs::read_to_string(folder.join("keys/ecdsa-p256.pub")).unwrap();
    let key = json!({ "name": "key", "spki": pem, "algorithm": "ecdsa-p256-sha256" });
    let trust = json!({ "tenant": "acme", "log": "proof", "keys": [key] });
    Evidence { bytes: both.to_string().into_bytes(), trust, root: read("config/trusted-root-local.json"), now: LATER }
}

/// Case 35: two states of one log.
#[test]
fn a_log_that_is_not_one_log_is_refused() {
    let (mut tree, mut other) = (Tree::default(), Tree::default());
    for at in 0..9_u8 {
        tree.append(&[at]);
        other.append(&[at, u8::from(at == 3)]);
    }
    let proof = tree.consistency(5, 9);
    let of = |size: u64| tree.root_at(size);
    let check = |old: u64, new: u64, proof: &[Digest], roots: (Digest, Digest)| {
        merkle::verify_consistency(old, new, proof, roots.0, roots.1)
    };
    let wrong = Err(Fault::ConsistencyInvalid);
    assert_eq!(check(5, 9, &proof, (of(5), of(9))), Ok(()));
    assert_eq!(check(5, 9, &proof, (of(5), other.root_at(9))), wrong, "another new root");
    assert_eq!(check(5, 9, &proof, (other.root_at(5), of(9))), wrong, "another old root");
    assert_eq!(check(9, 5, &proof, (of(9), of(5))), wrong, "smaller later");
    assert_eq!(check(5, 9, &proof[1..], (of(5), of(9))), wrong, "a hash too few");
    assert_eq!(check(5, 9, &[proof.as_slice(), &[of(1)]].concat(), (of(5), of(9))), wrong, "a hash too many");
    assert_eq!(check(9, 9, &[], (of(9), of(9))), Ok(()));
    assert_eq!(check(9, 9, &[], (of(9), other.root_at(9))), wrong, "one size, two roots");
    assert_eq!(check(0, 9, &[], (of(0), of(9))), wrong, "of an empty tree nothing is said");
}
