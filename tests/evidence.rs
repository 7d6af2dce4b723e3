//! Evidence that others made, and evidence that is wrong in one way: cosign's own bundles and the published vectors,
//! each with what must be said of it.

mod certificates;
mod clients;
pub mod cosign;
mod differential;
mod envelopes;
mod fuzzed;
mod keyless;
mod keys;
mod pairs;
mod published;
mod stamps;
mod witnesses;
mod wycheproof;
