//! Signed notes and checkpoints (C2SP signed-note, tlog-checkpoint, tlog-cosignature), rule L5.

use ed25519_dalek::{Signature, VerifyingKey};

use super::{Fault, PublicKey, keys};
use crate::event::{Digest, Millis, base64, digest, limits};

/// A checkpoint: what a log signed of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint<'a> {
    /// The text that is signed, with its last line end.
    pub text: &'a str,
    pub origin: &'a str,
    pub size: u64,
    pub root: Digest,
    pub signatures: Vec<NoteSignature<'a>>,
}

/// A line of signature. Unknown ones are no fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSignature<'a> {
    pub name: &'a str,
    pub key_id: [u8; 4],
    pub signature: Vec<u8>,
}

impl<'a> Checkpoint<'a> {
    pub fn parse(note: &'a str) -> Result<Self, Fault> {
        Self::read(note).ok_or(Fault::CheckpointMalformed)
    }

    fn read(note: &'a str) -> Option<Self> {
        if note.len() > limits::CHECKPOINT_MAX || has_control(note) {
            return None;
        }
        let split = note.as_bytes().windows(2).rposition(|pair| pair == b"\n\n")? + 1;
        let (text, rest) = note.split_at_checked(split)?;
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
        if origin.is_empty() || lines.any(str::is_empty) {
            return None;
        }
        let root = Digest::from_bytes(standard(root)?.try_into().ok()?);
        let signatures = rest.strip_prefix('\n')?;
        let signatures = match signatures {
            "" => Vec::new(),
            lines => lines.strip_suffix('\n')?.split('\n').map(signature).collect::<Option<_>>()?,
        };
        let few = signatures.len() <= limits::NOTE_SIGNATURES_MAX;
        few.then_some(Checkpoint { text, origin, size: decimal(size)?, root, signatures })
    }

    /// The tree id of Rekor v1, which it writes after the log's name: `rekor.sigstore.dev - 1193050959916656506`.
    pub fn tree_id(&self) -> Option<u64> {
        decimal(self.origin.split_once(" - ")?.1)
    }

    fn by<'b>(&'b self, name: &'b str, key_id: [u8; 4]) -> impl Iterator<Item = &'b NoteSignature<'a>> {
        self.signatures.iter().filter(move |line| line.name == name && line.key_id == key_id)
    }
}

/// Whether a control character but a line end is in it: below a space, DEL, or one that UTF-8 writes as C2 80 to C2 9F.
fn has_control(text: &str) -> bool {
    let bytes = text.as_bytes();
    let short = |byte: &u8| (*byte < b' ' && *byte != b'\n') || *byte == 0x7f;
    bytes.iter().any(short) || (bytes.contains(&0xc2) && text.contains(|c: char| c != '\n' && c.is_control()))
}

fn decimal(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

/// Notes use the standard alphabet with padding, and no other.
fn standard(text: &str) -> Option<Vec<u8>> {
    base64::decode_padded(text).ok()
}

fn signature(line: &str) -> Option<NoteSignature<'_>> {
    let (name, text) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
    let bytes = standard(text)?;
    let (key_id, signature) = bytes.split_first_chunk::<4>()?;
    let named = !name.is_empty() && !name.contains('+') && !signature.is_empty();
    named.then(|| NoteSignature { name, key_id: *key_id, signature: signature.to_vec() })
}

/// A log: its id, its key, and the name under which it signs checkpoints.
#[derive(Debug, Clone)]
pub struct LogKey {
    pub id: Digest,
    pub name: String,
    pub key: PublicKey,
}

impl LogKey {
    /// The id of a log by its key alone (Rekor v1).
    pub fn id_by_key(key: &PublicKey) -> Digest {
        key.fingerprint()
    }

    /// The id of a log by its name and Ed25519 key (Rekor v2, C2SP signed-note).
    pub fn id_by_name(name: &str, key: &PublicKey) -> Option<Digest> {
        let raw = key.spki().last_chunk::<32>().filter(|_| key.algorithm() == keys::KeyAlgorithm::Ed25519)?;
        Some(Digest::of_parts(&[name.as_bytes(), b"\n\x01", raw]))
    }

    /// The first four bytes of the id: the key id on a note.
    pub fn note_id(&self) -> [u8; 4] {
        self.id.as_bytes().first_chunk::<4>().copied().unwrap_or_default()
    }

    /// Verifies that this log signed the checkpoint, as this log. Name and key id must both fit; a line of ours that
    /// fails refuses the note, whatever other lines say.
    pub fn verify(&self, checkpoint: &Checkpoint<'_>) -> Result<(), Fault> {
        let of_v1 = checkpoint.origin.strip_prefix(self.name.as_str()).and_then(|rest| rest.strip_prefix(" - "));
        if checkpoint.origin != self.name && of_v1.and_then(decimal).is_none() {
            return Err(Fault::CheckpointOrigin);
        }
        let mut signed = false;
        for line in checkpoint.by(&self.name, self.note_id()) {
            let verified = self.key.verify(checkpoint.text.as_bytes(), &line.signature);
            verified.map_err(|_| Fault::CheckpointSignature)?;
            signed = true;
        }
        if signed { Ok(()) } else { Err(Fault::CheckpointUnsigned) }
    }
}

/// A witness: one who cosigns the largest consistent tree that it saw (C2SP tlog-cosignature, `cosignature/v1`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessKey {
    /// The operator: the name before the first `+`.
    pub name: String,
    key_id: [u8; 4],
    key: VerifyingKey,
}

impl WitnessKey {
    /// Reads a C2SP verifier key: `name+key id in hex+base64 of the type 0x04 and the key`.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let mut parts = text.splitn(3, '+');
        let (name, id, key) = (parts.next(), parts.next(), parts.next());
        let name = name.filter(|name| !name.is_empty() && !name.contains(' ')).ok_or(Fault::WitnessKey)?;
        let id = id.and_then(digest::unhex).and_then(|id| <[u8; 4]>::try_from(id).ok()).ok_or(Fault::WitnessKey)?;
        let key = key.and_then(standard).ok_or(Fault::WitnessKey)?;
        let raw = key.strip_prefix(&[4]).and_then(|raw| <[u8; 32]>::try_from(raw).ok()).ok_or(Fault::WitnessKey)?;
        let expected = Digest::of_parts(&[name.as_bytes(), b"\n\x04", &raw]);
        if !expected.as_bytes().starts_with(&id) {
            return Err(Fault::WitnessKey);
        }
        Ok(WitnessKey { name: name.to_owned(), key_id: id, key: keys::ed25519(&raw)? })
    }

    /// Whether both are one public key.
    pub fn has_key_of(&self, other: &WitnessKey) -> bool {
        self.key == other.key
    }

    /// Whether this is the key of a log.
    pub fn is_log(&self, log: &LogKey) -> bool {
        log.key.algorithm() == keys::KeyAlgorithm::Ed25519 && log.key.spki().ends_with(self.key.as_bytes())
    }

    /// The time of this witness's cosignature on the checkpoint; `None` where it has none. A line of this witness that
    /// fails refuses the note.
    pub fn cosigned(&self, checkpoint: &Checkpoint<'_>) -> Result<Option<Millis>, Fault> {
        let mut time = None;
        for line in checkpoint.by(&self.name, self.key_id) {
            let (seconds, raw) = line.signature.split_first_chunk::<8>().ok_or(Fault::CosignatureInvalid)?;
            let seconds = u64::from_be_bytes(*seconds);
            let signature = Signature::from_slice(raw).map_err(|_| Fault::CosignatureInvalid)?;
            let message = format!("cosignature/v1\ntime {seconds}\n{}", checkpoint.text);
            let verified = self.key.verify_strict(message.as_bytes(), &signature);
            verified.map_err(|_| Fault::CosignatureInvalid)?;
            let seconds = i64::try_from(seconds).map_err(|_| Fault::CosignatureInvalid)?;
            time = Some(Millis::from_seconds(seconds));
        }
        Ok(time)
    }
}
