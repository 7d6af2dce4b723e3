//! Cryptographic fact, without opinion: envelopes, bundles, keys, certificates, time stamps, Merkle proofs, signed notes,
//! log entries.

pub mod artifact;
pub mod bundle;
pub mod cms;
pub mod der;
pub mod dsse;
pub mod entry;
pub mod fault;
mod file;
mod forms;
pub mod generations;
pub mod identity;
pub mod keys;
pub mod memo;
pub mod merkle;
pub mod note;
mod older;
pub mod path;
pub mod pem;
pub mod scheme;
pub mod sct;
pub mod timestamp;
pub mod transparency;
pub mod window;
mod wire;
pub mod x509;

pub use artifact::{Artifact, Message};
pub use bundle::{Evidence, Form, LogEntry, Material, Note, Proof};
pub use dsse::{Envelope, Signature, pae};
pub use fault::{Fault, Refusal};
pub use keys::{KeyAlgorithm, PublicKey, SignatureEncoding};
pub use window::Window;
