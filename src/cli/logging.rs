//! Where log lines go: standard error, for a person on a terminal, as JSON otherwise.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// The variable that says what is logged, as `level` or `target=level` with commas.
const VARIABLE: &str = "ATTESTREAM_LOG";

/// Sets logging up for the process. `quiet`: warnings alone, where something else is being shown.
pub fn start(quiet: bool) {
    let default = if quiet { "error" } else { "info,librdkafka=error" };
    let filter = std::env::var(VARIABLE).ok().and_then(|text| EnvFilter::try_new(text).ok());
    let filter = filter.unwrap_or_else(|| EnvFilter::new(default));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let terminal = std::io::stderr().is_terminal();
    let started = if terminal {
        builder.with_ansi(true).with_target(false).try_init()
    } else {
        builder.json().flatten_event(true).with_target(false).try_init()
    };
    // It is set up already where several commands run in one process.
    drop(started);
}
