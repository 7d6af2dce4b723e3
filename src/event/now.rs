//! The clock of one decision. It says of a time whether it has come, and nothing else; so it knows between which clocks
//! the decision would have been the same.

use std::cell::Cell;
use std::ops::Range;

use super::Millis;

/// A clock that stands still.
#[derive(Debug)]
pub struct Now {
    at: Millis,
    alike: Cell<(Millis, Millis)>,
}

impl Now {
    pub const fn at(at: Millis) -> Self {
        Now { at, alike: Cell::new((Millis(i64::MIN), Millis(i64::MAX))) }
    }

    /// Whether `time` is not after the clock.
    pub fn has_come(&self, time: Millis) -> bool {
        let (from, until) = self.alike.get();
        let come = time <= self.at;
        self.alike.set(if come { (from.max(time), until) } else { (from, until.min(time)) });
        come
    }

    /// The clocks that would have given every answer that this one gave.
    pub fn alike(&self) -> Range<Millis> {
        let (from, until) = self.alike.get();
        from..until
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn clocks_that_are_alike_answer_alike(
            at in -50..50i64,
            other in -50..50i64,
            times in proptest::collection::vec(-50..50i64, 0..6),
        ) {
            let answers = |now: &Now| times.iter().map(|time| now.has_come(Millis(*time))).collect::<Vec<_>>();
            let (now, then) = (Now::at(Millis(at)), Now::at(Millis(other)));
            let same = answers(&now) == answers(&then);
            prop_assert_eq!(now.alike().contains(&Millis(other)), same);
            prop_assert!(now.alike().contains(&Millis(at)));
        }
    }
}
