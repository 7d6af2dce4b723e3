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

/// What a fault did.
pub struct Struck {
    pub what: String,
    /// Whether there was anything to strike: a fault that met nothing is not one that was survived.
    pub met: bool,
}

impl From<String> for Struck {
    fn from(what: String) -> Self {
        Struck { what, met: true }
    }
}
