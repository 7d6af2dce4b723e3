//! Happenings: what an operator wants to know, each logged and counted once, at the edge. The core never logs.

pub mod fan;
pub mod happening;
pub mod health;
pub mod journal;
#[cfg(feature = "http")]
pub mod metrics;

pub use fan::Fan;
pub use happening::{Happening, Observer, Point, Role, Silent};
pub use health::{Health, Unready};
pub use journal::Journal;
#[cfg(feature = "http")]
pub use metrics::{Metric, Metrics};
