//! Figures of the pipeline's parts and of the whole, with bare signature verification and peers measured beside them in
//! the same run, and a row for each aim. `benches/README.md` says how each is measured and what may not be concluded.

mod admission;
mod broker;
mod child;
mod cores;
mod flat;
mod floor;
mod fold;
mod forget;
mod inputs;
mod kafka;
mod keyless;
mod options;
mod published;
mod report;
mod restore;
mod rows;
mod sigstore_go;
mod spent;
mod summary;
mod verifier;
mod watch;
mod whole;

use inputs::{Inputs, Make, Scheme};
use keyless::{Bundles, Generation};
use options::Options;
use published::Published;
use report::Report;
use sigstore_go::Peer;

/// A benchmark that fails says why and ends: nothing here is handled.
pub type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> Outcome<()> {
    if let Some(orders) = kafka::child::orders()? {
        return kafka::child::obey(&orders);
    }
    let options = Options::read(std::env::args().skip(1))?;
    if let Some(what) = &options.child {
        return child::obey(what, &options);
    }
    let mut report = Report::default();
    // A run that breaks off must not leave what looks like its result.
    report::forget(&options)?;
    let made = Made::of(&options)?;
    let peer = made.peer(&options, &mut report);
    // Whatever else the machine does falls on all figures alike: each round measures every one of them.
    for round in 0..options.repetitions {
        report::progress(&format!("round {} of {}", round + 1, options.repetitions));
        made.measure(&options, &mut report)?;
        if let Some(peer) = &peer {
            peer.measure(&mut report)?;
        }
    }
    // What took hours is not thrown away because one section fails.
    let mut failed = Vec::new();
    for (section, measure) in sections() {
        if !options.wants(section) {
            continue;
        }
        if let Err(error) = measure(&mut report, &made, &options) {
            report.skip(section, &error.to_string());
            failed.push(section);
        }
    }
    kafka::measure(&mut report, &options)?;
    rows::add(&mut report, &options);
    report.print(&options);
    report.write(&options)?;
    if failed.is_empty() { Ok(()) } else { Err(format!("not measured: {}", failed.join(", ")).into()) }
}

type Section = fn(&mut Report, &Made, &Options) -> Outcome<()>;

/// What is measured in processes and rounds of its own.
fn sections() -> [(&'static str, Section); 3] {
    [
        ("cores", |report, _, options| cores::measure(report, options)),
        ("flat", |report, _, options| flat::measure(report, options)),
        ("kafka", |report, made, options| broker::measure(report, &made.keyed, options.repetitions)),
    ]
}

/// Everything that the rounds take in.
struct Made {
    ed25519: Inputs,
    keyed: Inputs,
    edwards_logged: Inputs,
    logged: Inputs,
    distinct: Vec<Bundles>,
}

impl Made {
    fn of(options: &Options) -> Outcome<Self> {
        let (tenants, events, at) = (options.tenants, options.events, whole::now());
        let make = |scheme| Inputs::make(Make { scheme, tenants, events, first: 0, at });
        let distinct = Generation::ALL.map(|generation| Bundles::distinct(generation, events.div_ceil(4) + 1, at));
        Ok(Made {
            ed25519: make(Scheme::Ed25519)?,
            keyed: make(Scheme::P256)?,
            edwards_logged: make(Scheme::Ed25519Logged)?,
            logged: make(Scheme::P256Logged)?,
            distinct: distinct.into_iter().collect::<Outcome<_>>()?,
        })
    }

    /// The peer in Go; without it its rows say why.
    fn peer(&self, options: &Options, report: &mut Report) -> Option<Peer> {
        if !options.wants(sigstore_go::SECTION) {
            return None;
        }
        match Peer::prepare(&self.distinct, &self.logged, options.events) {
            Ok(peer) => Some(peer),
            Err(problem) => {
                report.skip(sigstore_go::SECTION, &problem.to_string());
                None
            }
        }
    }

    /// One round.
    fn measure(&self, options: &Options, report: &mut Report) -> Outcome<()> {
        if options.wants("floor") {
            floor::measure(report, options.events)?;
        }
        if options.wants("verifier") || options.wants(sigstore_go::SECTION) {
            for inputs in [&self.edwards_logged, &self.logged] {
                verifier::keyed(report, inputs)?;
            }
            Published::keyed_rekor().measure(report, options.events.div_ceil(4))?;
            keyless::measure(report, &self.distinct, options.events)?;
        }
        if options.wants("admission") {
            for inputs in [&self.ed25519, &self.keyed, &self.logged] {
                admission::measure(report, inputs)?;
            }
        }
        if options.wants("fold") {
            fold::measure(report, &self.keyed)?;
        }
        if options.wants("restore") {
            restore::measure(report, options.tenants, 5 * options.events)?;
        }
        if options.wants("local") {
            whole::local(report, &self.keyed)?;
            whole::local(report, &self.logged)?;
        }
        Ok(())
    }
}
