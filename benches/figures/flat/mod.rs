//! Flatness: what one event costs when many are remembered.

mod figures;
pub mod remembered;
pub mod state;

pub use figures::{Size, in_child, measure};
