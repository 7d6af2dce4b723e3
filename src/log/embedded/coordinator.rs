//! Groups with eager rebalancing, as a plain value without locks or time.
//!
//! A rebalance begins when a member joins, leaves or is lost. It waits until every member that holds partitions has
//! given them up; until then their fences hold, so work in flight still commits. Then the generation grows, the range
//! assignment is made, and every fence of an earlier generation is refused for good.

use std::collections::BTreeMap;

use crate::event::TopicName;
use crate::log::{LogError, Partition};

/// Proof of one assignment: good until its holder gives it up, loses it or is replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    pub(super) group: String,
    pub(super) member: String,
    pub(super) incarnation: u64,
    pub(super) generation: u64,
}

/// What a member finds when it asks.
#[derive(Debug, PartialEq, Eq)]
pub enum Standing {
    /// Others have to give up their partitions first.
    Waiting,
    /// A rebalance waits for this member to give up what it holds.
    Asked,
    /// An assignment to take.
    Offered {
        generation: u64,
        partitions: Vec<Partition>,
    },
    Holding,
    /// Not a member any more; `replaced` by a newer one of the same name.
    Gone {
        replaced: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Joined,
    Offered,
    Holding,
}

#[derive(Debug)]
struct Member {
    incarnation: u64,
    topics: Vec<(TopicName, u32)>,
    phase: Phase,
    owned: Vec<Partition>,
}

#[derive(Debug, Default)]
struct Group {
    generation: u64,
    rebalancing: bool,
    members: BTreeMap<String, Member>,
}

/// All groups of one log.
#[derive(Debug, Default)]
pub struct Coordinator {
    groups: BTreeMap<String, Group>,
    incarnations: u64,
}

impl Coordinator {
    /// Adds a member and returns its incarnation. A name that is taken is taken over: nobody else is disturbed, the
    /// partitions stay with the name, and the former holder's fences are refused from now on.
    pub fn join(&mut self, group: &str, name: &str, topics: &[(TopicName, u32)]) -> u64 {
        self.incarnations += 1;
        let group = self.groups.entry(group.to_owned()).or_default();
        let member =
            Member { incarnation: self.incarnations, topics: topics.to_vec(), phase: Phase::Joined, owned: Vec::new() };
        match group.members.get_mut(name) {
            Some(old) if old.topics == topics && !group.rebalancing => {
                *old = Member { phase: Phase::Offered, owned: std::mem::take(&mut old.owned), ..member };
            }
            _ => {
                group.members.insert(name.to_owned(), member);
                group.rebalance();
            }
        }
        self.incarnations
    }

    /// Removes a member, if it is still that incarnation.
    pub fn leave(&mut self, group: &str, name: &str, incarnation: u64) {
        if self.member(group, name).is_some_and(|member| member.incarnation == incarnation) {
            self.evict(group, name);
        }
    }

    /// Removes a member whoever it is, as a session time-out does. What it held is lost to it.
    pub fn evict(&mut self, group: &str, name: &str) {
        let Some(group) = self.groups.get_mut(group) else { return };
        if group.members.remove(name).is_some() {
            group.rebalance();
        }
    }

    pub fn standing(&self, group: &str, name: &str, incarnation: u64) -> Standing {
        let Some(member) = self.member(group, name) else { return Standing::Gone { replaced: false } };
        if member.incarnation != incarnation {
            return Standing::Gone { replaced: true };
        }
        let Some(group) = self.groups.get(group) else { return Standing::Gone { replaced: false } };
        match member.phase {
            Phase::Holding if group.rebalancing => Standing::Asked,
            Phase::Holding => Standing::Holding,
            Phase::Offered => Standing::Offered { generation: group.generation, partitions: member.owned.clone() },
            Phase::Joined => Standing::Waiting,
        }
    }

    /// Gives up what is held, so that the rebalance can go on.
    pub fn surrender(&mut self, group: &str, name: &str, incarnation: u64) {
        let Some(group) = self.groups.get_mut(group) else { return };
        if let Some(member) = group.members.get_mut(name).filter(|member| member.incarnation == incarnation) {
            member.phase = Phase::Joined;
            member.owned.clear();
            group.rebalance();
        }
    }

    /// Takes the offered assignment; false when it is not on offer any more.
    pub fn take(&mut self, fence: &Fence) -> bool {
        let Some(group) = self.groups.get_mut(&fence.group) else { return false };
        let generation = group.generation;
        let Some(member) = group.members.get_mut(&fence.member) else { return false };
        let offered = member.phase == Phase::Offered && member.incarnation == fence.incarnation;
        if offered && generation == fence.generation {
            member.phase = Phase::Holding;
            return true;
        }
        false
    }

    /// Whether a commit of `partitions` under `fence` is one of their present owner.
    pub fn check(&self, fence: &Fence, partitions: &[Partition]) -> Result<(), LogError> {
        let generation = self.groups.get(&fence.group).map(|group| group.generation);
        let member = self.member(&fence.group, &fence.member).filter(|member| {
            member.phase == Phase::Holding
                && member.incarnation == fence.incarnation
                && generation == Some(fence.generation)
        });
        let Some(member) = member else {
            let Fence { group, member, generation, .. } = fence;
            return Err(LogError::Fenced(format!("{member} of group {group} in generation {generation}")));
        };
        match partitions.iter().find(|partition| !member.owned.contains(partition)) {
            Some(partition) => Err(LogError::Fenced(format!("{} does not own {partition}", fence.member))),
            None => Ok(()),
        }
    }

    fn member(&self, group: &str, name: &str) -> Option<&Member> {
        self.groups.get(group)?.members.get(name)
    }
}

impl Group {
    /// Begins a rebalance, or goes on with it, and ends it once nobody holds anything.
    fn rebalance(&mut self) {
        for member in self.members.values_mut().filter(|member| member.phase == Phase::Offered) {
            member.phase = Phase::Joined;
            member.owned.clear();
        }
        self.rebalancing = self.members.values().any(|member| member.phase == Phase::Holding);
        if self.rebalancing {
            return;
        }
        self.generation += 1;
        let assignment = self.ranges();
        for (name, member) in &mut self.members {
            member.phase = Phase::Offered;
            member.owned = assignment.get(name).cloned().unwrap_or_default();
        }
    }

    /// Kafka's range assignment: per topic, contiguous ranges to the members in order of their names.
    fn ranges(&self) -> BTreeMap<String, Vec<Partition>> {
        let mut subscribers: BTreeMap<(TopicName, u32), Vec<&String>> = BTreeMap::new();
        for (name, member) in &self.members {
            for topic in &member.topics {
                subscribers.entry(*topic).or_default().push(name);
            }
        }
        let mut assignment: BTreeMap<String, Vec<Partition>> = BTreeMap::new();
        for ((topic, count), names) in subscribers {
            let members = u32::try_from(names.len()).unwrap_or(u32::MAX).max(1);
            let (share, extra) = (count / members, count % members);
            let mut numbers = 0..count;
            for (index, name) in (0u32..).zip(names) {
                let take = share + u32::from(index < extra);
                let range = numbers.by_ref().take(usize::try_from(take).unwrap_or(usize::MAX));
                assignment.entry(name.clone()).or_default().extend(range.map(|number| Partition::of(topic, number)));
            }
        }
        assignment
    }
}
