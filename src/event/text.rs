//! Values that are text in JSON, read where the text lies: copying it first is most of what reading costs.

use std::fmt::{self, Display};
use std::marker::PhantomData;

use serde::Deserializer;
use serde::de::{Error, Visitor};

struct Text<F, T>(F, PhantomData<T>);

impl<T, E: Display, F: FnOnce(&str) -> Result<T, E>> Visitor<'_> for Text<F, T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text")
    }

    fn visit_str<V: Error>(self, text: &str) -> Result<T, V> {
        (self.0)(text).map_err(V::custom)
    }
}

/// Reads text as `read` does.
pub fn read<'de, D: Deserializer<'de>, T, E: Display>(
    deserializer: D,
    read: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, D::Error> {
    deserializer.deserialize_str(Text(read, PhantomData))
}

/// The same where there may be none.
pub fn read_optional<'de, D: Deserializer<'de>, T, E: Display>(
    deserializer: D,
    read: impl FnOnce(&str) -> Result<T, E>,
) -> Result<Option<T>, D::Error> {
    deserializer.deserialize_option(Optional(Text(read, PhantomData)))
}

struct Optional<F, T>(Text<F, T>);

impl<'de, T, E: Display, F: FnOnce(&str) -> Result<T, E>> Visitor<'de> for Optional<F, T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text or nothing")
    }

    fn visit_none<V: Error>(self) -> Result<Option<T>, V> {
        Ok(None)
    }

    fn visit_unit<V: Error>(self) -> Result<Option<T>, V> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<T>, D::Error> {
        deserializer.deserialize_str(self.0).map(Some)
    }
}

struct Bytes<F, T>(F, PhantomData<T>);

impl<T, E: Display, F: FnOnce(&[u8]) -> Result<T, E>> Visitor<'_> for Bytes<F, T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_bytes<V: Error>(self, bytes: &[u8]) -> Result<T, V> {
        (self.0)(bytes).map_err(V::custom)
    }
}

/// Reads bytes as `read` does, in a form that has them.
pub fn read_bytes<'de, D: Deserializer<'de>, T, E: Display>(
    deserializer: D,
    read: impl FnOnce(&[u8]) -> Result<T, E>,
) -> Result<T, D::Error> {
    deserializer.deserialize_bytes(Bytes(read, PhantomData))
}
