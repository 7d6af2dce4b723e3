//! Manifests of tenants' own topics: those of the shared ones under another name, and who may do what with them.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::topic::TopicRole;
use crate::event::{Digest, Owner, TopicName};

use super::manifest::{USERS, text};

/// How an entry of an access list begins.
const ENTRY: &str = "      - resource:\n";
const PRODUCER: &str = "attestream-producer";
const CONSUMER: &str = "attestream-consumer";

/// The manifest of a tenant's own topic.
pub fn topic_manifest(name: TopicName) -> String {
    let shared = text(name.topic);
    let topic = name.topic.name();
    let renamed = shared.replace(&format!("  name: {topic}\n"), &format!("  name: {}\n", resource(name)));
    renamed.replace(&format!("  topicName: {topic}\n"), &format!("  topicName: {name}\n"))
}

/// A name that Kubernetes takes. A tenant's name that it would not take stands there by its digest.
fn resource(name: TopicName) -> String {
    match name.owner {
        Some(owner) => format!("{}.{}", label(owner), name.topic),
        None => name.topic.name().to_owned(),
    }
}

fn label(owner: Owner) -> String {
    let name = owner.as_str();
    let plain = |label: &str| {
        let inside = label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        !label.is_empty() && inside && !label.starts_with('-') && !label.ends_with('-')
    };
    if name.split('.').all(plain) {
        return name.to_owned();
    }
    let digest = Digest::of(name.as_bytes()).hex();
    format!("tenant-{}", digest.get(..16).unwrap_or(&digest))
}

/// The manifests of all principals, where tenants have these topics of their own: each of ours may do with an own topic
/// what it may do with the shared one, and each tenant has a producer and a consumer for its own alone.
pub fn users(own: &[TopicName]) -> Vec<String> {
    let mut users = Vec::new();
    for user in USERS {
        let example = [PRODUCER, CONSUMER].iter().any(|name| named(user, name));
        users.push(if example { (*user).to_owned() } else { extended(user, own) });
    }
    let mut by_owner: BTreeMap<Owner, BTreeSet<TopicName>> = BTreeMap::new();
    for name in own {
        if let Some(owner) = name.owner {
            by_owner.entry(owner).or_default().insert(*name);
        }
    }
    for (owner, names) in by_owner {
        for (example, role) in [(PRODUCER, TopicRole::Input), (CONSUMER, TopicRole::Output)] {
            let names: Vec<TopicName> = names.iter().filter(|name| name.topic.role() == role).copied().collect();
            let user = USERS.iter().find(|user| named(user, example));
            if let Some(user) = user.filter(|_| !names.is_empty()) {
                users.push(of_tenant(user, example, owner, &names));
            }
        }
    }
    users
}

fn named(user: &str, name: &str) -> bool {
    user.contains(&format!("\n  name: {name}\n"))
}

/// The entry with each own topic instead of the shared one of its kind.
fn entries(entry: &str, own: &[TopicName]) -> String {
    let entry_of = |name: &TopicName| {
        let shared = format!("          name: {}\n", name.topic);
        let is_topic = entry.contains("          type: topic\n") && entry.contains(&shared);
        is_topic.then(|| format!("{ENTRY}{}", entry.replace(&shared, &format!("          name: {name}\n"))))
    };
    own.iter().filter_map(entry_of).collect()
}

fn extended(user: &str, own: &[TopicName]) -> String {
    let added: String = user.split(ENTRY).skip(1).map(|entry| entries(entry, own)).collect();
    format!("{user}{added}")
}

fn of_tenant(user: &str, example: &str, owner: Owner, own: &[TopicName]) -> String {
    let mut parts = user.split(ENTRY);
    let name = format!("{example}-{}", label(owner));
    let head =
        parts.next().unwrap_or_default().replace(&format!("\n  name: {example}\n"), &format!("\n  name: {name}\n"));
    let about = format!("# Tenant {}, on topics of its own.\n", owner.as_str());
    let body = head.split_once('\n').map_or(head.as_str(), |(_, body)| body);
    let group = format!("          name: {example}\n");
    let lists = parts.map(|entry| match entry.contains("          type: topic\n") {
        true => entries(entry, own),
        false => format!("{ENTRY}{}", entry.replace(&group, &format!("          name: {name}\n"))),
    });
    format!("{about}{body}{}", lists.collect::<String>())
}
