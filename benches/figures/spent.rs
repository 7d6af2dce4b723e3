//! Wall and processor time of a stretch, and on how many cores it ran.

use std::time::{Duration, Instant};

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};

use crate::Outcome;

/// What a stretch took. Processor time is that of all threads of this process, user and system.
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
        Ok(Start { cpu: own_cpu()?, wall: Instant::now() })
    }

    pub fn spent(self) -> Outcome<Spent> {
        Ok(Spent { wall: self.wall.elapsed(), cpu: own_cpu()?.saturating_sub(self.cpu) })
    }
}

/// Runs `work` and says what it took.
pub fn measure<T>(work: impl FnOnce() -> Outcome<T>) -> Outcome<(T, Spent)> {
    let start = Start::now()?;
    let done = work()?;
    Ok((done, start.spent()?))
}

/// Processor time of this process so far, to the nanosecond.
fn own_cpu() -> Outcome<Duration> {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Ok(Duration::new(u64::try_from(time.tv_sec)?, u32::try_from(time.tv_nsec)?))
}

/// User and system time of another process. The kernel gives them in hundredths of a second, whatever its own clock.
pub fn cpu_of(process: &str) -> Outcome<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name may hold anything, so fields are counted from the last parenthesis.
    let fields = stat.rsplit_once(") ").ok_or("/proc/…/stat has another form")?.1;
    let ticks = fields.split(' ').skip(11).take(2).map(str::parse::<u64>).sum::<Result<u64, _>>()?;
    Ok(Duration::from_millis(10 * ticks))
}

/// Cores that this process may use.
pub fn cores() -> Outcome<usize> {
    Ok(std::thread::available_parallelism()?.get())
}

/// From now on this thread, and every one that it starts, runs on the first `count` cores that it may use.
pub fn keep_to(count: usize) -> Outcome<()> {
    let allowed = sched_getaffinity(None)?;
    let mut kept = CpuSet::new();
    for core in (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core)).take(count) {
        kept.set(core);
    }
    Ok(sched_setaffinity(None, &kept)?)
}

/// One of the sizes that the kernel tells of this process, such as `VmHWM`, in bytes.
pub fn memory(name: &str) -> Outcome<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kib = line.and_then(|rest| rest.trim().strip_suffix(" kB")).ok_or("the kernel tells no such size")?;
    Ok(1024 * kib.trim().parse::<u64>()?)
}
