//! Documents and carriers: bytes in, normalised facts out. Official schemas, offline.

pub mod facts;
