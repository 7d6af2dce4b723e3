//! A topic by its name on the log: shared by all tenants, or one tenant's own, `{tenant}.{topic}`.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::topic::TopicRole;
use super::{Tenant, Topic, text};

/// The tenant whose topic it is. Kept for the life of the process, so that names of topics are plain values; so only
/// tenants of the registry, and names that records of ours hold, become one, never what a client asks for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner(&'static str);

static OWNERS: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());

impl Owner {
    pub fn of(tenant: &Tenant) -> Owner {
        let mut owners = OWNERS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = owners.get(tenant.as_str()) {
            return Owner(known);
        }
        let kept: &'static str = Box::leak(tenant.as_str().to_owned().into_boxed_str());
        owners.insert(kept);
        Owner(kept)
    }

    /// The owner of this name, if this process has met it.
    pub fn known(tenant: &Tenant) -> Option<Owner> {
        let owners = OWNERS.lock().unwrap_or_else(PoisonError::into_inner);
        owners.get(tenant.as_str()).map(|known| Owner(known))
    }

    pub const fn as_str(self) -> &'static str {
        self.0
    }

    pub fn tenant(self) -> Tenant {
        Tenant::new(self.0).unwrap_or_else(|_| unreachable!("an owner is made of a tenant"))
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// A topic's name on the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicName {
    pub topic: Topic,
    /// `None`: the topic is shared.
    pub owner: Option<Owner>,
}

impl TopicName {
    pub fn own(tenant: &Tenant, topic: Topic) -> Self {
        TopicName { topic, owner: Some(Owner::of(tenant)) }
    }

    /// The topic that a name stands for, and whose it is. The longest tenant's name has 63 bytes, and no topic's name
    /// ends with another's behind a dot, so a name stands for one topic at most.
    pub fn split(name: &str) -> Option<(Option<Tenant>, Topic)> {
        if let Some(topic) = Topic::from_name(name) {
            return Some((None, topic));
        }
        let own = |topic: &Topic| Tenant::new(name.strip_suffix(topic.name())?.strip_suffix('.')?).ok();
        let mut topics = Topic::ALL.iter().filter(|topic| topic.may_be_own());
        topics.find_map(|topic| own(topic).map(|tenant| (Some(tenant), *topic)))
    }

    /// The same for a name that the log or the operator gave.
    pub fn parse(name: &str) -> Option<Self> {
        let (owner, topic) = Self::split(name)?;
        Some(TopicName { topic, owner: owner.as_ref().map(Owner::of) })
    }
}

impl From<Topic> for TopicName {
    fn from(topic: Topic) -> Self {
        TopicName { topic, owner: None }
    }
}

impl fmt::Display for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.owner {
            Some(owner) => write!(f, "{}.{}", owner.as_str(), self.topic),
            None => fmt::Display::fmt(&self.topic, f),
        }
    }
}

impl Serialize for TopicName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TopicName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text::read(deserializer, |name| TopicName::parse(name).ok_or_else(|| format!("{name:?} is no topic")))
    }
}

/// Which topics are a tenant's own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Listed")]
pub struct OwnTopics {
    /// None: the tenant uses the shared inputs. Any: these are its only inputs, and no shared one takes its records.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    inputs: BTreeSet<Topic>,
    /// What is published for the tenant on topics of its own; the rest goes to the shared ones.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    outputs: BTreeSet<Topic>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct Listed {
    inputs: BTreeSet<Topic>,
    outputs: BTreeSet<Topic>,
}

/// A list of own topics that names something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotOwn {
    #[error("expected inputs, got {0}")]
    Input(Topic),
    #[error("expected outputs that can be a tenant's own, got {0}")]
    Output(Topic),
}

impl TryFrom<Listed> for OwnTopics {
    type Error = NotOwn;

    fn try_from(Listed { inputs, outputs }: Listed) -> Result<Self, NotOwn> {
        OwnTopics::new(inputs, outputs)
    }
}

impl OwnTopics {
    pub fn new(
        inputs: impl IntoIterator<Item = Topic>,
        outputs: impl IntoIterator<Item = Topic>,
    ) -> Result<Self, NotOwn> {
        let own = OwnTopics { inputs: inputs.into_iter().collect(), outputs: outputs.into_iter().collect() };
        let fits = |topic: &Topic, role| topic.role() == role && topic.may_be_own();
        if let Some(other) = own.inputs.iter().find(|topic| !fits(topic, TopicRole::Input)) {
            return Err(NotOwn::Input(*other));
        }
        match own.outputs.iter().find(|topic| !fits(topic, TopicRole::Output)) {
            Some(other) => Err(NotOwn::Output(*other)),
            None => Ok(own),
        }
    }

    pub fn is_none(&self) -> bool {
        self.inputs.is_empty() && self.outputs.is_empty()
    }

    pub const fn inputs(&self) -> &BTreeSet<Topic> {
        &self.inputs
    }

    pub const fn outputs(&self) -> &BTreeSet<Topic> {
        &self.outputs
    }

    /// Whether the tenant may write to its own or to the shared topic of this input.
    pub fn has_shared_inputs(&self) -> bool {
        self.inputs.is_empty()
    }

    pub fn contains(&self, topic: Topic) -> bool {
        self.inputs.contains(&topic) || self.outputs.contains(&topic)
    }

    /// The names of all of them.
    pub fn names(&self, tenant: &Tenant) -> Vec<TopicName> {
        self.inputs.iter().chain(&self.outputs).map(|topic| TopicName::own(tenant, *topic)).collect()
    }

    /// The same inputs with the outputs of another.
    pub fn with_outputs_of(&self, other: &OwnTopics) -> OwnTopics {
        OwnTopics { inputs: self.inputs.clone(), outputs: other.outputs.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_for_one_topic() {
        for topic in Topic::ALL {
            for other in Topic::ALL {
                assert!(!topic.name().ends_with(&format!(".{other}")), "{topic} ends with {other}");
            }
            assert_eq!(TopicName::split(topic.name()), Some((None, *topic)));
            let tenant = Tenant::new("a.b-c_d").unwrap();
            let own = format!("a.b-c_d.{topic}");
            assert_eq!(TopicName::split(&own), topic.may_be_own().then_some((Some(tenant), *topic)), "{own}");
        }
        for name in ["", ".sbom.submitted", "A.sbom.submitted", "a/b.sbom.submitted", "acme.attestream.ledger"] {
            assert_eq!(TopicName::split(name), None, "{name}");
        }
    }

    #[test]
    fn a_client_makes_no_owner() {
        let tenant = Tenant::new("never-registered").unwrap();
        assert!(TopicName::split("never-registered.sbom.submitted").is_some());
        assert_eq!(Owner::known(&tenant), None);
        assert_eq!(Owner::of(&tenant), Owner::of(&tenant));
        assert_eq!(Owner::known(&tenant).map(Owner::tenant), Some(tenant));
    }

    #[test]
    fn only_inputs_and_what_consumers_read_can_be_own() {
        for topic in Topic::ALL {
            let as_input = OwnTopics::new([*topic], []).is_ok();
            assert_eq!(as_input, topic.role() == TopicRole::Input, "{topic}");
            let as_output = OwnTopics::new([], [*topic]).is_ok();
            assert_eq!(as_output, topic.role() == TopicRole::Output && *topic != Topic::DeadLetter, "{topic}");
        }
        let read = |text: &str| serde_json::from_str::<OwnTopics>(text);
        for wrong in [r#"{"inputs":["events.verified"]}"#, r#"{"outputs":["x"]}"#, r#"{"input":[]}"#] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        let own = read(r#"{"inputs":["vex.submitted","sbom.submitted"],"outputs":["events.verified"]}"#).unwrap();
        let acme = Tenant::new("acme").unwrap();
        let names: Vec<String> = own.names(&acme).iter().map(ToString::to_string).collect();
        assert_eq!(names, ["acme.sbom.submitted", "acme.vex.submitted", "acme.events.verified"]);
        let again = serde_json::to_string(&own).unwrap();
        assert_eq!(read(&again).unwrap(), own);
    }
}
