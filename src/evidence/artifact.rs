//! A file that evidence is about, and what of it a signature can be checked against.

use std::borrow::Cow;
use std::io::{self, Read};

use sha2::{Digest as _, Sha256, Sha384, Sha512};

use crate::event::{Digest, limits};

/// A file, read once; or its SHA-256 alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    pub sha256: Digest,
    /// `None` where only the SHA-256 is known.
    pub longer: Option<Longer>,
    /// The bytes, where they are known and not more than `limits::OBJECT_MAX`. Pure Ed25519 signs nothing less.
    pub bytes: Option<Vec<u8>>,
}

/// The longer hashes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Longer {
    pub sha384: Vec<u8>,
    pub sha512: Vec<u8>,
}

/// What a signature is over.
#[derive(Debug, Clone)]
pub enum Message<'a> {
    Bytes(Cow<'a, [u8]>),
    File(&'a Artifact),
}

impl From<Digest> for Artifact {
    fn from(sha256: Digest) -> Self {
        Artifact { sha256, longer: None, bytes: None }
    }
}

impl Artifact {
    /// Reads a file to its end, in bounded memory.
    pub fn read(mut from: impl Read) -> io::Result<Self> {
        let (mut short, mut middle, mut long) = (Sha256::new(), Sha384::new(), Sha512::new());
        let (mut bytes, mut chunk) = (Some(Vec::new()), vec![0; 64 * 1024]);
        loop {
            let read = match from.read(&mut chunk) {
                Ok(0) => break,
                Ok(read) => chunk.get(..read).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            short.update(read);
            middle.update(read);
            long.update(read);
            bytes = bytes.filter(|kept: &Vec<u8>| kept.len() + read.len() <= limits::OBJECT_MAX);
            if let Some(kept) = &mut bytes {
                kept.extend_from_slice(read);
            }
        }
        let longer = Longer { sha384: middle.finalize().to_vec(), sha512: long.finalize().to_vec() };
        Ok(Artifact { sha256: Digest::from_bytes(short.finalize().into()), longer: Some(longer), bytes })
    }

    /// The hash of this name in Sigstore's registry. The inner is `None` where it is not known.
    pub fn hash(&self, name: &str) -> Option<Option<&[u8]>> {
        match name {
            "SHA2_256" => Some(Some(self.sha256.as_bytes())),
            "SHA2_384" => Some(self.longer.as_ref().map(|longer| longer.sha384.as_slice())),
            "SHA2_512" => Some(self.longer.as_ref().map(|longer| longer.sha512.as_slice())),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_hashed_as_it_is_read() {
        let bytes = vec![7; 200_000];
        let file = Artifact::read(bytes.as_slice()).unwrap();
        assert_eq!(file.sha256, Digest::of(&bytes));
        assert_eq!(file.hash("SHA2_384"), Some(Some(Sha384::digest(&bytes).as_slice())));
        assert_eq!(file.hash("SHA2_512"), Some(Some(Sha512::digest(&bytes).as_slice())));
        assert_eq!(file.bytes.as_deref(), Some(bytes.as_slice()));
        let digest = Artifact::from(file.sha256);
        assert_eq!(
            (digest.hash("SHA2_256"), digest.hash("SHA2_512")),
            (Some(Some(&file.sha256.as_bytes()[..])), Some(None))
        );
        assert_eq!(digest.hash("MD5"), None);
    }

    #[test]
    fn more_bytes_than_are_kept_are_hashed_all_the_same() {
        let file = Artifact::read(io::repeat(1).take(limits::OBJECT_MAX as u64 + 1)).unwrap();
        assert!(file.bytes.is_none() && file.longer.is_some());
    }
}
