//! Admission and the whole path on one core, and on all: what a second one brings.

use attestream::admission::TrustTable;
use attestream::log::Outgoing;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use crate::Outcome;
use crate::admission::{admit_all, genesis};
use crate::child;
use crate::forget;
use crate::inputs::{Inputs, Make, Scheme};
use crate::options::Options;
use crate::report::{self, Report, Unit};
use crate::spent::{cores, keep_to, measure as spent};
use crate::whole::Plant;

/// The figure of documents and evidence through admission, as the worker does it: on all cores that there are.
pub fn admission(cores: usize) -> String {
    format!("{cores} core(s): admission, documents and evidence")
}

/// The figure of the same through both stages on the embedded log.
pub fn embedded(cores: usize) -> String {
    format!("{cores} core(s): embedded log")
}

pub fn measure(report: &mut Report, options: &Options) -> Outcome<()> {
    for round in 0..options.repetitions {
        report::progress(&format!("cores, round {} of {}", round + 1, options.repetitions));
        child::ask("cores-1", options, report)?;
        if cores()? > 1 {
            child::ask(&format!("cores-{}", cores()?), options, report)?;
        }
    }
    Ok(())
}

pub fn in_child(count: usize, options: &Options, report: &mut Report) -> Outcome<()> {
    // Before any other thread is started: they inherit it.
    keep_to(count)?;
    let (tenants, events, at) = (options.tenants, options.events, crate::whole::now());
    let inputs = Inputs::make(Make { scheme: Scheme::P256Logged, tenants, events, first: 0, at })?;
    let mut table = TrustTable::default();
    table.apply(&genesis(&inputs));
    let sent: Vec<&Outgoing> = inputs.pairs.iter().flat_map(|pair| [&pair.document, &pair.evidence]).collect();
    forget::everything();
    let (admitted, took) = spent(|| {
        let each = |sent: &&Outgoing| Ok(admit_all(&table, &inputs, &[sent])?.len());
        sent.par_iter().map(each).sum::<Outcome<usize>>()
    })?;
    if admitted != 2 * events {
        return Err(format!("{admitted} records of {events} events").into());
    }
    report.add(&admission(count), Unit::Event, events, took);
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let plant = Plant::local(dir.path(), &inputs)?;
    forget::everything();
    let took = plant.drain(&inputs.pairs)?;
    report.add(&embedded(count), Unit::Event, events, took);
    Ok(())
}
