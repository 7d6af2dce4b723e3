//! One of each entry of the timeline.

use attestream::ledger::control::system_tenant;
use attestream::ledger::output::TimelineEntry;

use super::samples::{NOON, digest, id, position, tenant, text};

pub fn entries() -> Vec<TimelineEntry> {
    let entry = |entry: &str, subject: String, from: Option<&str>, to: &str| TimelineEntry {
        tenant: tenant(),
        subject,
        entry: entry.to_owned(),
        at: NOON,
        from: from.map(str::to_owned),
        to: text(to),
        reasons: from.map(|_| "key-unknown".to_owned()).into_iter().collect(),
        notes: Vec::new(),
        previous: Some(digest("before")),
        position: position(),
    };
    let of_log = |name: &str| TimelineEntry {
        tenant: system_tenant(),
        from: Some(format!("7 {}", digest("one"))),
        reasons: Vec::new(),
        notes: vec!["one\n".to_owned(), "other\n".to_owned()],
        ..entry(name, "checkpoint:log.example - 1".to_owned(), None, &format!("7 {}", digest("other")))
    };
    vec![
        of_log("split-view"),
        of_log("log-consistent"),
        entry("re-verdict", id(), Some("verified"), "key-policy-mismatch"),
        entry("trust-activated", "trust".to_owned(), None, &digest("trust").to_string()),
    ]
}
