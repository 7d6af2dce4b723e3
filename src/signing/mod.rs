//! Signers, builders of statements and bundles, and authorities that sign right and, on request, wrong.

pub mod authority;
pub mod certificate;
pub mod keyless;
pub mod log;
pub mod misissue;
pub mod signer;
pub mod stamp;
pub mod statement;
pub mod tree;
pub mod witness;
pub mod wrong;
pub mod wrong_keyless;

pub use authority::{Attested, Authority, Order, Predicate};
pub use keyless::{KeylessAuthority, KeylessOrder};
pub use log::TransparencyLog;
pub use signer::{Signer, SigningError};
pub use tree::Tree;
pub use witness::Witness;
pub use wrong::Wrong;
pub use wrong_keyless::KeylessWrong;
