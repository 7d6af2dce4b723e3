//! Documents and carriers: bytes in, normalised facts out. Official schemas, offline.

pub mod arrival;
pub mod attestation;
pub mod cloudevents;
mod cyclonedx;
mod digests;
pub mod document;
pub mod event_object;
pub mod facts;
pub mod fault;
mod instance;
mod materials;
pub mod normalise;
pub mod notes;
mod openvex;
pub mod predicate;
pub mod reference;
mod sarif;
mod sarif_finding;
pub mod schema;
pub mod statement;
pub mod subjects;

pub use arrival::{Arrival, Arrived, Lane, arrive};
pub use document::{Document, Shape};
pub use fault::{Fault, FormatError};
pub use normalise::{Accepted, facts_of, normalise};
pub use notes::{Note, notes};
