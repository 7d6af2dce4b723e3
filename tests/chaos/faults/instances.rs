//! Instances that die, or sleep for too long.

use std::time::{Duration, Instant};

use attestream::telemetry::{Point, Role};

use crate::chaos::child::die;
use crate::chaos::scene::{PATIENCE, SESSION, Scene, last};

/// Longer than a transaction may stay open, with the broker's own rounds of looking.
const EXPIRY: Duration = Duration::from_millis(16_500);

/// kill -9 at a point of either role, or somewhere between.
pub fn killed(scene: &mut Scene<'_>) -> String {
    let name = scene.any();
    if scene.random.below(4) == 0 {
        scene.kill(name);
        scene.start(name);
        return format!("{name} anywhere");
    }
    let admission = Point::ALL.into_iter().filter(|point| *point < Point::Remembered).map(|p| (Role::Admission, p));
    let points: Vec<(Role, Point)> = admission.chain(Point::ALL.into_iter().map(|p| (Role::Ledger, p))).collect();
    let (role, point) = scene.random.pick(&points);
    let nth = if point == Point::Snapshotted { 1 } else { 1 + scene.random.below(4) };
    let after_us = if point == Point::Committing { scene.random.below(1_500) } else { 0 };
    scene.kill(name);
    scene.start_with(name, |orders| orders.die = Some(die(role, point, nth, after_us)));
    scene.instance(name).wait_dead();
    scene.start(name);
    format!("{name} at {} {nth} of {}", point.as_str(), role.as_str())
}

/// SIGSTOP past the session: the other takes over, and the sleeper's commits are refused.
pub fn asleep(scene: &mut Scene<'_>) -> String {
    let name = scene.any();
    let time = SESSION + scene.random.millis(200, 3_000);
    scene.instance(name).signal("-STOP");
    last(time);
    scene.instance(name).signal("-CONT");
    format!("{name} for {} ms", time.as_millis())
}

/// SIGSTOP with a transaction open, until the broker has aborted it; then it wants to commit.
pub fn expired(scene: &mut Scene<'_>) -> String {
    let name = scene.any();
    let role = scene.random.pick(&[Role::Admission, Role::Ledger]);
    let (point, after_us) = scene.random.pick(&[(Point::OffsetsAdded, 0), (Point::Appended, 3_000)]);
    let nth = 1 + scene.random.below(3);
    scene.kill(name);
    scene.start_with(name, |orders| {
        let mut sleep = die(role, point, nth, after_us);
        sleep.sleep = true;
        orders.die = Some(sleep);
    });
    let pid = scene.instance(name).0.id();
    let begun = Instant::now();
    while state_of(pid) != Some('T') {
        assert!(begun.elapsed() < PATIENCE, "{name} never reached the point at which it was to sleep");
        last(Duration::from_millis(20));
    }
    last(EXPIRY);
    scene.instance(name).signal("-CONT");
    format!("{name} at {} {nth} of {}", point.as_str(), role.as_str())
}

/// The letter that the kernel has for what a process does; `None` when it is gone.
pub fn state_of(pid: u32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit(") ").next()?.chars().next()
}
