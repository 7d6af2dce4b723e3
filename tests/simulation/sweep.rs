//! Many seeds, each held to the invariants; what fails is printed with its last steps and the command that repeats it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::holes::{Hole, Tally};
use super::run::{Asked, Failure, Outcome, run};

/// Every so many seeds are run twice and must give the same bytes; judged by the whole oracle; and have the states that
/// lie behind looked at.
const TWICE: u64 = 16;
const WHOLE: u64 = 100;
const DEEP: u64 = 8;
/// Seeds after which a hole that nobody went through is a failure.
const ENOUGH: u64 = 100;
/// Seeds of an ordinary test run.
const SEEDS: u64 = 6;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

const fn asked(seed: u64) -> Asked {
    Asked {
        whole: seed.is_multiple_of(WHOLE),
        deep: seed.is_multiple_of(DEEP),
        fingerprint: seed % TWICE == 1,
        traced: false,
    }
}

/// Runs a seed as often as it is to be.
fn hold(seed: u64) -> Result<Tally, Failure> {
    let Outcome { mut tally, fingerprint } = run(seed, asked(seed))?;
    if let Some(first) = fingerprint {
        let second = run(seed, asked(seed))?.fingerprint;
        if second != Some(first) {
            let why = "the same seed gives other bytes the second time".to_owned();
            return Err(Failure { why, trace: Default::default() });
        }
        tally.twice += 1;
    }
    Ok(tally)
}

/// A failing seed's report: it runs again, with a trace.
fn report(seed: u64, failure: Failure) -> String {
    let again = run(seed, Asked { traced: true, ..asked(seed) });
    let (why, trace) = match again {
        Err(again) => (again.why, again.trace),
        Ok(_) => (format!("{} (and not again)", failure.why), failure.trace),
    };
    let steps: Vec<String> = trace.into_iter().collect();
    format!("seed {seed}: {why}\nits last steps:\n{}\nagain: make simulate SEEDS=1 FROM={seed}\n", steps.join("\n"))
}

/// The seeds from `from` on, over threads; stops at the first that fails.
fn sweep(from: u64, seeds: u64) -> Result<Tally, String> {
    let (next, failed) = (AtomicU64::new(from), AtomicBool::new(false));
    let total = Mutex::new(Tally::default());
    let problem = Mutex::new(None);
    let threads = std::thread::available_parallelism().map_or(1, |count| count.get().min(2));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                // What runs in parallel in a process runs in this thread alone here.
                let pool = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build().unwrap();
                while !failed.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= from + seeds {
                        break;
                    }
                    match hold(seed) {
                        Ok(tally) => total.lock().unwrap_or_else(PoisonError::into_inner).add(tally),
                        Err(failure) => {
                            failed.store(true, Ordering::Relaxed);
                            let text = report(seed, failure);
                            problem.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(text);
                        }
                    }
                }
                drop(pool);
            });
        }
    });
    match problem.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(problem) => Err(problem),
        None => Ok(total.into_inner().unwrap_or_else(PoisonError::into_inner)),
    }
}

#[test]
fn every_seed_holds() {
    let (from, seeds) = (number("ATTESTREAM_SEEDS_FROM").unwrap_or(1), number("ATTESTREAM_SEEDS").unwrap_or(SEEDS));
    let begun = std::time::Instant::now();
    let tally = sweep(from, seeds).unwrap_or_else(|problem| panic!("{problem}"));
    println!("{}", summary(from, &tally));
    println!("seen: {:?}", tally.seen);
    println!("died at: {:?}", tally.died_at);
    println!("{} seeds in {:?}", tally.seeds, begun.elapsed());
    assert_eq!(tally.seeds, seeds);
    assert!(tally.crashes >= 3 * seeds, "each seed crashes three times");
    assert!(tally.activations >= seeds, "each seed has an activation");
    assert!(tally.inputs >= 500 * seeds, "each seed has 500 inputs");
    if seeds >= ENOUGH {
        for hole in Hole::ALL {
            assert!(tally.holes.get(&hole).is_some_and(|times| *times > 0), "nothing went through {}", hole.name());
        }
    }
}

/// One line: the range, what happened, and the holes.
fn summary(from: u64, tally: &Tally) -> String {
    format!(
        "simulation: seeds {from} to {}, {} inputs, {} ledger records, {} crashes, {} activations, {} run twice, {} \
         judged whole: 0 failed; holes: {}",
        from + tally.seeds - 1,
        tally.inputs,
        tally.ledger,
        tally.crashes,
        tally.activations,
        tally.twice,
        tally.whole,
        tally.holes_line()
    )
}
