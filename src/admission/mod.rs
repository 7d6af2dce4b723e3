//! Stage 1, without state: `admit(input, trust) -> Admitted | DeadLetter`.

mod admit;
pub mod answer;
pub mod dead_letter;
mod event;
pub mod ports;
pub mod rate;
mod tenant;
pub mod trust_table;

pub use admit::{Admission, Fate, Input, Outcome, Written};
pub use answer::answer;
pub use dead_letter::DeadLetter;
pub use trust_table::TrustTable;
