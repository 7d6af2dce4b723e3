//! What admission reads: the shared inputs, and those that tenants of the registry have of their own.
//!
//! A membership begins with the shared inputs, and the others are added once it has an assignment. So a start and a
//! tenant that comes later are one path; and where a broker gives a static member that comes back its old assignment
//! without a look at its topics, the change of a member that is there begins a rebalance all the same.

use std::time::{Duration, Instant};

use crate::admission::TrustTable;
use crate::event::{Topic, TopicName};
use crate::log::{Log, LogError};
use crate::telemetry::{Happening, Observer};

/// How often an own topic that was absent is looked for.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// The topics of one membership.
pub(super) struct Subscription {
    topics: Vec<TopicName>,
    missing: Vec<TopicName>,
    /// Control records that the topics were made from, and when they were last looked for.
    read: Option<u64>,
    looked: Instant,
}

impl Subscription {
    pub fn shared() -> Self {
        let topics = Topic::admission_inputs().map(TopicName::from).collect();
        Subscription { topics, missing: Vec::new(), read: None, looked: Instant::now() }
    }

    pub fn topics(&self) -> &[TopicName] {
        &self.topics
    }

    /// Other topics to read from now on. An own topic that is not there is left out: it would keep all others waiting.
    pub fn next<L: Log>(
        &mut self,
        log: &L,
        table: &TrustTable,
        observer: &dyn Observer,
    ) -> Result<Option<&[TopicName]>, LogError> {
        let looks = !self.missing.is_empty() && self.looked.elapsed() >= LOOK_EVERY;
        if self.read == Some(table.position()) && !looks {
            return Ok(None);
        }
        let mut topics: Vec<TopicName> = Topic::admission_inputs().map(TopicName::from).collect();
        let known = std::mem::take(&mut self.missing);
        for name in table.own_inputs() {
            if self.topics.contains(&name) || is_there(log, name)? {
                topics.push(name);
                continue;
            }
            if !known.contains(&name) {
                let text = format!("{name} does not exist: run `attestream topics apply`; the other topics are read");
                observer.happened(&Happening::Notice { text: &text });
            }
            self.missing.push(name);
        }
        self.read = Some(table.position());
        self.looked = Instant::now();
        if topics == self.topics {
            return Ok(None);
        }
        self.topics = topics;
        Ok(Some(&self.topics))
    }
}

fn is_there<L: Log>(log: &L, name: TopicName) -> Result<bool, LogError> {
    match log.partitions(name) {
        Ok(_) => Ok(true),
        Err(LogError::Topic { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}
