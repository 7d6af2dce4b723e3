//! The whole path, both stages, where the signatures of the attestations are remembered.
//!
//! The memory of signatures is bounded, so the inputs come in slices that fit into it: each is verified once beforehand,
//! which is not counted, then published, then both workers are started and drain it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use attestream::evidence::memo;
use attestream::telemetry::Observer;
use attestream::verdict::{self, AttestationStatus, CompiledTrust};
use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};

use super::feed::{Feed, Made, What, publish, shuffled};
use super::peer::Stretch;
use super::producer::Plain;
use super::site::Site;
use super::watch::Watch;
use super::workers::{Stages, Workers};
use crate::Outcome;

/// Both stages on a deployment, and how far its inputs go.
pub struct Path {
    site: Site,
    data: PathBuf,
    plain: Plain,
    pairs: usize,
    /// Signatures that were computed while slices were drained: they should all have been remembered.
    pub computed: u64,
}

impl Path {
    pub fn open(site: Site, data: PathBuf) -> Outcome<Self> {
        let plain = Plain::open(&site.brokers, 5)?;
        Ok(Path { site, data, plain, pairs: 0, computed: 0 })
    }

    /// Drains the next slices.
    pub fn run(&mut self, feed: &Feed, slices: usize, slice: usize) -> Outcome<Stretch> {
        let mut sum = Stretch { records: 0, cpu: Duration::ZERO, wall: Duration::ZERO };
        for _ in 0..slices {
            let one = self.slice(feed, slice)?;
            sum.records += one.records;
            sum.cpu += one.cpu;
            sum.wall += one.wall;
        }
        Ok(sum)
    }

    fn slice(&mut self, feed: &Feed, pairs: usize) -> Outcome<Stretch> {
        let inputs = feed.make_all(&shuffled(self.pairs, pairs))?;
        self.pairs += pairs;
        remember(feed, &inputs)?;
        publish(&self.plain, &self.site, &inputs)?;
        let before = computed();
        let stretch = self.drain(2 * pairs, Some(pairs))?;
        self.computed += computed().saturating_sub(before);
        Ok(stretch)
    }

    /// Starts both workers on what lies there; what they took from the first record to the last fate, joining the groups not
    /// counted.
    pub fn drain(&self, records: usize, verified: Option<usize>) -> Outcome<Stretch> {
        let watch = Arc::new(Watch::default());
        let observer = Arc::clone(&watch) as Arc<dyn Observer>;
        let workers = Workers::start(&self.site.log, "path", &self.data, Stages::Both, &observer)?;
        watch.wait_folded(u64::try_from(records)?)?;
        let spent = watch.start()?.spent()?;
        workers.stop()?;
        if let Some(verified) = verified {
            watch.all_verified(verified)?;
        }
        Ok(Stretch { records, cpu: spent.cpu, wall: spent.wall })
    }

    pub const fn site(&self) -> &Site {
        &self.site
    }

    pub const fn plain(&self) -> &Plain {
        &self.plain
    }

    pub fn close(self) -> Outcome<()> {
        self.site.close()
    }
}

/// Verifies every attestation once, so that its signature is known.
pub fn remember(feed: &Feed, inputs: &[Made]) -> Outcome<()> {
    let compiled: Vec<CompiledTrust> =
        feed.trust.iter().map(|trust| CompiledTrust::compile(trust, None)).collect::<Result<_, _>>()?;
    inputs.par_iter().try_for_each(|input| {
        let What::Attestation(number) = input.what else { return Ok(()) };
        let trust = compiled.get(number % compiled.len().max(1)).ok_or("a tenant")?;
        let parsed = verdict::parse(&input.value, &trust.own_types())?;
        let result = verdict::verify(&parsed, trust, feed.at);
        match result.status {
            AttestationStatus::Verified => Ok(()),
            _ => Err(format!("not verified: {:?}", result.reasons).into()),
        }
    })
}

/// Signatures that the threads of admission have computed.
fn computed() -> u64 {
    rayon::broadcast(|_| memo::counts().computed).into_iter().sum()
}
