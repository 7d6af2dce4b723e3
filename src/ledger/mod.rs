//! The ledger: its record, its keys, and the pure fold over it.

mod activate;
pub mod checkpoint;
pub mod control;
mod evaluate;
pub mod fold;
mod judge;
pub mod keys;
pub mod output;
mod overlay;
pub mod packed;
mod publish;
mod ranked;
pub mod record;
pub mod rows;
pub mod state;
pub mod step;
mod sweep;

pub use fold::{FoldError, Folding};
pub use record::LedgerRecord;
pub use step::{Fate, Publication, Step};
