//! What a tenant may send.

use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

use super::limits;

/// A tenant's limits; what is absent is limited by the system's own (`limits.rs`) alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Quota {
    /// Largest value of a record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record_bytes: Option<NonZeroU64>,
    /// Records, and bytes of their keys, values and headers, that are taken per second in the long run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records_per_second: Option<NonZeroU64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_per_second: Option<NonZeroU64>,
    /// How many records the tenant's ledger partition may lie behind before its own topics wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fold_lag_records: Option<NonZeroU64>,
}

impl Quota {
    pub fn is_none(&self) -> bool {
        *self == Quota::default()
    }

    /// Whether a value of this size may be sent.
    pub fn admits(&self, size: usize) -> bool {
        self.record_bytes.is_none_or(|most| u64::try_from(size).unwrap_or(u64::MAX) <= most.get())
    }

    pub fn fold_lag_max(&self) -> u64 {
        self.fold_lag_records.map_or(limits::FOLD_LAG_MAX, NonZeroU64::get)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_of_nothing_is_refused_and_none_takes_everything() {
        assert!(serde_json::from_str::<Quota>(r#"{"recordBytes":0}"#).is_err());
        assert!(serde_json::from_str::<Quota>(r#"{"recordsPerSecond":-1}"#).is_err());
        assert!(serde_json::from_str::<Quota>(r#"{"records":1}"#).is_err());
        let none: Quota = serde_json::from_str("{}").unwrap();
        assert!(none.is_none() && none.admits(usize::MAX));
        let ten: Quota = serde_json::from_str(r#"{"recordBytes":10}"#).unwrap();
        assert!(!ten.is_none() && ten.admits(10) && !ten.admits(11));
        assert_eq!(serde_json::to_string(&ten).unwrap(), r#"{"recordBytes":10}"#);
    }
}
