//! The in-memory twin of the port: as unkind as Kafka where Kafka is, and the same at every run.

mod fault;
mod log;
mod store;

pub use fault::{Fault, FaultPlan};
pub use log::MemoryLog;
pub use store::{Down, MemoryStore};

#[cfg(test)]
mod tests;
