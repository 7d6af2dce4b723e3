//! The command line as a person meets it: the built binary, its exit codes, its HTTP surface.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot go on says where")]

mod demo;
mod offline;
mod process;
mod serve;
mod settings;
