//! The two loops. This room owns ordering and crash safety: what is gathered, worked and committed together, and what a
//! crash at each point leaves.

pub mod admission_worker;
pub mod backlog;
pub mod catch_up;
mod control_owner;
pub mod control_view;
pub mod genesis;
pub mod ledger_worker;
pub mod partition;
mod seen;
mod subscription;
pub mod throttle;
pub mod worker;

pub use admission_worker::{AdmissionWorker, Clock};
pub use backlog::Backlog;
pub use control_view::ControlView;
pub use ledger_worker::LedgerWorker;
pub use worker::{Pace, Stop, WorkerSettings};
