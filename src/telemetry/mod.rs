//! Happenings: what an operator wants to know, each logged and counted once, at the edge. The core never logs.

pub mod happening;

pub use happening::{Happening, Observer, Point, Role, Silent};
