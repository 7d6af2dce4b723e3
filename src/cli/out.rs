//! Lines for a person or a program. Colour only where a person looks.

use std::io::{self, IsTerminal as _, Write as _};

/// How a command answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// Lines for a person.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    Green,
    Yellow,
    Red,
    Dim,
    #[cfg_attr(
        not(all(feature = "kafka", feature = "rocks", feature = "http")),
        expect(dead_code, reason = "the verify-only build has no headings")
    )]
    Bold,
}

/// Standard output.
#[derive(Debug, Clone, Copy)]
pub struct Out {
    coloured: bool,
}

impl Out {
    pub fn new() -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Out { coloured: io::stdout().is_terminal() && !refused }
    }

    /// Writes one line. Who has closed the pipe has read enough.
    pub fn line(&self, text: impl std::fmt::Display) {
        let mut stdout = io::stdout().lock();
        let written = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
        if written.is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
            std::process::exit(0);
        }
    }

    /// Writes an answer that the exit code gives too. A closed pipe changes nothing: who closes it early and looks at the
    /// exit code must not read `no` as `yes`.
    pub fn answer(&self, text: impl std::fmt::Display) {
        let mut stdout = io::stdout().lock();
        drop(writeln!(stdout, "{text}").and_then(|()| stdout.flush()));
    }

    pub fn paint(&self, colour: Colour, text: &str) -> String {
        let code = match colour {
            Colour::Green => "32",
            Colour::Yellow => "33",
            Colour::Red => "31",
            Colour::Dim => "2",
            Colour::Bold => "1",
        };
        if self.coloured { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// A message on standard error: what is not the answer itself.
pub fn complain(text: impl std::fmt::Display) {
    // Where not even this can be written, the exit code still tells.
    drop(writeln!(io::stderr().lock(), "attestream: {text}"));
}

/// Text of others without what a terminal would obey.
pub fn tame(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
