//! What needs a process of its own: another number of cores, or memory that is nobody else's.

use std::process::{Command, Stdio};

use crate::Outcome;
use crate::options::Options;
use crate::report::Report;
use crate::{cores, flat};

/// Lets this program do `what` in a process of its own, and takes its figures.
pub fn ask(what: &str, options: &Options, report: &mut Report) -> Outcome<()> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["--child", what]).args(options.arguments()).stdin(Stdio::null()).stderr(Stdio::inherit());
    let output = command.output()?;
    if !output.status.success() {
        return Err(format!("the process for {what} ended with {}", output.status).into());
    }
    report.take(&output.stdout)
}

/// Does what was asked for, and tells the figures on standard output.
#[expect(clippy::print_stdout, reason = "the figures go to the process that asked")]
pub fn obey(what: &str, options: &Options) -> Outcome<()> {
    let mut report = Report::default();
    match what.split_once('-') {
        Some(("cores", count)) => cores::in_child(count.parse()?, options, &mut report)?,
        _ => flat::in_child(what, options, &mut report)?,
    }
    println!("{}", report.told());
    Ok(())
}
