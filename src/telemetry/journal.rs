//! Happenings as structured log lines: one line each, and none for what happens with every batch unless asked for.

use super::{Happening, Observer};

/// Writes through `tracing`.
pub struct Journal;

impl Observer for Journal {
    fn happened(&self, happening: &Happening<'_>) {
        match happening {
            Happening::Passed { .. }
            | Happening::Lag { .. }
            | Happening::Folded { .. }
            | Happening::TrustRootAge { .. } => {}
            Happening::Received { role, topic, records } => {
                tracing::trace!(role = role.as_str(), %topic, records, "received");
            }
            Happening::Fates { role, fate, records } => {
                tracing::debug!(role = role.as_str(), fate, records, "fates");
            }
            Happening::Verdict { status, reason } => tracing::debug!(status, reason, "verdict"),
            Happening::DeadLettered { topic, partition, offset, code } => {
                tracing::info!(%topic, partition, offset, code, "dead-lettered");
            }
            Happening::Committed { role, records, outputs, took } => {
                let took_ms = milliseconds(*took);
                tracing::debug!(role = role.as_str(), records, outputs, took_ms, "committed");
            }
            Happening::Recovering { role, why } => tracing::warn!(role = role.as_str(), why, "recovering"),
            Happening::Rebalanced { role, owned, lost } => {
                tracing::info!(role = role.as_str(), owned, lost, "rebalanced");
            }
            Happening::Stopped { partition, code, seq } => {
                tracing::error!(partition, code, seq, "a partition cannot go on; the others do");
            }
            Happening::CaughtUp { partition, records, took } => {
                tracing::info!(partition, records, took_ms = milliseconds(*took), "state is up to date");
            }
            Happening::Alarm { alarm, origin } => {
                tracing::error!(alarm, origin, "a transparency log contradicts itself; ledger.timeline has the proof");
            }
            Happening::Throttled { tenant, now: Some(why), partitions, .. } => {
                tracing::info!(tenant, why, partitions, "the tenant's own topics wait");
            }
            Happening::Throttled { tenant, now: None, partitions, .. } => {
                tracing::info!(tenant, partitions, "the tenant's own topics go on");
            }
            Happening::RateRefused { tenant } => tracing::debug!(tenant, "a request over the rate was refused"),
            Happening::ControlDropped { why } => tracing::error!(why, "a control record was dropped"),
            Happening::Unreachable { role, why, retry } => {
                let retry_ms = milliseconds(*retry);
                tracing::warn!(role = role.as_str(), why, retry_ms, "cannot work; trying again");
            }
            Happening::Snapshot { partition, seq, error: None } => tracing::info!(partition, seq, "snapshot taken"),
            Happening::Snapshot { partition, seq, error: Some(error) } => {
                tracing::error!(partition, seq, error, "no snapshot could be taken");
            }
            Happening::Notice { text } => tracing::warn!("{text}"),
        }
    }
}

fn milliseconds(took: std::time::Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}
