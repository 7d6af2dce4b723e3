//! The body of a log entry, and its binding to the envelope (rules P5, L2 and L6).

use std::borrow::Cow;

use serde_json::json;

use super::{Envelope, Fault, KeyAlgorithm, LogEntry, Message, PublicKey, pem};
use crate::event::outline::{Object, Outline, Value};
use crate::event::{Digest, base64, digest, jcs, json};

/// Who signed, as an entry must name it: the key, or the certificate and its key.
#[derive(Debug, Clone, Copy)]
pub enum Signer<'a> {
    Key(&'a PublicKey),
    Certificate { der: &'a [u8], key: &'a PublicKey },
}

impl Signer<'_> {
    fn key(&self) -> &PublicKey {
        match self {
            Signer::Key(key) | Signer::Certificate { key, .. } => key,
        }
    }

    /// Whether PEM in an entry is this key or certificate, by its DER.
    fn is(&self, pem_text: &str) -> bool {
        match self {
            Signer::Key(key) => pem::decode(pem_text, "PUBLIC KEY").is_some_and(|der| der == key.spki()),
            Signer::Certificate { der, .. } => pem::decode(pem_text, "CERTIFICATE").is_some_and(|found| found == *der),
        }
    }
}

/// A signature of the envelope with the signer that it verified under; `None` where none of ours did.
pub type Signed<'a> = (&'a [u8], Option<Signer<'a>>);

/// The kind and version that a body says of itself. Strictly scanned: two parsers must not read two bodies.
pub fn kind_of(body: &[u8]) -> Result<(String, String), Fault> {
    let body = outlined(body)?;
    let (kind, version) = kind(body.root()).ok_or(Fault::EntryMalformed)?;
    Ok((kind.into_owned(), version.into_owned()))
}

fn outlined(body: &[u8]) -> Result<Outline<'_>, Fault> {
    json::outline_folded(body, usize::MAX).map_err(|_| Fault::EntryMalformed)
}

fn kind<'a>(body: Value<'_, 'a>) -> Option<(Cow<'a, str>, Cow<'a, str>)> {
    let body = body.object()?;
    Some((body.needed("kind", Value::text)?, body.needed("apiVersion", Value::text)?))
}

/// Whether an entry is of Rekor v2: those have no promise and no time, and their index is that of the tree.
pub fn is_v2(entry: &LogEntry) -> bool {
    entry.kind == "hashedrekord" && entry.version == "0.0.2"
}

/// Verifies that the entry is of this envelope, these signatures and these signers.
pub fn bind(entry: &LogEntry, envelope: &Envelope, signed: &[Signed<'_>]) -> Result<(), Fault> {
    let outline = outlined(&entry.body)?;
    let (kind, version) = kind(outline.root()).ok_or(Fault::EntryMalformed)?;
    if kind != entry.kind || version != entry.version {
        return Err(Fault::EntryKindMismatch);
    }
    let spec = outline.root().object().and_then(|body| body.member("spec")?.object());
    match (kind.as_ref(), version.as_ref(), &envelope.file) {
        ("dsse", "0.0.1", None) => bind_dsse(spec, envelope, signed),
        ("intoto", "0.0.2", None) => bind_intoto(spec, envelope, signed),
        ("hashedrekord", "0.0.1", Some(_)) => bind_hashedrekord_v1(spec, envelope, signed),
        ("hashedrekord", "0.0.2", _) => bind_hashedrekord(&entry.body, spec, envelope, signed),
        _ => Err(Fault::EntryUnsupported),
    }
}

/// A hash that a body states.
struct Hash<'a> {
    algorithm: Cow<'a, str>,
    value: Cow<'a, str>,
}

impl<'a> Hash<'a> {
    fn read(value: Value<'_, 'a>) -> Option<Self> {
        let hash = value.object()?;
        Some(Hash { algorithm: hash.needed("algorithm", Value::text)?, value: hash.needed("value", Value::text)? })
    }

    fn is_of(&self, bytes: &[u8]) -> bool {
        self.algorithm == "sha256" && self.value == Digest::of(bytes).hex()
    }
}

fn decoded(text: &str) -> Result<Vec<u8>, Fault> {
    base64::decode(text).map_err(|_| Fault::EntryMalformed)
}

fn decoded_text(text: &str) -> Result<String, Fault> {
    String::from_utf8(decoded(text)?).map_err(|_| Fault::EntryMalformed)
}

fn bind_dsse<'a>(spec: Option<Object<'_, 'a>>, envelope: &Envelope, signed: &[Signed<'_>]) -> Result<(), Fault> {
    let read = || {
        let spec = spec?;
        let pair = |value: Value<'_, 'a>| {
            let signature = value.object()?;
            Some((signature.needed("signature", Value::text)?, signature.needed("verifier", Value::text)?))
        };
        Some((spec.needed("payloadHash", Hash::read)?, spec.needed("signatures", |list| list.list(pair))?))
    };
    let (hash, pairs) = read().ok_or(Fault::EntryMalformed)?;
    if !hash.is_of(&envelope.payload) {
        return Err(Fault::EntryPayload);
    }
    let pairs = pairs.iter().map(|(signature, verifier)| Ok((decoded(signature)?, decoded_text(verifier)?)));
    bind_signatures(&pairs.collect::<Result<Vec<_>, _>>()?, signed)
}

fn bind_intoto<'a>(spec: Option<Object<'_, 'a>>, envelope: &Envelope, signed: &[Signed<'_>]) -> Result<(), Fault> {
    let read = || {
        let content = spec?.member("content")?.object()?;
        let inner = content.member("envelope")?.object()?;
        // `sig` is base64 of the base64 text of the envelope.
        let pair = |value: Value<'_, 'a>| {
            let signature = value.object()?;
            Some((signature.needed("sig", Value::text)?, signature.needed("publicKey", Value::text)?))
        };
        let pairs = inner.needed("signatures", |list| list.list(pair))?;
        Some((inner.needed("payloadType", Value::text)?, pairs, content.needed("payloadHash", Hash::read)?))
    };
    let (payload_type, pairs, hash) = read().ok_or(Fault::EntryMalformed)?;
    if !hash.is_of(&envelope.payload) || payload_type != envelope.payload_type {
        return Err(Fault::EntryPayload);
    }
    let pairs = pairs.iter().map(|(sig, key)| Ok((decoded(&decoded_text(sig)?)?, decoded_text(key)?)));
    bind_signatures(&pairs.collect::<Result<Vec<_>, _>>()?, signed)
}

/// The entry's signatures and the envelope's are the same set, each by the signer that it verified under.
fn bind_signatures(logged: &[(Vec<u8>, String)], signed: &[Signed<'_>]) -> Result<(), Fault> {
    let same_count = logged.len() == signed.len();
    let in_log = |sig: &[u8]| logged.iter().find(|(logged, _)| logged == sig);
    if !same_count || logged.iter().any(|(logged, _)| !signed.iter().any(|(sig, _)| sig == logged)) {
        return Err(Fault::EntrySignature);
    }
    for (sig, signer) in signed {
        let (_, verifier) = in_log(sig).ok_or(Fault::EntrySignature)?;
        if signer.is_some_and(|signer| !signer.is(verifier)) {
            return Err(Fault::EntryKey);
        }
    }
    Ok(())
}

/// Rekor v1's entry of a file: its hash, the signature, and PEM of the key or certificate.
fn bind_hashedrekord_v1<'a>(
    spec: Option<Object<'_, 'a>>,
    envelope: &Envelope,
    signed: &[Signed<'_>],
) -> Result<(), Fault> {
    let [(sig, signer)] = signed else { return Err(Fault::EntrySignature) };
    let content = |value: Value<'_, 'a>| value.object()?.needed("content", Value::text);
    let read = || {
        let spec = spec?;
        let hash = spec.member("data")?.object()?.needed("hash", Hash::read)?;
        let signature = spec.member("signature")?.object()?;
        Some((hash, signature.needed("content", Value::text)?, signature.needed("publicKey", content)?))
    };
    let (hash, signature, key) = read().ok_or(Fault::EntryMalformed)?;
    if decoded(&signature)? != *sig {
        return Err(Fault::EntrySignature);
    }
    let Some(signer) = signer else { return Ok(()) };
    let (algorithm, digest) = hash_of(&envelope.message(), signer.key().algorithm())?;
    let named = match algorithm {
        "SHA2_256" => "sha256",
        "SHA2_384" => "sha384",
        _ => "sha512",
    };
    if hash.algorithm != named || hash.value != digest::hex(&digest) {
        return Err(Fault::EntryPayload);
    }
    if signer.is(&decoded_text(&key)?) { Ok(()) } else { Err(Fault::EntryKey) }
}

/// Rekor v2: the leaf is recomputed from our own material, so that nothing in the body needs trusting.
fn bind_hashedrekord(
    bytes: &[u8],
    spec: Option<Object<'_, '_>>,
    envelope: &Envelope,
    signed: &[Signed<'_>],
) -> Result<(), Fault> {
    let [(sig, signer)] = signed else { return Err(Fault::EntrySignature) };
    let read = || {
        let record = spec?.member("hashedRekordV002")?.object()?;
        let content = record.member("signature")?.object()?.needed("content", Value::text)?;
        Some((record.member("data")?.object()?.needed("digest", Value::text)?, content))
    };
    let (stated, signature) = read().ok_or(Fault::EntryMalformed)?;
    if decoded(&signature)? != *sig {
        return Err(Fault::EntrySignature);
    }
    let Some(signer) = signer else { return Ok(()) };
    let message = envelope.message();
    let (_, digest) = hash_of(&message, signer.key().algorithm())?;
    if decoded(&stated)? != digest {
        return Err(Fault::EntryPayload);
    }
    if hashed_body(&message, sig, *signer)? == bytes { Ok(()) } else { Err(Fault::EntryKey) }
}

/// The hash of what was signed, by the key's own algorithm, and its name.
fn hash_of(message: &Message<'_>, algorithm: KeyAlgorithm) -> Result<(&'static str, Vec<u8>), Fault> {
    match message {
        Message::Bytes(bytes) => algorithm.hash(bytes).ok_or(Fault::EntryUnsupported),
        Message::File(file) => {
            let name = algorithm.hash_name().ok_or(Fault::EntryUnsupported)?;
            let hash = file.hash(name).flatten().ok_or(Fault::FileNeeded)?;
            Ok((name, hash.to_vec()))
        }
    }
}

/// The canonical body of a `hashedrekord` 0.0.2 entry over an envelope.
pub fn hashedrekord(pae: &[u8], sig: &[u8], signer: Signer<'_>) -> Result<Vec<u8>, Fault> {
    hashed_body(&Message::Bytes(pae.into()), sig, signer)
}

fn hashed_body(message: &Message<'_>, sig: &[u8], signer: Signer<'_>) -> Result<Vec<u8>, Fault> {
    let key = signer.key();
    let (algorithm, digest) = hash_of(message, key.algorithm())?;
    let details = key.details().ok_or(Fault::EntryUnsupported)?;
    let verifier = match signer {
        Signer::Key(key) => {
            json!({ "keyDetails": details, "publicKey": { "rawBytes": base64::encode(key.spki()) } })
        }
        Signer::Certificate { der, .. } => {
            json!({ "keyDetails": details, "x509Certificate": { "rawBytes": base64::encode(der) } })
        }
    };
    let body = json!({
        "apiVersion": "0.0.2",
        "kind": "hashedrekord",
        "spec": { "hashedRekordV002": {
            "data": { "algorithm": algorithm, "digest": base64::encode(&digest) },
            "signature": { "content": base64::encode(sig), "verifier": verifier },
        } },
    });
    Ok(jcs::of_own_value(&body))
}

/// The bytes that a promise signs (rule L2): JCS of body, integrated time, log id and global index.
pub fn promise_bytes(entry: &LogEntry) -> Vec<u8> {
    let (time, index) = (entry.integrated_time.unwrap_or_default(), entry.index);
    let (body, log) = (base64::encode(&entry.body), entry.log_id.hex());
    format!(r#"{{"body":"{body}","integratedTime":{time},"logID":"{log}","logIndex":{index}}}"#).into_bytes()
}
