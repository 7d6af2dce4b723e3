//! The authority of tests and of the demo: real keys, real statements, a real log. Everything that it does follows
//! from its seed and the orders given, so two runs give the same bytes.

use serde_json::{Value, json};

use super::log::{Logged, TransparencyLog, in_bundle};
use super::statement::{self, IN_TOTO, Sealed, put};
use super::{Signer, SigningError, Wrong};
use crate::event::{Digest, Millis, Subject, jcs};
use crate::evidence::LogEntry;

/// What an attestation says.
#[derive(Debug, Clone)]
pub enum Predicate<'a> {
    /// The predicate is the document.
    Document { predicate_type: &'a str, document: &'a Value },
    /// The predicate names the document's SHA-256.
    Location { predicate_type: &'a str, document: Digest },
    /// Any other.
    Other { predicate_type: &'a str, predicate: &'a Value },
}

/// An order for one attestation.
#[derive(Debug, Clone)]
pub struct Order<'a> {
    pub subjects: &'a [Subject],
    pub predicate: Predicate<'a>,
    /// The time at which it is logged.
    pub at: Millis,
    /// Whether it is logged; what is not logged has no trusted time.
    pub logged: bool,
    pub wrong: Option<Wrong>,
}

/// A signed attestation: a Sigstore bundle.
#[derive(Debug, Clone)]
pub struct Attested {
    pub bytes: Vec<u8>,
    /// SHA-256 of its envelope: the attestation's identity.
    pub envelope: Digest,
}

/// Keys and a log.
#[derive(Debug)]
pub struct Authority {
    name: String,
    signer: Signer,
    stranger: Signer,
    log: TransparencyLog,
    other_log: TransparencyLog,
    start: Millis,
    seed: u64,
}

fn derived(name: &str, seed: u64, role: &str) -> Result<Signer, SigningError> {
    let seed = Digest::of_parts(&[b"attestream authority", name.as_bytes(), role.as_bytes(), &seed.to_be_bytes()]);
    Signer::ed25519(*seed.as_bytes())
}

impl Authority {
    /// The authority of this name and seed, whose key and log are valid from `start`.
    pub fn new(name: &str, seed: u64, start: Millis) -> Result<Self, SigningError> {
        let signer = |role: &str| derived(name, seed, role);
        let tree_id = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 1 | 1 << 62;
        Ok(Authority {
            name: name.to_owned(),
            signer: signer("key")?,
            stranger: signer("stranger")?,
            log: TransparencyLog::new(signer("log")?, &format!("{name}.log.example"), tree_id),
            other_log: TransparencyLog::new(signer("other log")?, &format!("{name}.other.example"), tree_id ^ 1),
            start,
            seed,
        })
    }

    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// The log's own key, for whoever wants to misuse it.
    pub fn log_signer(&self) -> Result<Signer, SigningError> {
        derived(&self.name, self.seed, "log")
    }

    pub fn log(&self) -> &TransparencyLog {
        &self.log
    }

    /// `trusted_root.json` with this authority's log.
    pub fn trust_root(&self) -> Vec<u8> {
        jcs::of_own_value(&json!({
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [self.log.trusted(self.start.plus(-YEAR_MS))],
            "certificateAuthorities": [],
            "ctlogs": [],
            "timestampAuthorities": [],
        }))
    }

    /// A tenant's trust in this authority's key, in the form of its registry entry; `log` is `proof`, `promise` or
    /// `none`. Under `none` the key has no window, since nothing then has a time.
    pub fn tenant_trust(&self, tenant: &str, log: &str) -> Value {
        let mut key = json!({ "name": self.name, "spki": self.signer.public_pem(), "algorithm": "ed25519" });
        if log != "none" {
            put(&mut key, "validFrom", json!(self.start));
        }
        json!({ "tenant": tenant, "keys": [key], "log": log })
    }

    /// Signs what is ordered, right or wrong.
    pub fn attest(&mut self, order: &Order<'_>) -> Result<Attested, SigningError> {
        let sealed = self.seal(order)?;
        let logged = order.logged || order.wrong.is_some_and(Wrong::needs_log);
        let entries =
            if logged && order.wrong != Some(Wrong::NoEntry) { self.enter(&sealed, order)? } else { Vec::new() };
        let signer = if order.wrong == Some(Wrong::WrongKey) { &self.stranger } else { &self.signer };
        let mut envelope = sealed.envelope();
        match order.wrong {
            Some(Wrong::Unsigned) => put(&mut envelope, "signatures", json!([])),
            Some(Wrong::SignedTwice) => {
                let one = envelope.pointer("/signatures/0").cloned();
                put(&mut envelope, "signatures", json!([one, one]));
            }
            _ => {}
        }
        let mut bundle = statement::bundle(&envelope, &signer.hint(), &entries);
        if let (Some(Wrong::EntryTwice), Some(entry)) = (order.wrong, entries.first()) {
            let twice = json!([in_bundle(entry), in_bundle(entry)]);
            if let Some(material) = bundle.get_mut("verificationMaterial") {
                put(material, "tlogEntries", twice);
            }
        }
        Ok(Attested { bytes: jcs::of_own_value(&bundle), envelope: Digest::of(&jcs::of_own_value(&envelope)) })
    }

    /// The signed envelope of an order.
    fn seal(&self, order: &Order<'_>) -> Result<Sealed, SigningError> {
        let payload_type = match order.wrong {
            Some(Wrong::WrongPayloadType) => "application/vnd.example+json",
            _ => IN_TOTO,
        };
        let signer = if order.wrong == Some(Wrong::WrongKey) { &self.stranger } else { &self.signer };
        let mut sealed = Sealed::seal(payload_type, payload(order), signer)?;
        match order.wrong {
            Some(Wrong::TamperedPayload) => sealed.payload = tampered(&sealed.payload),
            Some(Wrong::BadSignature) => flip_last(&mut sealed.signature),
            Some(Wrong::HintMismatch) => sealed.keyid = Some(self.stranger.hint()),
            _ => {}
        }
        Ok(sealed)
    }

    /// The log entry of a sealed order, with whatever is to be wrong with it.
    fn enter(&mut self, sealed: &Sealed, order: &Order<'_>) -> Result<Vec<LogEntry>, SigningError> {
        let at = match order.wrong {
            Some(Wrong::TimeOutsideKey) => self.start.plus(-60_000),
            Some(Wrong::TimeInFuture) => order.at.plus(DAY_MS),
            _ => order.at,
        };
        let (mut payload, mut signature) = (sealed.payload.clone(), sealed.signature.clone());
        match order.wrong {
            Some(Wrong::EntryOfAnother) => payload.push(b' '),
            Some(Wrong::EntryOfAnotherSignature) => flip_last(&mut signature),
            _ => {}
        }
        let strange = matches!(order.wrong, Some(Wrong::WrongKey | Wrong::EntryOfAnotherKey));
        let names = if strange { &self.stranger } else { &self.signer };
        let (envelope, verifier) = (jcs::of_own_value(&sealed.envelope()), names.public_pem());
        let log = if order.wrong == Some(Wrong::UnknownLog) { &mut self.other_log } else { &mut self.log };
        let logged = Logged { envelope: &envelope, payload: &payload, signature: &signature, verifier: &verifier };
        let mut entry = log.append(logged, at)?;
        if let Some(wrong) = order.wrong {
            self.spoil(&mut entry, wrong)?;
        }
        Ok(vec![entry])
    }

    fn spoil(&self, entry: &mut LogEntry, wrong: Wrong) -> Result<(), SigningError> {
        match wrong {
            Wrong::NoProof => entry.proof = None,
            Wrong::BadSet => entry.promise.iter_mut().for_each(|promise| flip_last(promise)),
            Wrong::TimeChanged => entry.integrated_time = entry.integrated_time.map(|time| time - 3600),
            Wrong::EntryKind => entry.kind = "hashedrekord".to_owned(),
            _ => {}
        }
        let Some(proof) = entry.proof.as_mut() else { return Ok(()) };
        let note = proof.checkpoint.clone().unwrap_or_default();
        let text = note.split_once("\n\n").map_or("", |(text, _)| text);
        match wrong {
            Wrong::BadProof => proof.hashes.iter_mut().take(1).for_each(|hash| *hash = Digest::of(hash.as_bytes())),
            Wrong::BadProofFields => proof.size += 1,
            Wrong::CheckpointUnsigned => proof.checkpoint = Some(format!("{text}\n\n")),
            Wrong::CheckpointForged => {
                let (head, line) = note.rsplit_once(' ').unwrap_or_default();
                let mut bytes = crate::event::base64::decode(line.trim_end()).unwrap_or_default();
                bytes.truncate(4);
                bytes.extend(self.stranger.sign(format!("{text}\n").as_bytes())?);
                proof.checkpoint = Some(format!("{head} {}\n", crate::event::base64::encode(&bytes)));
            }
            Wrong::CheckpointOfAnother => proof.checkpoint = Some(self.other_log.checkpoint(self.other_log.size())?),
            _ => {}
        }
        Ok(())
    }
}

const DAY_MS: i64 = 86_400_000;
const YEAR_MS: i64 = 365 * DAY_MS;

/// The payload of an order.
pub(super) fn payload(order: &Order<'_>) -> Vec<u8> {
    let other_subject = another_subject();
    let subjects =
        if order.wrong == Some(Wrong::WrongSubject) { std::slice::from_ref(&other_subject) } else { order.subjects };
    let (predicate_type, predicate) = predicate(order);
    let payload = statement::statement(subjects, predicate_type, &predicate);
    match order.wrong {
        Some(Wrong::NoStatement) => b"{}".to_vec(),
        Some(Wrong::DuplicateMember) => [br#"{"predicate":{},"#, payload.get(1..).unwrap_or_default()].concat(),
        _ => payload,
    }
}

fn another_subject() -> Subject {
    let mut subject = Subject { name: Some("another".into()), ..Subject::default() };
    subject.digest.sha256 = Some(Digest::of(b"another subject").hex());
    subject
}

/// A wrong subject is about no document of ours either: else the document alone would bind it.
fn predicate<'a>(order: &'a Order<'_>) -> (&'a str, Value) {
    let elsewhere = matches!(order.wrong, Some(Wrong::WrongDocument | Wrong::WrongSubject));
    let location = |of: Digest| {
        let of = if elsewhere { Digest::of(b"another document") } else { of };
        json!({ "location": of })
    };
    let (predicate_type, predicate) = match &order.predicate {
        Predicate::Document { predicate_type, .. } if elsewhere => (*predicate_type, location(Digest::of(b""))),
        Predicate::Document { predicate_type, document } => (*predicate_type, (*document).clone()),
        Predicate::Location { predicate_type, document } => (*predicate_type, location(*document)),
        Predicate::Other { predicate_type, predicate } => (*predicate_type, (*predicate).clone()),
    };
    let unknown = order.wrong == Some(Wrong::WrongPredicateType);
    (if unknown { "https://example.com/unknown/v1" } else { predicate_type }, predicate)
}

/// The payload with its last subject digest changed: still a statement.
fn tampered(payload: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(payload);
    let Some(at) = text.rfind("\"sha256\":\"") else { return [payload, b" "].concat() };
    let (head, tail) = text.split_at(at + 10);
    let swapped = if tail.starts_with('0') { "1" } else { "0" };
    [head, swapped, tail.get(1..).unwrap_or_default()].concat().into_bytes()
}

pub(super) fn flip_last(bytes: &mut [u8]) {
    if let Some(last) = bytes.last_mut() {
        *last ^= 1;
    }
}
