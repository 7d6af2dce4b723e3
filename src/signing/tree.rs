//! A growing Merkle tree (RFC 6962 section 2.1): appending is amortised O(1), root and proofs are O(log² n).

use crate::event::Digest;
use crate::evidence::merkle;

/// The hashes of all complete subtrees, by level; level 0 are the leaves.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    levels: Vec<Vec<Digest>>,
}

impl Tree {
    /// Appends a leaf by its bytes and gives its index.
    pub fn append(&mut self, leaf: &[u8]) -> u64 {
        let index = self.size();
        let (mut hash, mut level) = (merkle::leaf(leaf), 0);
        loop {
            if self.levels.len() == level {
                self.levels.push(Vec::new());
            }
            let Some(row) = self.levels.get_mut(level) else { return index };
            row.push(hash);
            let ([.., left, right], true) = (row.as_slice(), row.len() % 2 == 0) else { return index };
            hash = merkle::node(*left, *right);
            level += 1;
        }
    }

    pub fn size(&self) -> u64 {
        self.levels.first().map_or(0, |leaves| leaves.len() as u64)
    }

    /// The root over all leaves; that of the empty tree is the hash of nothing.
    pub fn root(&self) -> Digest {
        self.root_at(self.size())
    }

    /// The root over the first `size` leaves.
    pub fn root_at(&self, size: u64) -> Digest {
        if size == 0 { Digest::of(b"") } else { self.hash(0, size) }
    }

    /// The proof that leaf `index` is in the tree of the first `size` leaves.
    pub fn inclusion(&self, index: u64, size: u64) -> Vec<Digest> {
        let mut proof = Vec::new();
        let (mut start, mut end) = (0, size);
        while end - start > 1 {
            let middle = start + split(end - start);
            if index < middle {
                proof.push(self.hash(middle, end));
                end = middle;
            } else {
                proof.push(self.hash(start, middle));
                start = middle;
            }
        }
        proof.reverse();
        proof
    }

    /// The proof that the tree of the first `old` leaves is a beginning of that of the first `new`.
    pub fn consistency(&self, old: u64, new: u64) -> Vec<Digest> {
        let mut proof = Vec::new();
        if old == 0 || old >= new {
            return proof;
        }
        let (mut start, mut end, mut whole) = (0, new, true);
        while old - start != end - start {
            let middle = start + split(end - start);
            if old <= middle {
                proof.push(self.hash(middle, end));
                end = middle;
            } else {
                proof.push(self.hash(start, middle));
                start = middle;
                whole = false;
            }
        }
        if !whole {
            proof.push(self.hash(start, end));
        }
        proof.reverse();
        proof
    }

    /// The hash of the leaves from `start` to `end`; `start` is a multiple of every power of two up to their number.
    fn hash(&self, start: u64, end: u64) -> Digest {
        let count = end - start;
        if count.is_power_of_two() {
            let level = count.trailing_zeros() as usize;
            let at = usize::try_from(start >> level).unwrap_or(usize::MAX);
            return self.levels.get(level).and_then(|row| row.get(at)).copied().unwrap_or(Digest::of(b""));
        }
        let middle = start + split(count);
        merkle::node(self.hash(start, middle), self.hash(middle, end))
    }
}

/// The largest power of two below `count`, for a count above one.
fn split(count: u64) -> u64 {
    1 << (count - 1).ilog2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_proof_of_every_tree_up_to_70_leaves_verifies() {
        let mut tree = Tree::default();
        let leaves: Vec<Vec<u8>> = (0..70u8).map(|i| vec![i]).collect();
        for leaf in &leaves {
            tree.append(leaf);
        }
        for size in 1..=70u64 {
            for index in 0..size {
                let leaf = merkle::leaf(&leaves[usize::try_from(index).unwrap()]);
                let proof = tree.inclusion(index, size);
                merkle::verify_inclusion(index, size, leaf, &proof, tree.root_at(size)).unwrap();
                let wrong = merkle::verify_inclusion(index, size, leaf, &proof, tree.root_at(size - 1));
                assert!(wrong.is_err(), "{index} of {size}");
            }
            for old in 1..=size {
                let proof = tree.consistency(old, size);
                let roots = (tree.root_at(old), tree.root_at(size));
                merkle::verify_consistency(old, size, &proof, roots.0, roots.1).unwrap();
                let swapped = merkle::verify_consistency(old, size, &proof, roots.1, roots.0);
                assert_eq!(swapped.is_ok(), old == size);
            }
        }
    }
}
