//! Settings: one file, one struct per room, and an error that names the file, the field and what was expected.

mod environment;
mod error;
mod file;
mod sections;
mod tenants;

pub use environment::VARIABLES;
pub use error::SettingsError;
pub use sections::{Kafka, Ledger, Settings, Snapshots, Ticks, TrustRootFile};
pub use tenants::read_tenants;
