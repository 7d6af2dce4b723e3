//! Merkle trees of RFC 6962, verified as in RFC 9162 section 2.1.3.2 and 2.1.4.2: a proof has exactly the length that
//! index and size demand.

use super::Fault;
use crate::event::Digest;

/// The hash of a leaf.
pub fn leaf(bytes: &[u8]) -> Digest {
    Digest::of_parts(&[&[0], bytes])
}

/// The hash of an inner node.
pub fn node(left: Digest, right: Digest) -> Digest {
    Digest::of_parts(&[&[1], left.as_bytes(), right.as_bytes()])
}

/// Verifies that `leaf` is entry `index` of the tree of `size` entries with `root`.
pub fn verify_inclusion(index: u64, size: u64, leaf: Digest, proof: &[Digest], root: Digest) -> Result<(), Fault> {
    let last = size.checked_sub(1).filter(|last| index <= *last).ok_or(Fault::InclusionInvalid)?;
    let (mut at, mut end, mut hash) = (index, last, leaf);
    for sibling in proof {
        if end == 0 {
            return Err(Fault::InclusionInvalid);
        }
        if at & 1 == 1 || at == end {
            hash = node(*sibling, hash);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                end >>= 1;
            }
        } else {
            hash = node(hash, *sibling);
        }
        at >>= 1;
        end >>= 1;
    }
    if end == 0 && hash == root { Ok(()) } else { Err(Fault::InclusionInvalid) }
}

/// Verifies that the tree of `new_size` with `new_root` begins with the tree of `old_size` with `old_root`. Nothing is
/// said of an empty old tree: it is refused.
pub fn verify_consistency(
    old_size: u64,
    new_size: u64,
    proof: &[Digest],
    old_root: Digest,
    new_root: Digest,
) -> Result<(), Fault> {
    let wrong = Err(Fault::ConsistencyInvalid);
    if old_size == 0 || new_size < old_size {
        return wrong;
    }
    if old_size == new_size {
        return if proof.is_empty() && old_root == new_root { Ok(()) } else { wrong };
    }
    let (start, rest) = match proof.split_first() {
        _ if old_size.is_power_of_two() => (old_root, proof),
        Some((first, rest)) => (*first, rest),
        None => return wrong,
    };
    let (mut at, mut end) = (old_size - 1, new_size - 1);
    while at & 1 == 1 {
        at >>= 1;
        end >>= 1;
    }
    let (mut old, mut new) = (start, start);
    for sibling in rest {
        if end == 0 {
            return wrong;
        }
        if at & 1 == 1 || at == end {
            old = node(*sibling, old);
            new = node(*sibling, new);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                end >>= 1;
            }
        } else {
            new = node(new, *sibling);
        }
        at >>= 1;
        end >>= 1;
    }
    if end == 0 && old == old_root && new == new_root { Ok(()) } else { wrong }
}
