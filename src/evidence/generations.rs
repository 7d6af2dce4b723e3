//! A bounded memory by digest, shared by all threads. What is old is forgotten in whole generations, so that nothing is
//! kept about when an entry was asked for.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::event::Digest;

const SHARDS: usize = 16;

/// Values by digest, each with a weight. Each shard keeps two generations of at most this weight.
#[derive(Debug)]
pub struct Generations<V> {
    shards: [Mutex<Shard<V>>; SHARDS],
    weight_max: usize,
}

/// What was added lately, and what was added before that. When the first is full, it takes the place of the second.
#[derive(Debug)]
struct Shard<V> {
    late: HashMap<Digest, V>,
    before: HashMap<Digest, V>,
    weight: usize,
}

impl<V> Default for Shard<V> {
    fn default() -> Self {
        Shard { late: HashMap::new(), before: HashMap::new(), weight: 0 }
    }
}

impl<V> Shard<V> {
    /// Begins a generation in the room of the one that is forgotten.
    fn turn(&mut self) {
        std::mem::swap(&mut self.late, &mut self.before);
        self.late.clear();
        self.weight = 0;
    }
}

impl<V: Clone> Generations<V> {
    pub fn new(weight_max: usize) -> Self {
        Generations { shards: std::array::from_fn(|_| Mutex::default()), weight_max }
    }

    pub fn get(&self, name: Digest) -> Option<V> {
        let shard = self.shard(name)?.lock().unwrap_or_else(PoisonError::into_inner);
        shard.late.get(&name).or_else(|| shard.before.get(&name)).cloned()
    }

    /// Remembers; what weighs more than a generation may is not.
    pub fn insert(&self, name: Digest, value: V, weight: usize) {
        let Some(shard) = self.shard(name).filter(|_| weight <= self.weight_max) else { return };
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if shard.weight + weight > self.weight_max {
            shard.turn();
        }
        shard.weight += weight;
        shard.late.insert(name, value);
    }

    /// How many values are remembered.
    pub fn len(&self) -> usize {
        let of = |shard: &Mutex<Shard<V>>| {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.late.len() + shard.before.len()
        };
        self.shards.iter().map(of).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn forget(&self) {
        for shard in &self.shards {
            *shard.lock().unwrap_or_else(PoisonError::into_inner) = Shard::default();
        }
    }

    fn shard(&self, name: Digest) -> Option<&Mutex<Shard<V>>> {
        let [first, ..] = name.as_bytes();
        self.shards.get(usize::from(*first) % SHARDS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_bounded_by_weight_and_forgets_what_is_old() {
        let memory = Generations::new(10);
        let name = |number: u32| Digest::of(&number.to_be_bytes());
        for number in 0..10_000 {
            memory.insert(name(number), number, 3);
            assert_eq!(memory.get(name(number)), Some(number), "what was added last is there");
            assert!(memory.len() <= SHARDS * 2 * 3);
        }
        assert_eq!(memory.get(name(0)), None);
        memory.insert(name(0), 0, 11);
        assert_eq!(memory.get(name(0)), None, "heavier than a generation");
    }
}
