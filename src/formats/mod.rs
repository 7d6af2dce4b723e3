//! Documents and carriers: bytes in, normalised facts out. Official schemas, offline.

pub mod attestation;
pub mod facts;
