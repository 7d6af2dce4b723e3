//! The port within one process: groups, fences, transactions and waiting over a [`Store`] of committed records.
//!
//! [`super::memory`] and `rocks::local` are this with a store of their own, so they differ in where records lie and in
//! nothing else.
//!
//! Two locks, always taken in this order: the *gate*, which orders commits among each other and against every change of
//! a group's generation or of an outlet's epoch, and the *desk*, which is held for a moment only. So a commit either
//! lies wholly before a rebalance, and the new owner sees its offsets, or it is refused.

mod coordinator;
mod inlet;
mod log;
mod outlet;
mod reader;
mod store;

pub use coordinator::Fence;
pub use inlet::EmbeddedInlet;
pub use log::{Clock, Embedded};
pub use outlet::EmbeddedOutlet;
pub use reader::EmbeddedReader;
pub use store::{Batch, Chunk, Effect, Store, Verb, in_range};
