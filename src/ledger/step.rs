//! What folding one record comes to: one fate, and what to publish. What to remember lies in the batch's memo.

use crate::event::{Tenant, Topic};

/// The fate of one ledger record: records = sum of fates, in every transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// An event that is verified and allowed.
    Published,
    /// An event without evidence yet: enriched only.
    Held,
    /// Evidence or a part, kept for what comes.
    Remembered,
    /// An event that is not trusted.
    Quarantined,
    /// Known already; nothing changed.
    Repeated,
    /// Evidence that can never join anything.
    Refused,
    /// Control, `continue`.
    Control,
}

impl Fate {
    pub const ALL: [Fate; 7] = [
        Fate::Published,
        Fate::Held,
        Fate::Remembered,
        Fate::Quarantined,
        Fate::Repeated,
        Fate::Refused,
        Fate::Control,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Fate::Published => "published",
            Fate::Held => "held",
            Fate::Remembered => "remembered",
            Fate::Quarantined => "quarantined",
            Fate::Repeated => "repeated",
            Fate::Refused => "refused",
            Fate::Control => "control",
        }
    }
}

/// A record to append. Without a partition the key decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    pub topic: Topic,
    /// The tenant whose own topic it goes to; `None`: the shared one.
    pub owner: Option<Tenant>,
    pub partition: Option<u32>,
    pub key: Vec<u8>,
    pub value: Vec<u8>,
    pub headers: Vec<(&'static str, String)>,
}

/// What folding one record comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub fate: Fate,
    pub publish: Vec<Publication>,
    /// Verdicts that changed, as (status, gravest reason): for metrics.
    pub verdicts: Vec<(&'static str, Option<String>)>,
    /// What somebody should be woken for, as (entry of the timeline, origin of the log).
    pub alarms: Vec<(&'static str, String)>,
}
