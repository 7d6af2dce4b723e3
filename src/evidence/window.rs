//! A window in time.

use crate::event::Millis;

/// A window in time, closed at both ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub start: Option<Millis>,
    pub end: Option<Millis>,
}

impl Window {
    pub fn contains(&self, time: Millis) -> bool {
        self.start.is_none_or(|start| start <= time) && self.end.is_none_or(|end| time <= end)
    }

    pub fn is_ordered(&self) -> bool {
        !matches!((self.start, self.end), (Some(start), Some(end)) if end < start)
    }

    /// Whether it bounds anything.
    pub fn is_bound(&self) -> bool {
        self.start.is_some() || self.end.is_some()
    }
}
