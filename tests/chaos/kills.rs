//! kill -9 at every named point of either role, between them a stream with late and forged evidence, an activation and
//! ticks; and instances that come, go and sleep. Nothing is lost, doubled or out of order.

use std::time::Duration;

use attestream::telemetry::{Point, Role};

use super::child::die;
use super::site::Site;
use super::{is_long, rounds};
use crate::broker;
use crate::spine::oracle::Judgement;

fn all_end_as_expected(site: &Site, judgement: &Judgement) {
    for (producer, made) in site.producers.iter().zip(&site.made) {
        judgement.ends_as_expected(&producer.tenant, made);
    }
}

#[test]
fn kill_9_at_every_point_of_either_role() {
    kill_9_at_every_point(8);
}

#[test]
fn kill_9_at_every_point_with_one_tenant_alone() {
    kill_9_at_every_point(1);
}

fn kill_9_at_every_point(tenants: u64) {
    let Some(cluster) = broker::shared() else { return };
    let mut site = Site::open(cluster, tenants);
    let admission = Point::ALL.into_iter().filter(|point| *point < Point::Remembered).map(|p| (Role::Admission, p));
    let mut points: Vec<(Role, Point)> = admission.chain(Point::ALL.into_iter().map(|p| (Role::Ledger, p))).collect();
    if !is_long() && tenants == 1 {
        points = points.into_iter().step_by(3).collect();
    }
    let fed = if is_long() { 320 / tenants } else { 32 / tenants };
    let mut kills = 0;
    for round in 0..rounds() {
        for (at, (role, point)) in points.iter().enumerate() {
            let at = u64::try_from(at).unwrap();
            let after_us = if *point == Point::Committing { 200 + 150 * (round + at) % 1_500 } else { 0 };
            let least = if is_long() { 3 } else { 1 };
            let nth = if *point == Point::Snapshotted { 1 } else { least + (round + at) % 3 };
            let mut instance = site.start("one", Some(die(*role, *point, nth, after_us)));
            site.feed(fed);
            if round == 0 && at == 3 {
                site.activate();
            }
            // What was fed may be too little to bring it to its point: more comes until it is dead.
            while instance.0.try_wait().unwrap().is_none() {
                site.feed(if is_long() { 20 } else { 1 });
                std::thread::park_timeout(Duration::from_millis(200));
            }
            instance.wait_dead();
            kills += 1;
        }
    }
    let judgement = site.judge(site.start("one", None), &["one"]);
    all_end_as_expected(&site, &judgement);
    println!(
        "chaos: {tenants} tenants, {kills} kills, {} ledger records, {} admitted, {} dead-lettered: 0 lost, 0 doubled, \
         0 out of order",
        judgement.ledger, judgement.admitted, judgement.dead_lettered
    );
}

#[test]
fn a_broker_that_dies_under_load_costs_nothing_but_time() {
    let Some(cluster) = broker::Own::start(1) else { return };
    let mut site = Site::open(&cluster, 3);
    let one = site.start("one", None);
    for round in 0..rounds() + 1 {
        site.feed(8);
        std::thread::park_timeout(Duration::from_millis(700 + 300 * round));
        cluster.kill(1);
        std::thread::park_timeout(Duration::from_millis(500));
        cluster.restart(1);
        site.feed(8);
        if round == 0 {
            site.activate();
        }
    }
    let judgement = site.judge(one, &["one"]);
    all_end_as_expected(&site, &judgement);
}

#[test]
fn instances_join_leave_and_sleep_under_load() {
    let Some(cluster) = broker::shared() else { return };
    let mut site = Site::open(cluster, 4);
    let one = site.start("one", None);
    for round in 0..(2 * rounds()) {
        site.feed(6);
        let two = site.start("two", None);
        site.feed(6);
        std::thread::park_timeout(Duration::from_millis(1_500));
        site.feed(6);
        if round == 0 {
            site.activate();
        }
        // The first sleeps past its session: the second takes its partitions, and the first's commits are refused.
        one.signal("-STOP");
        std::thread::park_timeout(Duration::from_millis(5_000));
        site.feed(6);
        one.signal("-CONT");
        std::thread::park_timeout(Duration::from_millis(1_000));
        drop(two);
    }
    let judgement = site.judge(one, &["one", "two"]);
    all_end_as_expected(&site, &judgement);
}
