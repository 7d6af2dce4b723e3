//! Evidence that others made, and evidence that is wrong in one way: cosign's own bundles and the published vectors,
//! each with what must be said of it.

pub mod cosign;
mod differential;
mod fuzzed;
mod keys;
mod pairs;
mod published;
mod witnesses;
mod wycheproof;
