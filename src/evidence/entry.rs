//! The body of a log entry, and its binding to the envelope (rules P5, L2 and L6).

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::json;

use super::{Envelope, Fault, KeyAlgorithm, LogEntry, Message, PublicKey, pem};
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

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kind<'a> {
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    api_version: Cow<'a, str>,
}

/// The kind and version that a body says of itself. Strictly scanned: two parsers must not read two bodies.
pub fn kind_of(body: &[u8]) -> Result<(String, String), Fault> {
    json::check_folded(body, usize::MAX).map_err(|_| Fault::EntryMalformed)?;
    let kind: Kind<'_> = serde_json::from_slice(body).map_err(|_| Fault::EntryMalformed)?;
    Ok((kind.kind.into_owned(), kind.api_version.into_owned()))
}

/// Whether an entry is of Rekor v2: those have no promise and no time, and their index is that of the tree.
pub fn is_v2(entry: &LogEntry) -> bool {
    entry.kind == "hashedrekord" && entry.version == "0.0.2"
}

/// Verifies that the entry is of this envelope, these signatures and these signers.
pub fn bind(entry: &LogEntry, envelope: &Envelope, signed: &[Signed<'_>]) -> Result<(), Fault> {
    let (kind, version) = kind_of(&entry.body)?;
    if kind != entry.kind || version != entry.version {
        return Err(Fault::EntryKindMismatch);
    }
    match (kind.as_str(), version.as_str(), &envelope.file) {
        ("dsse", "0.0.1", None) => bind_dsse(&entry.body, envelope, signed),
        ("intoto", "0.0.2", None) => bind_intoto(&entry.body, envelope, signed),
        ("hashedrekord", "0.0.1", Some(_)) => bind_hashedrekord_v1(&entry.body, envelope, signed),
        ("hashedrekord", "0.0.2", _) => bind_hashedrekord(&entry.body, envelope, signed),
        _ => Err(Fault::EntryUnsupported),
    }
}

#[derive(Deserialize)]
struct Body<T> {
    spec: T,
}

#[derive(Deserialize)]
struct Hash<'a> {
    #[serde(borrow)]
    algorithm: Cow<'a, str>,
    #[serde(borrow)]
    value: Cow<'a, str>,
}

impl Hash<'_> {
    fn is_of(&self, bytes: &[u8]) -> bool {
        self.algorithm == "sha256" && self.value == Digest::of(bytes).hex()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DsseSpec<'a> {
    #[serde(borrow)]
    payload_hash: Hash<'a>,
    #[serde(borrow)]
    signatures: Vec<DsseSignature<'a>>,
}

#[derive(Deserialize)]
struct DsseSignature<'a> {
    #[serde(borrow)]
    signature: Cow<'a, str>,
    #[serde(borrow)]
    verifier: Cow<'a, str>,
}

fn body<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Fault> {
    serde_json::from_slice::<Body<T>>(body).map(|body| body.spec).map_err(|_| Fault::EntryMalformed)
}

fn decoded(text: &str) -> Result<Vec<u8>, Fault> {
    base64::decode(text).map_err(|_| Fault::EntryMalformed)
}

fn decoded_text(text: &str) -> Result<String, Fault> {
    String::from_utf8(decoded(text)?).map_err(|_| Fault::EntryMalformed)
}

fn bind_dsse(bytes: &[u8], envelope: &Envelope, signed: &[Signed<'_>]) -> Result<(), Fault> {
    let spec: DsseSpec<'_> = body(bytes)?;
    if !spec.payload_hash.is_of(&envelope.payload) {
        return Err(Fault::EntryPayload);
    }
    let pairs = spec.signatures.iter().map(|s| Ok((decoded(&s.signature)?, decoded_text(&s.verifier)?)));
    bind_signatures(&pairs.collect::<Result<Vec<_>, _>>()?, signed)
}

#[derive(Deserialize)]
struct IntotoSpec<'a> {
    #[serde(borrow)]
    content: IntotoContent<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct IntotoContent<'a> {
    #[serde(borrow)]
    envelope: IntotoEnvelope<'a>,
    #[serde(borrow)]
    payload_hash: Hash<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct IntotoEnvelope<'a> {
    #[serde(borrow)]
    payload_type: Cow<'a, str>,
    #[serde(borrow)]
    signatures: Vec<IntotoSignature<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct IntotoSignature<'a> {
    #[serde(borrow)]
    public_key: Cow<'a, str>,
    /// Base64 of the base64 text of the envelope.
    #[serde(borrow)]
    sig: Cow<'a, str>,
}

fn bind_intoto(bytes: &[u8], envelope: &Envelope, signed: &[Signed<'_>]) -> Result<(), Fault> {
    let content = body::<IntotoSpec<'_>>(bytes)?.content;
    if !content.payload_hash.is_of(&envelope.payload) || content.envelope.payload_type != envelope.payload_type {
        return Err(Fault::EntryPayload);
    }
    let pairs = content.envelope.signatures.iter();
    let pairs = pairs.map(|s| Ok((decoded(&decoded_text(&s.sig)?)?, decoded_text(&s.public_key)?)));
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

#[derive(Deserialize)]
struct FileSpec<'a> {
    #[serde(borrow)]
    data: FileData<'a>,
    #[serde(borrow)]
    signature: FileSignature<'a>,
}

#[derive(Deserialize)]
struct FileData<'a> {
    #[serde(borrow)]
    hash: Hash<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FileSignature<'a> {
    #[serde(borrow)]
    content: Cow<'a, str>,
    #[serde(borrow)]
    public_key: FileKey<'a>,
}

#[derive(Deserialize)]
struct FileKey<'a> {
    #[serde(borrow)]
    content: Cow<'a, str>,
}

/// Rekor v1's entry of a file: its hash, the signature, and PEM of the key or certificate.
fn bind_hashedrekord_v1(bytes: &[u8], envelope: &Envelope, signed: &[Signed<'_>]) -> Result<(), Fault> {
    let [(sig, signer)] = signed else { return Err(Fault::EntrySignature) };
    let spec: FileSpec<'_> = body(bytes)?;
    if decoded(&spec.signature.content)? != *sig {
        return Err(Fault::EntrySignature);
    }
    let Some(signer) = signer else { return Ok(()) };
    let (algorithm, digest) = hash_of(&envelope.message(), signer.key().algorithm())?;
    let named = match algorithm {
        "SHA2_256" => "sha256",
        "SHA2_384" => "sha384",
        _ => "sha512",
    };
    if spec.data.hash.algorithm != named || spec.data.hash.value != digest::hex(&digest) {
        return Err(Fault::EntryPayload);
    }
    if signer.is(&decoded_text(&spec.signature.public_key.content)?) { Ok(()) } else { Err(Fault::EntryKey) }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HashedSpec<'a> {
    #[serde(borrow, rename = "hashedRekordV002")]
    record: HashedRecord<'a>,
}

#[derive(Deserialize)]
struct HashedRecord<'a> {
    #[serde(borrow)]
    data: HashedData<'a>,
    #[serde(borrow)]
    signature: HashedSignature<'a>,
}

#[derive(Deserialize)]
struct HashedData<'a> {
    #[serde(borrow)]
    digest: Cow<'a, str>,
}

#[derive(Deserialize)]
struct HashedSignature<'a> {
    #[serde(borrow)]
    content: Cow<'a, str>,
}

/// Rekor v2: the leaf is recomputed from our own material, so that nothing in the body needs trusting.
fn bind_hashedrekord(bytes: &[u8], envelope: &Envelope, signed: &[Signed<'_>]) -> Result<(), Fault> {
    let [(sig, signer)] = signed else { return Err(Fault::EntrySignature) };
    let record = body::<HashedSpec<'_>>(bytes)?.record;
    if decoded(&record.signature.content)? != *sig {
        return Err(Fault::EntrySignature);
    }
    let Some(signer) = signer else { return Ok(()) };
    let message = envelope.message();
    let (_, digest) = hash_of(&message, signer.key().algorithm())?;
    if decoded(&record.data.digest)? != digest {
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
