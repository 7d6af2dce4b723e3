//! Failures that a simulation asks for.

use std::collections::BTreeMap;

use crate::log::embedded::{Effect, Verb};

/// The `nth` call of `verb` (the first is 1, counted over all members and outlets since the plan was set) goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    pub verb: Verb,
    pub nth: u64,
    pub effect: Effect,
}

/// What is to go wrong, and how often each verb was called so far.
#[derive(Debug, Clone, Default)]
pub struct FaultPlan {
    faults: Vec<Fault>,
    calls: BTreeMap<Verb, u64>,
}

impl FaultPlan {
    pub fn new(faults: impl IntoIterator<Item = Fault>) -> Self {
        FaultPlan { faults: faults.into_iter().collect(), calls: BTreeMap::new() }
    }

    /// How often `verb` was called since the plan was set.
    pub fn calls(&self, verb: Verb) -> u64 {
        self.calls.get(&verb).copied().unwrap_or(0)
    }

    pub(super) fn call(&mut self, verb: Verb) -> Option<Effect> {
        let calls = self.calls.entry(verb).or_insert(0);
        *calls += 1;
        let hit = self.faults.iter().find(|fault| fault.verb == verb && fault.nth == *calls);
        hit.map(|fault| fault.effect)
    }
}
