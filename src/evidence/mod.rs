//! Cryptographic fact, without opinion: envelopes, bundles, keys, Merkle proofs, signed notes, log entries.

pub mod artifact;
pub mod bundle;
pub mod der;
pub mod dsse;
pub mod entry;
pub mod fault;
mod file;
mod forms;
pub mod keys;
pub mod merkle;
pub mod note;
mod older;
pub mod pem;
pub mod transparency;

pub use artifact::{Artifact, Message};
pub use bundle::{Evidence, Form, LogEntry, Material, Note, Proof};
pub use dsse::{Envelope, Signature, pae};
pub use fault::{Fault, Refusal};
pub use keys::{KeyAlgorithm, PublicKey, SignatureEncoding};
