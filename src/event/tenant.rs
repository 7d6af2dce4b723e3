//! The isolation boundary: present on every record, row, key and query.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A tenant's name: 1 to 63 of `a-z 0-9 . _ -`, beginning with a letter or a digit. The name never contains `/`, so
/// `{tenant}/…` splits in one way only.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tenant(Arc<str>);

/// Text that is not a tenant's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a tenant is 1 to 63 of a-z, 0-9, '.', '_' and '-', beginning with a letter or digit")]
pub struct NotATenant;

impl Tenant {
    pub fn new(name: &str) -> Result<Self, NotATenant> {
        let first = name.bytes().next().ok_or(NotATenant)?;
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let fits = name.len() <= 63 && plain(first) && name.bytes().all(|b| plain(b) || b"._-".contains(&b));
        if fits { Ok(Tenant(name.into())) } else { Err(NotATenant) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Tenant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Tenant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        super::text::read(deserializer, Tenant::new)
    }
}
