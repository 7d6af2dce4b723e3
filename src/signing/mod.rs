//! Signers, builders of statements and bundles, and an authority that signs right and, on request, wrong.

pub mod authority;
pub mod log;
pub mod signer;
pub mod statement;
pub mod tree;
pub mod witness;
pub mod wrong;

pub use authority::{Attested, Authority, Order, Predicate};
pub use log::TransparencyLog;
pub use signer::{Signer, SigningError};
pub use tree::Tree;
pub use witness::Witness;
pub use wrong::Wrong;
