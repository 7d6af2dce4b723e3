//! An instance whose clock is wrong.

use crate::chaos::child::Skew;
use crate::chaos::scene::{Scene, last};

const HOUR: i64 = 3_600_000;

/// Hours ahead, hours behind, years away, or jumping: time in the ledger is what records say, and ticks that are ahead of
/// the broker's clock are dropped.
pub fn skewed(scene: &mut Scene<'_>) -> String {
    let name = scene.any();
    let period_ms = 200 + i64::try_from(scene.random.below(800)).unwrap();
    let skews = [
        ("3 h ahead", Skew { ahead_ms: 3 * HOUR, ..Skew::default() }),
        ("3 h behind", Skew { ahead_ms: -3 * HOUR, ..Skew::default() }),
        ("30 years ahead", Skew { ahead_ms: 30 * 365 * 24 * HOUR, ..Skew::default() }),
        ("before 1970", Skew { ahead_ms: -60 * 365 * 24 * HOUR, ..Skew::default() }),
        ("jumping 2 h ahead", Skew { ahead_ms: 0, jump_ms: 2 * HOUR, period_ms }),
        ("jumping 2 h behind", Skew { ahead_ms: 0, jump_ms: -2 * HOUR, period_ms }),
        ("4 min ahead, below what is dropped", Skew { ahead_ms: 4 * 60_000, ..Skew::default() }),
    ];
    let (what, skew) = scene.random.pick(&skews);
    scene.kill(name);
    scene.start_with(name, |orders| orders.clock = skew);
    last(scene.random.millis(1_500, 3_500));
    scene.caught_up();
    scene.kill(name);
    scene.start(name);
    format!("{name} {what}")
}
