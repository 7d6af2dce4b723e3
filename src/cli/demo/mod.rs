//! `attestream up --demo`: real evidence, right and wrong, from an authority of its own, and what becomes of it.

mod balance;
mod feed;
mod play;
mod seed;
mod shadow;
mod story;

pub use play::play;
pub use seed::{Seed, prepare};
