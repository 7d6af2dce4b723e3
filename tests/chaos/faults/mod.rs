//! The faults, by what breaks. Each strikes a scene under traffic, and says in a few words what it did.

mod brokers;
mod clocks;
mod disk;
mod files;
mod foreign;
mod inputs;
mod instances;
mod kind;
mod network;

pub use kind::Kind;
