//! The command line as a person meets it: the built binary, its exit codes, its HTTP surface.

mod bundles;
mod demo;
mod kafka;
mod offline;
mod own;
mod process;
mod serve;
mod settings;
