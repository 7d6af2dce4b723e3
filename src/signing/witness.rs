//! A witness that cosigns checkpoints (C2SP tlog-cosignature, `cosignature/v1`).

use super::{Signer, SigningError};
use crate::event::{Digest, Millis, base64};

/// A witness's key, and the name of who operates it.
#[derive(Debug)]
pub struct Witness {
    name: String,
    key: Signer,
}

impl Witness {
    /// A witness with an Ed25519 key.
    pub const fn new(name: String, key: Signer) -> Self {
        Witness { name, key }
    }

    fn raw(&self) -> [u8; 32] {
        self.key.public().spki().last_chunk().copied().unwrap_or_default()
    }

    fn id(&self) -> [u8; 4] {
        let id = Digest::of_parts(&[self.name.as_bytes(), b"\n\x04", &self.raw()]);
        id.as_bytes().first_chunk().copied().unwrap_or_default()
    }

    /// The verifier key, as a policy names it.
    pub fn vkey(&self) -> String {
        let key = [&[4], self.raw().as_slice()].concat();
        format!("{}+{}+{}", self.name, crate::event::digest::hex(&self.id()), base64::encode(&key))
    }

    /// The note with this witness's line behind it: seen at `at`.
    pub fn cosign(&self, note: &str, at: Millis) -> Result<String, SigningError> {
        let text = note.rsplit_once("\n\n").map_or("", |(text, _)| text);
        let seconds = at.0.div_euclid(1000);
        let signature = self.key.sign(format!("cosignature/v1\ntime {seconds}\n{text}\n").as_bytes())?;
        let line = [self.id().as_slice(), &seconds.to_be_bytes(), &signature].concat();
        Ok(format!("{note}\u{2014} {} {}\n", self.name, base64::encode(&line)))
    }
}
