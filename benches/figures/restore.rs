//! The silent fold beside the live ledger stage: the same records, first folded and published, then the state is lost and
//! folded again up to where the group stands.

use attestream::rocks::StateIdentity;

use crate::Outcome;
use crate::flat::remembered::{Remembered, Shape};
use crate::report::{Report, Unit};
use crate::whole::{LEDGER, Plant};

pub const LIVE: &str = "ledger stage: live";
pub const SILENT: &str = "ledger stage: silent (restore)";

/// `events` documents of about 4 KiB, each with its attestation behind it.
pub fn measure(report: &mut Report, tenants: usize, events: usize) -> Outcome<()> {
    let shape = Shape { tenants, components: [20, 20], attested_every: 1 };
    let remembered = Remembered::new(shape, crate::whole::now())?;
    let ledger = remembered.records(0..u64::try_from(events)?)?;
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let plant = Plant::local(dir.path(), remembered.inputs())?;
    let took = plant.drain_ledger(&ledger)?;
    report.add(LIVE, Unit::Record, ledger.len(), took);
    let lived = crate::flat::state::hash(&plant.state(), &identity())?;
    std::fs::remove_dir_all(plant.state())?;
    let (folded, took) = plant.bring_up()?;
    report.add(SILENT, Unit::Record, usize::try_from(folded)?, took);
    if folded < u64::try_from(ledger.len())? || crate::flat::state::hash(&plant.state(), &identity())? != lived {
        return Err(format!("{folded} records give another state than live").into());
    }
    Ok(())
}

/// Whose state it is.
pub fn identity() -> StateIdentity {
    StateIdentity { ledger: LEDGER.to_owned(), partition: 0 }
}
