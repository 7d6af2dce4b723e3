//! From arguments to a command.

use std::ffi::OsString;

use clap::Parser as _;

use super::args::{Command, Line, Trust};
use super::exit::{Exit, Failure};
use super::{out, trust, verify, verify_bundle};

/// Runs one command line.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let line = match Line::try_parse_from(arguments) {
        Ok(line) => line,
        Err(error) => {
            // Help and version are answers; everything else is a mistake.
            drop(error.print());
            return if error.use_stderr() { Exit::Usage } else { Exit::Done };
        }
    };
    match run(line.command) {
        Ok(exit) => exit,
        Err(failure) => {
            out::complain(&failure.message);
            failure.exit
        }
    }
}

fn run(command: Command) -> Result<Exit, Failure> {
    match command {
        #[cfg(all(feature = "kafka", feature = "rocks", feature = "http"))]
        Command::Up(up) => super::serve::up(up),
        #[cfg(all(feature = "kafka", feature = "rocks", feature = "http"))]
        Command::Run(run) => super::serve::run(run),
        #[cfg(all(feature = "kafka", feature = "rocks", feature = "http"))]
        Command::Ledger(super::args::Ledger::Init { configured }) => super::topics::init(&configured),
        #[cfg(all(feature = "kafka", feature = "rocks", feature = "http"))]
        Command::Topics(command) => super::topics::run(command),
        #[cfg(all(feature = "kafka", feature = "rocks", feature = "http"))]
        Command::Publish(publish) => super::publish::publish(&publish),
        #[cfg(all(feature = "kafka", feature = "rocks", feature = "http"))]
        Command::Tail(tail) => super::tail::tail(&tail),
        Command::Trust(Trust::Check { root, format, file }) => trust::check(&file, root.as_deref(), format),
        #[cfg(all(feature = "kafka", feature = "rocks", feature = "http"))]
        Command::Trust(Trust::Activate { reached, format, file }) => super::cluster::activate(&reached, &file, format),
        Command::Verify(asked) => verify::verify(&asked),
        Command::VerifyBundle(asked) => verify_bundle::verify_bundle(&asked),
    }
}
