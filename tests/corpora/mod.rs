//! Real documents and real evidence of others, where `ATTESTREAM_CORPUS` says that they lie: published by the real
//! binary on a real broker, signed right and wrong, and each held to what must become of it.

mod cosign;
mod documents;
mod public;
pub mod sets;
mod signed;
mod site;
mod table;
