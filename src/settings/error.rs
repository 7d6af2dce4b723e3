//! What is wrong with the configuration.

use std::fmt;

/// A start that is refused, and where to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsError {
    /// The file, or `environment`.
    pub place: String,
    /// The field's path, or the variable; empty where the file as a whole is meant.
    pub field: String,
    /// What is wrong, and what was expected.
    pub problem: String,
}

impl SettingsError {
    pub fn new(place: impl Into<String>, field: impl Into<String>, problem: impl Into<String>) -> Self {
        SettingsError { place: place.into(), field: field.into(), problem: problem.into() }
    }

    /// The same error of a field that lies below `parent`.
    pub(super) fn below(mut self, parent: &str) -> Self {
        let own = std::mem::take(&mut self.field);
        self.field = match own.as_str() {
            "" | "." => parent.to_owned(),
            own => format!("{parent}.{own}"),
        };
        self
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SettingsError { place, field, problem } = self;
        if field.is_empty() { write!(f, "{place}: {problem}") } else { write!(f, "{place}: {field}: {problem}") }
    }
}

impl std::error::Error for SettingsError {}
