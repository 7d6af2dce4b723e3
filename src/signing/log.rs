//! A small real transparency log: a tree, checkpoints that it signs, and promises, as Rekor v1 gives them.

use serde_json::{Value, json};

use super::statement::put;
use super::{Signer, SigningError, Tree};
use crate::event::{Digest, Millis, base64, jcs};
use crate::evidence::entry::promise_bytes;
use crate::evidence::note::LogKey;
use crate::evidence::{LogEntry, Proof};

/// A log in memory.
#[derive(Debug)]
pub struct TransparencyLog {
    key: Signer,
    name: String,
    tree_id: u64,
    tree: Tree,
}

/// What is logged of one signature of an envelope.
#[derive(Debug, Clone, Copy)]
pub struct Logged<'a> {
    pub envelope: &'a [u8],
    pub payload: &'a [u8],
    pub signature: &'a [u8],
    /// PEM of the key.
    pub verifier: &'a str,
}

impl TransparencyLog {
    /// A log that begins with one entry of its own, so that every proof has a hash.
    pub fn new(key: Signer, name: &str, tree_id: u64) -> Self {
        let mut tree = Tree::default();
        tree.append(name.as_bytes());
        TransparencyLog { key, name: name.to_owned(), tree_id, tree }
    }

    pub fn id(&self) -> Digest {
        LogKey::id_by_key(self.key.public())
    }

    pub fn size(&self) -> u64 {
        self.tree.size()
    }

    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The signed checkpoint of the first `size` entries.
    pub fn checkpoint(&self, size: u64) -> Result<String, SigningError> {
        let root = base64::encode(self.tree.root_at(size).as_bytes());
        let text = format!("{} - {}\n{size}\n{root}\n", self.name, self.tree_id);
        let id = self.id();
        let signature = self.key.sign(text.as_bytes())?;
        let line = [id.as_bytes().get(..4).unwrap_or_default(), &signature].concat();
        Ok(format!("{text}\n\u{2014} {} {}\n", self.name, base64::encode(&line)))
    }

    /// Appends a leaf of any bytes.
    pub fn append_leaf(&mut self, leaf: &[u8]) -> u64 {
        self.tree.append(leaf)
    }

    /// Logs a signature as a `dsse` 0.0.1 entry, with promise and proof.
    pub fn append(&mut self, logged: Logged<'_>, at: Millis) -> Result<LogEntry, SigningError> {
        let hash = |bytes: &[u8]| json!({ "algorithm": "sha256", "value": Digest::of(bytes).hex() });
        let signature = base64::encode(logged.signature);
        let body = jcs::of_own_value(&json!({
            "apiVersion": "0.0.1",
            "kind": "dsse",
            "spec": {
                "envelopeHash": hash(logged.envelope),
                "payloadHash": hash(logged.payload),
                "signatures": [{ "signature": signature, "verifier": base64::encode(logged.verifier.as_bytes()) }],
            },
        }));
        let index = self.tree.append(&body);
        let size = self.tree.size();
        let mut entry = LogEntry {
            index,
            log_id: self.id(),
            kind: "dsse".to_owned(),
            version: "0.0.1".to_owned(),
            integrated_time: Some(at.0.div_euclid(1000)),
            promise: None,
            proof: None,
            body,
            uuid: None,
        };
        entry.promise = Some(self.key.sign(&promise_bytes(&entry))?);
        entry.proof = Some(Proof {
            index,
            size,
            root: Some(self.tree.root_at(size)),
            hashes: self.tree.inclusion(index, size),
            checkpoint: Some(self.checkpoint(size)?),
        });
        Ok(entry)
    }

    /// The log's entry in a trust root.
    pub fn trusted(&self, start: Millis) -> Value {
        let details = self.key.public().details().unwrap_or_else(|| "PKIX_ED25519".to_owned());
        json!({
            "baseUrl": format!("https://{}", self.name),
            "hashAlgorithm": "SHA2_256",
            "publicKey": {
                "rawBytes": base64::encode(self.key.public().spki()),
                "keyDetails": details,
                "validFor": { "start": start },
            },
            "logId": { "keyId": base64::encode(self.id().as_bytes()) },
        })
    }
}

/// An entry as a bundle carries it.
pub fn in_bundle(entry: &LogEntry) -> Value {
    let mut value = json!({
        "logIndex": entry.index.to_string(),
        "logId": { "keyId": base64::encode(entry.log_id.as_bytes()) },
        "kindVersion": { "kind": entry.kind, "version": entry.version },
        "canonicalizedBody": base64::encode(&entry.body),
    });
    if let Some(time) = entry.integrated_time {
        put(&mut value, "integratedTime", json!(time.to_string()));
    }
    if let Some(promise) = &entry.promise {
        put(&mut value, "inclusionPromise", json!({ "signedEntryTimestamp": base64::encode(promise) }));
    }
    if let Some(proof) = &entry.proof {
        let hash = |digest: &Digest| base64::encode(digest.as_bytes());
        put(
            &mut value,
            "inclusionProof",
            json!({
                "logIndex": proof.index.to_string(),
                "rootHash": proof.root.as_ref().map(hash),
                "treeSize": proof.size.to_string(),
                "hashes": proof.hashes.iter().map(hash).collect::<Vec<_>>(),
                "checkpoint": { "envelope": proof.checkpoint },
            }),
        );
    }
    value
}
