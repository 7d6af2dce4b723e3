//! A key under many events is removed under live traffic, with kill -9 in mid-sweep. `ATTESTREAM_SWEEP` sets how many.

use attestream::ledger::control::ControlRecord;
use attestream::ledger::output::Status;
use attestream::telemetry::{Point, Role};

use super::child::die;
use super::site::Site;
use crate::broker;
use crate::spine::plant;

#[test]
fn a_large_sweep_under_live_traffic_survives_kill_9() {
    let Some(cluster) = broker::shared() else { return };
    let events: u64 = std::env::var("ATTESTREAM_SWEEP").ok().and_then(|text| text.parse().ok()).unwrap_or(400);
    let mut site = Site::open(cluster, 2);
    site.snapshot_every = site.snapshot_every.max(events / 5);
    for _ in 0..events / 100 {
        site.feed(100);
    }
    let one = site.start("one", None);
    plant::settle_but_control(&site.log, &site.orders("judge", None).settings());
    drop(one);
    let first = &site.producers[0];
    plant::control(&site.log, &ControlRecord::Tenant(Box::new(first.no_trust())));
    let mut kills = 0;
    for nth in [3, 5, 4] {
        let mut instance = site.start("one", Some(die(Role::Ledger, Point::Committed, nth, 0)));
        while instance.0.try_wait().unwrap().is_none() {
            site.feed(1);
            std::thread::park_timeout(std::time::Duration::from_millis(50));
        }
        kills += 1;
    }
    site.activate();
    let judgement = site.judge(site.start("one", None), &["one"]);
    let tenant = &site.producers[0].tenant;
    let of_first: Vec<_> = judgement.events.values().filter(|event| event.tenant == *tenant).collect();
    assert!(of_first.len() >= usize::try_from(events).unwrap());
    for event in of_first {
        let expected = if event.provenance.dsse.is_some() { Status::KeyPolicyMismatch } else { Status::Missing };
        assert_eq!(event.trust.status, expected, "{}", event.id);
    }
    let other = &site.producers[1].tenant;
    let verified = judgement.events.values().filter(|e| e.tenant == *other && e.trust.verified).count();
    assert!(verified > usize::try_from(events / 3).unwrap(), "the other tenant's key came, and is in force");
    println!("sweep: {events} documents of two tenants, {kills} kills in mid-sweep");
}
