//! Happenings as metrics: OpenTelemetry instruments, shown in Prometheus' text form.

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Gauge, Histogram, Meter, MeterProvider as _};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use prometheus::{Encoder as _, Registry, TextEncoder};

use super::{Happening, Observer};

macro_rules! metrics {
    ($($(#[doc = $help:literal])+ $variant:ident = $name:literal;)+) => {
        /// Every metric of the product.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Metric { $($(#[doc = $help])+ $variant),+ }

        impl Metric {
            pub const ALL: &'static [Metric] = &[$(Metric::$variant),+];

            /// The name as it is shown.
            pub const fn name(self) -> &'static str {
                match self { $(Metric::$variant => $name),+ }
            }

            pub const fn help(self) -> &'static str {
                match self { $(Metric::$variant => concat!($($help),+)),+ }
            }
        }
    };
}

metrics! {
    /// Records that a role took from a topic.
    Received = "attestream_records_received_total";
    /// Fates of records by stage: received = sum of fates.
    Fates = "attestream_fates_total";
    /// Verdicts that changed, by status and gravest reason.
    Verdicts = "attestream_verdicts_total";
    /// Inputs that went to the dead-letter topic, by code.
    DeadLetters = "attestream_dead_letters_total";
    /// Seconds from a gathered batch to its commit.
    TransactionSeconds = "attestream_transaction_duration_seconds";
    /// Transactions that committed.
    Commits = "attestream_transactions_committed_total";
    /// Records that committed transactions appended.
    Outputs = "attestream_records_published_total";
    /// Transactions that did not certainly commit; each is followed by recovery.
    Recoveries = "attestream_transactions_recovered_total";
    /// Assignments given or taken.
    Rebalances = "attestream_rebalances_total";
    /// Partitions that a role owns.
    Owned = "attestream_partitions_owned";
    /// Ledger records that a partition has folded.
    FoldPosition = "attestream_fold_position";
    /// Records behind the last stable offset.
    LagRecords = "attestream_lag_records";
    /// Age of the oldest record that is not processed.
    LagSeconds = "attestream_lag_seconds";
    /// Records folded silently to bring a state up to date.
    CatchUpRecords = "attestream_catch_up_records_total";
    /// Seconds that bringing a state up to date took.
    CatchUpSeconds = "attestream_catch_up_duration_seconds";
    /// Snapshots, by outcome.
    Snapshots = "attestream_snapshots_total";
    /// Partitions that stopped, by code.
    Stopped = "attestream_partitions_stopped_total";
    /// Age of the trust root in force, since its activation.
    TrustRootAge = "attestream_trust_root_age_seconds";
    /// Contradictions of transparency logs, by log and kind: page somebody.
    Alarms = "attestream_log_alarms_total";
    /// Whether a tenant's own topics wait, and why: 1 while they do.
    TenantPaused = "attestream_tenant_paused";
    /// How often they began to wait.
    TenantPauses = "attestream_tenant_pauses_total";
    /// Requests refused because their tenant is over its rate.
    RateRefused = "attestream_rate_refused_total";
    /// Control records that were dropped.
    ControlDropped = "attestream_control_dropped_total";
    /// Tries that failed because something could not be reached.
    Unreachable = "attestream_unreachable_total";
}

/// Bounds of a transaction's seconds: from a few milliseconds to the broker's transaction time-out.
const SECONDS: [f64; 14] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0];

/// Counts happenings.
pub struct Metrics {
    registry: Registry,
    /// Ends the instruments when it is dropped.
    _provider: SdkMeterProvider,
    instruments: Instruments,
}

struct Instruments {
    received: Counter<u64>,
    fates: Counter<u64>,
    verdicts: Counter<u64>,
    dead_letters: Counter<u64>,
    transaction_seconds: Histogram<f64>,
    commits: Counter<u64>,
    outputs: Counter<u64>,
    recoveries: Counter<u64>,
    rebalances: Counter<u64>,
    owned: Gauge<u64>,
    fold_position: Gauge<u64>,
    lag_records: Gauge<u64>,
    lag_seconds: Gauge<f64>,
    catch_up_records: Counter<u64>,
    catch_up_seconds: Histogram<f64>,
    snapshots: Counter<u64>,
    stopped: Counter<u64>,
    trust_root_age: Gauge<f64>,
    alarms: Counter<u64>,
    tenant_paused: Gauge<u64>,
    tenant_pauses: Counter<u64>,
    rate_refused: Counter<u64>,
    control_dropped: Counter<u64>,
    unreachable: Counter<u64>,
}

/// The metrics cannot be exported. A defect, not a setting.
#[derive(Debug, thiserror::Error)]
#[error("metrics: {0}")]
pub struct MetricsError(String);

impl Metrics {
    pub fn new() -> Result<Self, MetricsError> {
        let failed = |error: &dyn std::fmt::Display| MetricsError(error.to_string());
        let registry = Registry::new();
        let exporter = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            // Names are written out in full above.
            .without_counter_suffixes()
            .without_units()
            .without_target_info()
            .scope_info_enabled(false)
            .build()
            .map_err(|error| failed(&error))?;
        let provider = SdkMeterProvider::builder().with_reader(exporter).build();
        let instruments = Instruments::new(&provider.meter("attestream"));
        Ok(Metrics { registry, _provider: provider, instruments })
    }

    /// Prometheus' text form of everything that was counted.
    pub fn text(&self) -> Result<Vec<u8>, MetricsError> {
        let mut text = Vec::new();
        let encoded = TextEncoder::new().encode(&self.registry.gather(), &mut text);
        encoded.map_err(|error| MetricsError(error.to_string()))?;
        Ok(text)
    }
}

impl Instruments {
    fn new(meter: &Meter) -> Self {
        let counter = |metric: Metric| meter.u64_counter(metric.name()).with_description(metric.help()).build();
        let gauge = |metric: Metric| meter.u64_gauge(metric.name()).with_description(metric.help()).build();
        let seconds = |metric: Metric| {
            let bounds = SECONDS.to_vec();
            meter.f64_histogram(metric.name()).with_description(metric.help()).with_boundaries(bounds).build()
        };
        let (lag_seconds, age) = (Metric::LagSeconds, Metric::TrustRootAge);
        Instruments {
            received: counter(Metric::Received),
            fates: counter(Metric::Fates),
            verdicts: counter(Metric::Verdicts),
            dead_letters: counter(Metric::DeadLetters),
            transaction_seconds: seconds(Metric::TransactionSeconds),
            commits: counter(Metric::Commits),
            outputs: counter(Metric::Outputs),
            recoveries: counter(Metric::Recoveries),
            rebalances: counter(Metric::Rebalances),
            owned: gauge(Metric::Owned),
            fold_position: gauge(Metric::FoldPosition),
            lag_records: gauge(Metric::LagRecords),
            lag_seconds: meter.f64_gauge(lag_seconds.name()).with_description(lag_seconds.help()).build(),
            catch_up_records: counter(Metric::CatchUpRecords),
            catch_up_seconds: seconds(Metric::CatchUpSeconds),
            snapshots: counter(Metric::Snapshots),
            stopped: counter(Metric::Stopped),
            trust_root_age: meter.f64_gauge(age.name()).with_description(age.help()).build(),
            alarms: counter(Metric::Alarms),
            tenant_paused: gauge(Metric::TenantPaused),
            tenant_pauses: counter(Metric::TenantPauses),
            rate_refused: counter(Metric::RateRefused),
            control_dropped: counter(Metric::ControlDropped),
            unreachable: counter(Metric::Unreachable),
        }
    }
}

fn label(name: &'static str, value: &str) -> KeyValue {
    KeyValue::new(name, value.to_owned())
}

fn number(name: &'static str, value: u32) -> KeyValue {
    KeyValue::new(name, value.to_string())
}

/// Whole seconds are exact in a double for longer than any log lives; what is negative counts as none.
fn seconds(milliseconds: i64) -> f64 {
    std::time::Duration::from_millis(u64::try_from(milliseconds).unwrap_or(0)).as_secs_f64()
}

impl Observer for Metrics {
    fn happened(&self, happening: &Happening<'_>) {
        let to = &self.instruments;
        match happening {
            Happening::Passed { .. } | Happening::Notice { .. } => {}
            Happening::Received { role, topic, records } => {
                to.received.add(*records, &[label("role", role.as_str()), label("topic", &topic.to_string())]);
            }
            Happening::Fates { role, fate, records } => {
                to.fates.add(*records, &[label("role", role.as_str()), label("fate", fate)]);
            }
            Happening::Verdict { status, reason } => {
                to.verdicts.add(1, &[label("status", status), label("reason", reason.unwrap_or_default())]);
            }
            Happening::DeadLettered { topic, code, .. } => {
                to.dead_letters.add(1, &[label("topic", &topic.to_string()), label("code", code)]);
            }
            Happening::Committed { role, outputs, took, .. } => {
                let role = [label("role", role.as_str())];
                to.commits.add(1, &role);
                to.outputs.add(*outputs, &role);
                to.transaction_seconds.record(took.as_secs_f64(), &role);
            }
            Happening::Recovering { role, .. } => to.recoveries.add(1, &[label("role", role.as_str())]),
            Happening::Rebalanced { role, owned, lost } => {
                let role = label("role", role.as_str());
                to.rebalances.add(1, &[role.clone(), KeyValue::new("lost", *lost)]);
                to.owned.record(u64::try_from(*owned).unwrap_or(u64::MAX), &[role]);
            }
            Happening::Stopped { partition, code, .. } => {
                to.stopped.add(1, &[number("partition", *partition), label("code", code)]);
            }
            Happening::CaughtUp { partition, records, took } => {
                let partition = [number("partition", *partition)];
                to.catch_up_records.add(*records, &partition);
                to.catch_up_seconds.record(took.as_secs_f64(), &partition);
            }
            Happening::Folded { partition, seq } => to.fold_position.record(*seq, &[number("partition", *partition)]),
            Happening::Lag { role, topic, partition, records, milliseconds } => {
                let role = label("role", role.as_str());
                let of = [role, label("topic", &topic.to_string()), number("partition", *partition)];
                to.lag_records.record(*records, &of);
                to.lag_seconds.record(seconds(*milliseconds), &of);
            }
            Happening::TrustRootAge { milliseconds } => to.trust_root_age.record(seconds(*milliseconds), &[]),
            Happening::Alarm { alarm, origin } => to.alarms.add(1, &[label("alarm", alarm), label("origin", origin)]),
            Happening::Throttled { tenant, before, now, .. } => {
                let of = |why: &str| [label("tenant", tenant), label("why", why)];
                if let Some(before) = before {
                    to.tenant_paused.record(0, &of(before));
                }
                if let Some(now) = now {
                    to.tenant_paused.record(1, &of(now));
                    to.tenant_pauses.add(1, &of(now));
                }
            }
            Happening::RateRefused { tenant } => to.rate_refused.add(1, &[label("tenant", tenant)]),
            Happening::ControlDropped { why } => to.control_dropped.add(1, &[label("why", why)]),
            Happening::Unreachable { role, .. } => to.unreachable.add(1, &[label("role", role.as_str())]),
            Happening::Snapshot { partition, error, .. } => {
                let outcome = if error.is_none() { "taken" } else { "failed" };
                to.snapshots.add(1, &[number("partition", *partition), label("outcome", outcome)]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::event::{Tenant, Topic, TopicName};
    use crate::telemetry::Role;

    #[test]
    fn every_happening_is_counted_under_the_name_of_its_metric() {
        let metrics = Metrics::new().unwrap();
        let (role, took, topic) = (Role::Ledger, Duration::from_millis(3), Topic::Ledger.into());
        let own = TopicName::own(&Tenant::new("acme").unwrap(), Topic::SbomSubmitted);
        let (before, now) = (Some("rate"), Some("fold-lag"));
        let happenings = [
            Happening::Received { role, topic, records: 5 },
            Happening::Fates { role, fate: "published", records: 5 },
            Happening::Verdict { status: "failed", reason: Some("signature-invalid") },
            Happening::DeadLettered { topic: own, partition: 0, offset: 1, code: "json-syntax" },
            Happening::Committed { role, records: 5, outputs: 9, took },
            Happening::Recovering { role, why: "x" },
            Happening::Rebalanced { role, owned: 4, lost: false },
            Happening::Stopped { partition: 1, code: "state-ahead", seq: 3 },
            Happening::CaughtUp { partition: 1, records: 7, took },
            Happening::Folded { partition: 1, seq: 12 },
            Happening::Lag { role, topic, partition: 1, records: 2, milliseconds: 1500 },
            Happening::TrustRootAge { milliseconds: 86_400_000 },
            Happening::Alarm { alarm: "split-view", origin: "log.example" },
            Happening::Throttled { tenant: "acme", before, now, partitions: 4 },
            Happening::RateRefused { tenant: "acme" },
            Happening::ControlDropped { why: "x" },
            Happening::Unreachable { role, why: "x", retry: took },
            Happening::Snapshot { partition: 1, seq: 12, error: None },
        ];
        for happening in &happenings {
            metrics.happened(happening);
        }
        let text = String::from_utf8(metrics.text().unwrap()).unwrap();
        for metric in Metric::ALL {
            assert!(text.contains(&format!("# HELP {} ", metric.name())), "{} in\n{text}", metric.name());
        }
        let lines = [
            r#"attestream_fates_total{fate="published",role="ledger"} 5"#,
            r#"attestream_verdicts_total{reason="signature-invalid",status="failed"} 1"#,
            "attestream_trust_root_age_seconds 86400",
            r#"attestream_dead_letters_total{code="json-syntax",topic="acme.sbom.submitted"} 1"#,
            r#"attestream_tenant_paused{tenant="acme",why="rate"} 0"#,
            r#"attestream_tenant_paused{tenant="acme",why="fold-lag"} 1"#,
            r#"attestream_tenant_pauses_total{tenant="acme",why="fold-lag"} 1"#,
            r#"attestream_rate_refused_total{tenant="acme"} 1"#,
            r#"attestream_fold_position{partition="1"} 12"#,
            r#"attestream_lag_seconds{partition="1",role="ledger",topic="attestream.ledger"} 1.5"#,
            r#"attestream_transaction_duration_seconds_count{role="ledger"} 1"#,
        ];
        for line in lines {
            assert!(text.contains(line), "{line} in\n{text}");
        }
    }
}
