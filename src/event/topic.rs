//! The closed set of topics. `topics/` holds a manifest for each; a test keeps the two equal.

use serde::{Deserialize, Serialize};

use super::Kind;

/// What a topic is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TopicRole {
    /// Producers write, admission reads.
    Input,
    /// Written and read by this system alone.
    Internal,
    /// This system writes, consumers read.
    Output,
}

macro_rules! topics {
    ($($variant:ident = $name:literal, $role:ident;)+) => {
        /// Every topic of the product.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Topic { $(#[serde(rename = $name)] $variant),+ }

        impl Topic {
            pub const ALL: &'static [Topic] = &[$(Topic::$variant),+];

            pub const fn name(self) -> &'static str {
                match self { $(Topic::$variant => $name),+ }
            }

            pub const fn role(self) -> TopicRole {
                match self { $(Topic::$variant => TopicRole::$role),+ }
            }

            pub fn from_name(name: &str) -> Option<Topic> {
                match name { $($name => Some(Topic::$variant),)+ _ => None }
            }
        }
    };
}

topics! {
    SbomSubmitted = "sbom.submitted", Input;
    VexSubmitted = "vex.submitted", Input;
    ScanCompleted = "scan.completed", Input;
    AttestationPublished = "attestation.published", Input;
    CallgraphCaptured = "signals.callgraph.captured", Input;
    RuntimeFactsObserved = "signals.runtime-facts.observed", Input;
    ExportCreated = "orchestrator.export.created", Input;
    AdvisoryRecorded = "advisory.statement.recorded", Input;
    AttestationBackfill = "attestation.backfill", Internal;
    Work = "attestream.work", Internal;
    Control = "attestream.control", Internal;
    Ledger = "attestream.ledger", Internal;
    Positions = "attestream.positions", Internal;
    Enriched = "events.enriched", Output;
    Verified = "events.verified", Output;
    Quarantined = "events.quarantined", Output;
    DeadLetter = "events.dead-letter", Output;
    Decisions = "policy.decisions", Output;
    Timeline = "ledger.timeline", Output;
    SignalsProvenance = "signals.provenance", Output;
}

impl Topic {
    /// The kind of event that a record on this input becomes; `None` for evidence and for topics that are no input.
    pub const fn kind(self) -> Option<Kind> {
        match self {
            Topic::SbomSubmitted => Some(Kind::Sbom),
            Topic::VexSubmitted => Some(Kind::Vex),
            Topic::ScanCompleted => Some(Kind::Scan),
            Topic::CallgraphCaptured | Topic::RuntimeFactsObserved | Topic::ExportCreated | Topic::AdvisoryRecorded => {
                Some(Kind::Ingest)
            }
            _ => None,
        }
    }

    /// Whether a tenant can have one of its own: what producers write, and what consumers read but the dead letters,
    /// which are an operator's and often nobody's.
    pub const fn may_be_own(self) -> bool {
        matches!(self.role(), TopicRole::Input | TopicRole::Output) && !matches!(self, Topic::DeadLetter)
    }

    /// The shared topics that admission consumes, the control topic among them: its owner copies it to the ledger.
    pub fn admission_inputs() -> impl Iterator<Item = Topic> {
        let internal = [Topic::AttestationBackfill, Topic::Work, Topic::Control];
        Topic::ALL.iter().copied().filter(|topic| topic.role() == TopicRole::Input).chain(internal)
    }
}

impl std::fmt::Display for Topic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
