//! The ledger: its record, its keys, and the pure fold over it.

pub mod state;
