//! The command line: parse, wire, run, exit code. Printing happens in this room alone.

mod args;
mod args_verify;
mod believe;
mod exit;
mod opinion;
mod out;
mod run;
mod trust;
mod verify;
mod verify_bundle;

#[cfg(all(feature = "kafka", feature = "rocks", feature = "http"))]
mod client;
#[cfg(all(feature = "kafka", feature = "rocks", feature = "http"))]
mod cluster;
#[cfg(all(feature = "kafka", feature = "rocks", feature = "http"))]
mod demo;
#[cfg(all(feature = "kafka", feature = "rocks", feature = "http"))]
mod logging;
#[cfg(all(feature = "kafka", feature = "rocks", feature = "http"))]
mod publish;
#[cfg(all(feature = "kafka", feature = "rocks", feature = "http"))]
mod serve;
#[cfg(all(feature = "kafka", feature = "rocks", feature = "http"))]
mod tail;
#[cfg(all(feature = "kafka", feature = "rocks", feature = "http"))]
mod topics;

pub use exit::Exit;
pub use run::main;
