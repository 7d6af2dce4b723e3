//! attestream turns supply-chain events that nobody can trust yet into a stream that everybody can.

pub mod admission;
pub mod cas;
pub mod event;
pub mod evidence;
pub mod formats;
#[cfg(feature = "kafka")]
pub mod kafka;
pub mod ledger;
pub mod log;
pub mod processor;
#[cfg(feature = "rocks")]
pub mod rocks;
pub mod signing;
pub mod telemetry;
pub mod verdict;
