//! Brokers that die or freeze when it matters.

use std::time::{Duration, Instant};

use attestream::event::Topic;
use attestream::telemetry::{Point, Role};

use super::instances::state_of;
use crate::chaos::child::die;
use crate::chaos::scene::{PATIENCE, Scene, last};

/// kill -9 of the broker that leads or coordinates, by an instance in the middle of its commit.
pub fn killed_in_commit(scene: &mut Scene<'_>) -> String {
    let name = scene.any();
    let role = scene.random.pick(&[Role::Admission, Role::Ledger]);
    let (what, node) = of_weight(scene, name, role);
    let pid = scene.ground.cluster.pid(node);
    let (nth, after_us) = (2 + scene.random.below(4), scene.random.below(1_500));
    let point = scene.random.pick(&[Point::Committing, Point::Committing, Point::Appended, Point::OffsetsAdded]);
    scene.kill(name);
    scene.start_with(name, |orders| {
        let mut strike = die(role, point, nth, after_us);
        strike.whom = Some(pid);
        orders.die = Some(strike);
    });
    let begun = Instant::now();
    while !matches!(state_of(u32::try_from(pid).unwrap()), None | Some('Z')) {
        assert!(begun.elapsed() < PATIENCE, "{name} never reached the point at which it was to kill broker {node}");
        last(Duration::from_millis(10));
    }
    let down = scene.random.millis(0, 2_500);
    last(down);
    scene.ground.cluster.restart(node);
    scene.ground.cluster.await_whole(PATIENCE);
    format!("broker {node}, {what}, by {name} at {} of {} + {after_us} us", point.as_str(), role.as_str())
}

/// A broker that a commit of this role needs, and why.
fn of_weight(scene: &mut Scene<'_>, name: &str, role: Role) -> (&'static str, u32) {
    let (cluster, prefix) = (&scene.ground.cluster, scene.site.prefix.clone());
    let settings = scene.orders(name).settings();
    let begun = Instant::now();
    loop {
        let (what, node) = match scene.random.below(4) {
            0 => {
                let group = format!("{prefix}{}", settings.group(role));
                ("coordinator of the group", cluster.coordinator_of_group(&group))
            }
            1 => {
                let id = format!("{prefix}{}", settings.transactional_id(role));
                ("coordinator of the transaction", cluster.coordinator_of_transactions(&id))
            }
            2 => {
                let number = i32::try_from(scene.random.below(4)).unwrap();
                ("leader of a ledger partition", cluster.leader(&format!("{prefix}{}", Topic::Ledger), number))
            }
            _ => ("leader of an output", cluster.leader(&format!("{prefix}{}", Topic::Enriched), 0)),
        };
        if let Some(node) = node {
            return (what, node);
        }
        assert!(begun.elapsed() < PATIENCE, "nobody is {what}");
    }
}

/// A broker that stops and goes on, past its own session or not: it may still believe that it leads.
pub fn frozen(scene: &mut Scene<'_>) -> String {
    let cluster = &scene.ground.cluster;
    let node = 1 + u32::try_from(scene.random.below(3)).unwrap();
    let time = scene.random.millis(500, 7_000);
    cluster.pause(node);
    last(time);
    cluster.resume(node);
    cluster.await_whole(PATIENCE);
    format!("broker {node} for {} ms", time.as_millis())
}
