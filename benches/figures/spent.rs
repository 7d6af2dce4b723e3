//! Wall and processor time of a stretch.

use std::time::{Duration, Instant};

use crate::Outcome;

/// What a stretch took. Processor time is that of all threads of this process, in steps of 10 ms.
#[derive(Debug, Clone, Copy)]
pub struct Spent {
    pub wall: Duration,
    pub cpu: Duration,
}

/// A moment from which to measure.
#[derive(Debug, Clone, Copy)]
pub struct Start {
    wall: Instant,
    cpu: Duration,
}

impl Start {
    pub fn now() -> Outcome<Self> {
        Ok(Start { cpu: cpu_of("self")?, wall: Instant::now() })
    }

    pub fn spent(self) -> Outcome<Spent> {
        Ok(Spent { wall: self.wall.elapsed(), cpu: cpu_of("self")?.saturating_sub(self.cpu) })
    }
}

/// Runs `work` and says what it took.
pub fn measure<T>(work: impl FnOnce() -> Outcome<T>) -> Outcome<(T, Spent)> {
    let start = Start::now()?;
    let done = work()?;
    Ok((done, start.spent()?))
}

/// User and system time of a process. The kernel gives them in hundredths of a second, whatever its own clock.
pub fn cpu_of(process: &str) -> Outcome<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name may hold anything, so fields are counted from the last parenthesis.
    let fields = stat.rsplit_once(") ").ok_or("/proc/…/stat has another form")?.1;
    let ticks = fields.split(' ').skip(11).take(2).map(str::parse::<u64>).sum::<Result<u64, _>>()?;
    Ok(Duration::from_millis(10 * ticks))
}
