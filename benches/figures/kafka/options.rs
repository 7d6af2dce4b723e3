//! How much the sections on a broker measure.

use crate::Outcome;

/// Counts of the sections on a broker. The defaults are those of a full run.
#[derive(Debug, Clone)]
pub struct KafkaOptions {
    /// Repetitions of everything that is compared with a peer.
    pub runs: usize,
    /// Events of the join, and as many attestations.
    pub pairs: usize,
    /// Events of one slice of the whole path: their signatures are all remembered at once.
    pub slice: usize,
    /// Slices of one run of the whole path.
    pub slices: usize,
    /// How often a slice is delivered again for the comparison with the copy.
    pub again: usize,
    /// For how long latency is measured at each rate.
    pub seconds: usize,
    /// Remembered events at which an instance is killed.
    pub killed_at: Vec<usize>,
    /// Kills at each of them.
    pub kills: usize,
    /// Partitions of inputs, ledger and outputs.
    pub partitions: u32,
}

impl Default for KafkaOptions {
    fn default() -> Self {
        KafkaOptions {
            runs: 3,
            pairs: 400_000,
            slice: 12_000,
            slices: 8,
            again: 5,
            seconds: 20,
            killed_at: vec![400_000, 10_000_000],
            kills: 5,
            partitions: 4,
        }
    }
}

impl KafkaOptions {
    /// Everything small: to see that it works, not to conclude from.
    pub fn quick() -> Self {
        KafkaOptions {
            runs: 1,
            pairs: 20_000,
            slice: 4_000,
            slices: 2,
            again: 2,
            seconds: 4,
            killed_at: vec![10_000, 20_000],
            kills: 2,
            ..KafkaOptions::default()
        }
    }

    /// Takes an argument that is one of its own.
    pub fn take(&mut self, argument: &str, value: &mut dyn FnMut() -> Result<String, String>) -> Outcome<bool> {
        match argument {
            "--runs" => self.runs = value()?.parse()?,
            "--pairs" => self.pairs = value()?.parse()?,
            "--slice" => self.slice = value()?.parse()?,
            "--slices" => self.slices = value()?.parse()?,
            "--again" => self.again = value()?.parse()?,
            "--seconds" => self.seconds = value()?.parse()?,
            "--kills" => self.kills = value()?.parse()?,
            "--partitions" => self.partitions = value()?.parse()?,
            "--killed-at" => {
                self.killed_at = value()?.split(',').map(str::parse).collect::<Result<_, _>>()?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}
