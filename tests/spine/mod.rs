//! The whole path: inputs through admission, the ledger and the fold, on any log, held to an oracle that knows nothing
//! but the committed topics.

pub mod copies;
mod epoch;
pub mod feed;
pub mod hard;
pub mod memory;
pub mod oracle;
pub mod own;
pub mod plant;
pub mod refold;
pub mod states;
