//! A bounded memory of checkpoints that were sent to the ledger. Forgetting costs a record that the fold knows already.

use std::collections::BTreeSet;

use crate::event::Digest;

/// Two generations: when the younger is full it becomes the older, and the older is forgotten.
#[derive(Debug, Default)]
pub(super) struct SeenCheckpoints {
    younger: BTreeSet<Digest>,
    older: BTreeSet<Digest>,
}

const GENERATION: usize = 8_192;

impl SeenCheckpoints {
    /// Remembers a checkpoint; tells whether it was new.
    pub(super) fn insert(&mut self, identity: Digest) -> bool {
        if self.older.contains(&identity) || !self.younger.insert(identity) {
            return false;
        }
        if self.younger.len() >= GENERATION {
            self.older = std::mem::take(&mut self.younger);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_lately_is_known_and_the_memory_is_bounded() {
        let mut seen = SeenCheckpoints::default();
        let digest = |number: usize| Digest::of(&number.to_be_bytes());
        for number in 0..10 * GENERATION {
            assert!(seen.insert(digest(number)));
            assert!(!seen.insert(digest(number)));
            assert!(seen.younger.len() + seen.older.len() <= 2 * GENERATION);
        }
        assert!(!seen.insert(digest(9 * GENERATION + 5)));
        assert!(seen.insert(digest(5)), "what lies far back is forgotten");
    }
}
