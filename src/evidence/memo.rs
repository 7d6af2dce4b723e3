//! A bounded memory of signatures that verified. What repeats (checkpoints, links of chains, promises, evidence that is
//! delivered again) costs a hash instead of a curve. Refusals are never remembered, so forgetting and remembering both
//! give the same verdicts. What the certificates of a pinned trust root say of each other is kept for good.

use std::cell::Cell;
use std::collections::HashSet;
use std::sync::{LazyLock, PoisonError, RwLock};

use super::generations::Generations;
use crate::event::Digest;

/// Longer messages are verified each time: hashing them for the memory would cost as much as what it saves. Where a
/// signature is over a hash, that is the message.
const MESSAGE_MAX: usize = 16 * 1024;
/// Successes in one generation of one shard. Two generations are kept: of all shards some 10 MB.
const GENERATION_MAX: usize = 8 * 1024;

/// Successes that are kept for good: the links of some hundreds of trust roots. Those beyond are remembered like others.
const KEPT_MAX: usize = 4 * 1024;

/// The names of successes: the hash of scheme, key, message and signature.
#[derive(Debug)]
pub struct Memo {
    lately: Generations<()>,
    kept: RwLock<HashSet<Digest>>,
}

/// How many signatures this thread was asked about, and how many of them it computed: for benchmarks and tests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub asked: u64,
    pub computed: u64,
}

thread_local! {
    static COUNTS: Cell<Counts> = const { Cell::new(Counts { asked: 0, computed: 0 }) };
}

/// The counts of this thread so far.
pub fn counts() -> Counts {
    COUNTS.get()
}

static SHARED: LazyLock<Memo> = LazyLock::new(|| Memo::new(GENERATION_MAX));

/// What is verified: under which scheme, by which key, over what.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// The scheme and its parameters; one name, one meaning.
    pub scheme: &'a str,
    pub key: &'a [u8],
    pub message: &'a [u8],
    pub signature: &'a [u8],
}

/// Whether the claim holds: by memory, else by `compute`, whose success is remembered.
pub fn holds(claim: Claim<'_>, compute: impl FnOnce() -> bool) -> bool {
    SHARED.holds(claim, compute)
}

/// The same, and a success is kept for good. For what is pinned, of which there is little, and never for evidence.
pub fn keeps(claim: Claim<'_>, compute: impl FnOnce() -> bool) -> bool {
    SHARED.keeps(claim, compute)
}

/// Forgets every success that is not kept for good: what is measured as seen for the first time must be.
pub fn forget() {
    SHARED.forget();
}

impl Claim<'_> {
    /// No two claims have one name: each part but the last is led by its length or hashed to a fixed one.
    fn name(&self) -> Digest {
        let length = (self.scheme.len() as u64).to_be_bytes();
        let (key, message) = (Digest::of(self.key), Digest::of(self.message));
        Digest::of_parts(&[&length, self.scheme.as_bytes(), key.as_bytes(), message.as_bytes(), self.signature])
    }
}

impl Memo {
    pub fn new(generation_max: usize) -> Self {
        Memo { lately: Generations::new(generation_max), kept: RwLock::default() }
    }

    /// Whether the claim holds: by memory, else by `compute`, whose success is remembered.
    pub fn holds(&self, claim: Claim<'_>, compute: impl FnOnce() -> bool) -> bool {
        count(|counts| counts.asked += 1);
        let name = (claim.message.len() <= MESSAGE_MAX).then(|| claim.name());
        if name.is_some_and(|name| self.lately.get(name).is_some() || self.has_kept(name)) {
            return true;
        }
        count(|counts| counts.computed += 1);
        let holds = compute();
        if let (true, Some(name)) = (holds, name) {
            self.lately.insert(name, (), 1);
        }
        holds
    }

    /// The same, and a success is kept for good.
    pub fn keeps(&self, claim: Claim<'_>, compute: impl FnOnce() -> bool) -> bool {
        let holds = self.holds(claim, compute);
        if holds {
            let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
            if kept.len() < KEPT_MAX {
                kept.insert(claim.name());
            }
        }
        holds
    }

    fn has_kept(&self, name: Digest) -> bool {
        self.kept.read().unwrap_or_else(PoisonError::into_inner).contains(&name)
    }

    /// How many successes are remembered that may be forgotten.
    pub fn len(&self) -> usize {
        self.lately.len()
    }

    pub fn is_empty(&self) -> bool {
        self.lately.is_empty()
    }

    /// Forgets every success that is not kept for good.
    pub fn forget(&self) {
        self.lately.forget();
    }
}

fn count(change: impl FnOnce(&mut Counts)) {
    let mut counts = COUNTS.get();
    change(&mut counts);
    COUNTS.set(counts);
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLAIM: Claim<'static> = Claim { scheme: "s", key: b"key", message: b"message", signature: b"signature" };

    #[test]
    fn a_success_is_computed_once() {
        let memo = Memo::new(8);
        assert!(memo.holds(CLAIM, || true));
        assert!(memo.holds(CLAIM, || unreachable!("remembered")));
        assert_eq!(memo.len(), 1);
    }

    #[test]
    fn what_is_kept_is_not_forgotten_and_a_refusal_is_not_kept() {
        let memo = Memo::new(8);
        assert!(!memo.keeps(CLAIM, || false));
        assert!(memo.keeps(CLAIM, || true));
        let other = Claim { message: b"other", ..CLAIM };
        assert!(memo.holds(other, || true));
        memo.forget();
        assert!(memo.holds(CLAIM, || unreachable!("kept")));
        assert!(!memo.holds(other, || false));
    }

    #[test]
    fn no_refusal_is_remembered_and_none_becomes_an_acceptance() {
        let memo = Memo::new(8);
        assert!(!memo.holds(CLAIM, || false));
        assert!(memo.is_empty());
        assert!(memo.holds(CLAIM, || true), "it was not remembered as refused");
        let others = [
            Claim { scheme: "t", ..CLAIM },
            Claim { scheme: "sk", key: b"ey", ..CLAIM },
            Claim { key: b"kez", ..CLAIM },
            Claim { key: b"keym", message: b"essage", ..CLAIM },
            Claim { message: b"messagf", ..CLAIM },
            Claim { message: b"messages", signature: b"ignature", ..CLAIM },
            Claim { signature: b"signaturf", ..CLAIM },
            Claim { signature: b"signature\0", ..CLAIM },
            Claim { signature: b"", ..CLAIM },
        ];
        for claim in others {
            assert!(!memo.holds(claim, || false), "{claim:?}");
        }
        assert_eq!(memo.len(), 1);
    }

    #[test]
    fn it_is_bounded_and_forgets_what_is_old() {
        let memo = Memo::new(4);
        for number in 0..10_000_u32 {
            let message = number.to_be_bytes();
            assert!(memo.holds(Claim { message: &message, ..CLAIM }, || true));
            assert!(memo.len() <= 2 * 4 * 16);
        }
        let long = vec![0; MESSAGE_MAX + 1];
        let before = memo.len();
        assert!(memo.holds(Claim { message: &long, ..CLAIM }, || true));
        assert_eq!(memo.len(), before);
    }

    #[test]
    fn threads_share_it() {
        let memo = Memo::new(1024);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for number in 0..200_u32 {
                        let message = number.to_be_bytes();
                        let even = number % 2 == 0;
                        assert_eq!(memo.holds(Claim { message: &message, ..CLAIM }, || even), even);
                    }
                });
            }
        });
        assert_eq!(memo.len(), 100);
    }
}
