//! What a command came to, as the shell sees it.

use std::process::ExitCode;

/// Exit codes: stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Done,
    /// It was done, and the answer is no.
    Failed,
    /// The command line or the configuration is wrong.
    Usage,
    /// Neither yes nor no; nothing was found.
    Indeterminate,
    /// A file, the network or the log failed.
    Io,
}

impl Exit {
    pub const fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Indeterminate => 3,
            Exit::Io => 4,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.code())
    }
}

/// A command that ends with a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub exit: Exit,
    pub message: String,
}

impl Failure {
    pub fn new(exit: Exit, message: impl std::fmt::Display) -> Self {
        Failure { exit, message: message.to_string() }
    }

    pub fn io(message: impl std::fmt::Display) -> Self {
        Failure::new(Exit::Io, message)
    }
}

impl From<crate::settings::SettingsError> for Failure {
    fn from(error: crate::settings::SettingsError) -> Self {
        Failure::new(Exit::Usage, error)
    }
}

impl From<crate::log::LogError> for Failure {
    fn from(error: crate::log::LogError) -> Self {
        let exit = match error {
            crate::log::LogError::Configuration(_) => Exit::Usage,
            _ => Exit::Io,
        };
        Failure::new(exit, error)
    }
}
