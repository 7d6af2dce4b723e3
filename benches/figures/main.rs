//! First figures of the pipeline's parts and of the whole, with bare signature verification measured beside them in
//! the same run. `benches/README.md` says how each is measured and what may not be concluded.

mod admission;
mod broker;
mod floor;
mod fold;
mod inputs;
mod options;
mod report;
mod spent;
mod verifier;
mod whole;

use inputs::{Inputs, Scheme};
use options::Options;
use report::Report;

/// A benchmark that fails says why and ends: nothing here is handled.
pub type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> Outcome<()> {
    let options = Options::read(std::env::args().skip(1))?;
    let mut report = Report::default();
    let at = whole::now();
    let made = |scheme| Inputs::make(scheme, options.events, at);
    let (ed25519, keyed, logged) = (made(Scheme::Ed25519)?, made(Scheme::P256)?, made(Scheme::P256Logged)?);
    let edwards = made(Scheme::Ed25519Logged)?;
    // Whatever else the machine does falls on all figures alike: each round measures every one of them.
    for round in 0..options.repetitions {
        report::progress(&format!("round {} of {}", round + 1, options.repetitions));
        if options.wants("floor") {
            floor::measure(&mut report, options.events)?;
        }
        if options.wants("verifier") {
            for inputs in [&edwards, &logged] {
                verifier::keyed(&mut report, inputs)?;
            }
            verifier::keyless(&mut report, options.events)?;
        }
        if options.wants("admission") {
            for inputs in [&ed25519, &keyed, &logged] {
                admission::measure(&mut report, inputs)?;
            }
        }
        if options.wants("fold") {
            fold::measure(&mut report, &keyed)?;
        }
        if options.wants("local") {
            whole::local(&mut report, &keyed)?;
            whole::local(&mut report, &logged)?;
        }
    }
    if options.wants("kafka") {
        broker::measure(&mut report, &keyed, options.repetitions)?;
    }
    report.print(&options);
    report.write(&options)
}
