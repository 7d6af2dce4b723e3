//! A stable code where it is read again: what this binary knows is shared, what a newer one wrote is kept as it is.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::ops::Deref;
use std::sync::LazyLock;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Reason;
use super::check::CheckName;
use crate::event::text;

/// The code of a check, or of a reason or note that a check gives. Each result has a score of them, and each is read,
/// remembered and published many times: those that are known cost nothing to copy.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(Cow<'static, str>);

static KNOWN: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let checks = CheckName::ALL.iter().map(|name| name.code());
    checks.chain(Reason::all().map(Reason::code)).collect()
});

impl From<&'static str> for Code {
    fn from(code: &'static str) -> Self {
        Code(Cow::Borrowed(code))
    }
}

impl Code {
    /// The code that `text` is.
    pub fn read(text: &str) -> Self {
        Code(KNOWN.get(text).map_or_else(|| Cow::Owned(text.to_owned()), |known| Cow::Borrowed(*known)))
    }
}

impl Deref for Code {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for Code {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for Code {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text::read(deserializer, |text| Ok::<_, &str>(Code::read(text)))
    }
}
