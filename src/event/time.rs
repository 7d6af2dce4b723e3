//! Times: whole milliseconds since 1970-01-01T00:00:00Z inside, RFC 3339 with `Z` outside. No clock is read here.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::text;

/// A moment, in milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Millis(pub i64);

impl Millis {
    /// RFC 3339 in UTC; whole seconds where there is no fraction, else three digits.
    pub fn rfc3339(self) -> String {
        let Ok(time) = jiff::Timestamp::from_millisecond(self.0) else { return String::from("9999-12-31T23:59:59Z") };
        if self.0.rem_euclid(1000) == 0 { format!("{time:.0}") } else { format!("{time:.3}") }
    }

    /// Reads RFC 3339 with any offset; finer fractions are cut.
    pub fn parse(text: &str) -> Option<Millis> {
        let time: jiff::Timestamp = text.parse().ok()?;
        Some(Millis(time.as_millisecond()))
    }

    pub const fn from_seconds(seconds: i64) -> Millis {
        Millis(seconds.saturating_mul(1000))
    }

    pub const fn plus(self, milliseconds: i64) -> Millis {
        Millis(self.0.saturating_add(milliseconds))
    }
}

/// Text where people read it, a number in our own rows.
impl Serialize for Millis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(&self.rfc3339())
        } else {
            serializer.serialize_i64(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Millis {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            text::read(deserializer, |text| Millis::parse(text).ok_or("not an RFC 3339 time"))
        } else {
            i64::deserialize(deserializer).map(Millis)
        }
    }
}
