//! Evidence that others made: cosign's own bundles and the published vectors, each with what must be said of it.

pub mod cosign;
mod keyless;
mod published;
mod stamps;
