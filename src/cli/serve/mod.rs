//! `up` and `run`: one process that works until it is told to stop.

pub mod birth;
mod command;
mod process;
mod registry;
mod signals;
mod workers;

pub use command::{run, up};
pub use process::Process;
