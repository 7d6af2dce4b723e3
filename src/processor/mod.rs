//! The two loops. This room owns ordering and crash safety: what is gathered, worked and committed together, and what a
//! crash at each point leaves.


pub mod catch_up;

pub mod genesis;
pub mod ledger_worker;
mod partition;
pub mod worker;



pub use ledger_worker::LedgerWorker;
pub use worker::{Stop, WorkerSettings};
