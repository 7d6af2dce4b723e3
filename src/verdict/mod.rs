//! Trust and the verdict: the trust root, a tenant's keys, `verify`, and why.

pub mod attestation;
pub mod check;
pub mod checkpoints;
pub mod code;
pub mod intake;
pub mod judged;
pub mod keyed;
pub mod keyless;
pub mod logged;
pub mod pages;
pub mod reason;
pub mod result;
pub mod root;
pub mod standing;
pub mod tenant;
pub mod time;
pub mod trust;
pub mod verify;
pub mod witness;

pub use attestation::{ParsedEvidence, facts, judge_file, parse, parse_about};
pub use checkpoints::{ConsistencyProof, SignedCheckpoint, checkpoints};
pub use judged::{Judged, judge};
pub use reason::{Class, Reason};
pub use result::{
    AttestationFacts, AttestationResult, AttestationStatus, Check, CheckOutcome, Code, KeyShown, Link, Pair,
    RekorShown, RestsOn, StatementFacts, VERIFIER_EPOCH,
};
pub use root::TrustRoot;
pub use standing::{Standing, standing};
pub use tenant::TenantTrust;
pub use trust::{CompiledTrust, TrustError};
pub use verify::verify;
