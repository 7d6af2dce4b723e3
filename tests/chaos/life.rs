//! The life of trust, under live traffic and kill -9 in mid-sweep: a newer verifier's epoch comes into force, a key goes and
//! comes back, a trust root comes and is replaced, a key comes at last. Exactly what rests on it changes, once, in order.
//! `ATTESTREAM_SWEEP` sets how many attestations one key has made.

use std::collections::{BTreeMap, BTreeSet};

use attestream::event::{Digest, Millis, Topic};
use attestream::ledger::control::ControlRecord;
use attestream::ledger::output::{Published, Status};
use attestream::ledger::record::Work;
use attestream::telemetry::{Point, Role};
use attestream::verdict::VERIFIER_EPOCH;

use super::child::die;
use super::site::Site;
use crate::broker;
use crate::spine::feed::{Expected, Producer};
use crate::spine::plant;

/// Status and gravest reason, as readers saw them follow each other.
type Path = Vec<(Status, Option<String>)>;

fn turned(code: &str) -> (Status, Option<String>) {
    (Status::KeyPolicyMismatch, Some(code.to_owned()))
}

#[test]
fn trust_that_comes_and_goes_turns_exactly_what_rests_on_it() {
    let Some(cluster) = broker::shared() else { return };
    let attestations: usize = std::env::var("ATTESTREAM_SWEEP").ok().and_then(|text| text.parse().ok()).unwrap_or(300);
    let start = Millis(1_750_000_000_000);
    // One by key alone, two by key and each in a log of its own; the last waits for its key.
    let producers = vec![
        Producer::new("by-key", 1, start),
        Producer::new("left-log", 2, start).logging(),
        Producer::new("right-log", 3, start).logging(),
        Producer::new("last", 4, start),
    ];
    // Born under an older verifier: what this one finds waits for its epoch.
    let mut site = Site::of(cluster, producers, VERIFIER_EPOCH - 1);
    site.snapshot_every = site.snapshot_every.max(u64::try_from(attestations / 5).unwrap());
    for (at, documents) in
        [attestations, attestations / 10, attestations / 10, attestations / 10].into_iter().enumerate()
    {
        for already in (0..documents.max(60)).step_by(400) {
            site.feed_one(at, 400.min(documents.max(60) - already));
        }
    }
    let one = site.start("one", None);
    plant::settle_but_control(&site.log, &site.orders("judge", None).settings());
    drop(one);
    let fed: Vec<usize> = site.made.iter().map(Vec::len).collect();

    let root =
        |site: &Site, of: usize| ControlRecord::Root(plant::root_of(std::iter::once(&site.producers[of].authority)));
    let steps = [
        ControlRecord::Epoch { epoch: VERIFIER_EPOCH },
        ControlRecord::Tenant(Box::new(site.producers[0].no_trust())),
        root(&site, 1),
        ControlRecord::Tenant(Box::new(site.producers[0].trust())),
        root(&site, 2),
        ControlRecord::Tenant(Box::new(site.producers[3].trust())),
    ];
    let mut kills = 0;
    for (step, nth) in steps.iter().zip([4, 3, 4, 3, 5, 3]) {
        plant::control(&site.log, step);
        let mut instance = site.start("one", Some(die(Role::Ledger, Point::Committed, nth, 0)));
        while instance.0.try_wait().unwrap().is_none() {
            site.feed(1);
            std::thread::park_timeout(std::time::Duration::from_millis(50));
        }
        kills += 1;
        // The next step finds this one done: each is seen by itself.
        let one = site.start("one", None);
        plant::settle_but_control(&site.log, &site.orders("judge", None).settings());
        drop(one);
    }
    site.judge(site.start("one", None), &["one"]);

    let paths = paths(&site);
    let mut looked_at = 0;
    for (at, expected) in [
        vec![(Status::Verified, None), turned("key-unknown"), (Status::Verified, None)],
        vec![turned("trust-root-missing"), (Status::Verified, None), turned("log-unknown")],
        vec![turned("trust-root-missing"), turned("log-unknown"), (Status::Verified, None)],
        vec![turned("key-unknown"), (Status::Verified, None)],
    ]
    .into_iter()
    .enumerate()
    {
        for made in site.made[at][..fed[at]].iter().filter(|made| made.expected == Expected::Verified) {
            let path = &paths[&(site.producers[at].tenant.to_string(), Digest::of(&made.document))];
            // Nothing counted before the epoch, however the evidence came.
            assert_eq!(path[0], (Status::Missing, None));
            assert_eq!(path[1..], expected, "{} {:?}", site.producers[at].tenant, Digest::of(&made.document));
            looked_at += 1;
        }
    }
    asked_for_what_rests_on_it(&site, &fed);
    println!("life of trust: {attestations} attestations, {kills} kills in mid-sweep, {looked_at} verdicts looked at");
}

/// Every enriched record of each event, in order: nothing is published twice, so nothing is left out here either.
fn paths(site: &Site) -> BTreeMap<(String, Digest), Path> {
    let mut paths: BTreeMap<(String, Digest), Path> = BTreeMap::new();
    for record in plant::every(&site.log, Topic::Enriched) {
        let event: Published = serde_json::from_slice(record.value.as_deref().unwrap()).unwrap();
        let key = (event.tenant.to_string(), event.document.unwrap().digest);
        paths.entry(key).or_default().push((event.trust.status, event.trust.reasons.first().cloned()));
    }
    paths
}

/// A key that goes and comes back unchanged asks for nothing; a root asks once for what names a log, each time; a key that
/// was never there, once for what names it.
fn asked_for_what_rests_on_it(site: &Site, fed: &[usize]) {
    let mut asked: BTreeMap<Digest, usize> = BTreeMap::new();
    for record in plant::every(&site.log, Topic::Work) {
        let Work::Verify(work) = serde_json::from_slice(record.value.as_deref().unwrap()).unwrap();
        *asked.entry(work.attestation).or_default() += 1;
    }
    for (at, times) in [(0, 0), (1, 2), (2, 2), (3, 1)] {
        let inputs = site.made[at][..fed[at]].iter().filter(|made| made.expected == Expected::Verified);
        let evidence: BTreeSet<Digest> = inputs.flat_map(|made| made.evidence.iter().copied()).collect();
        for attestation in evidence {
            let asked = asked.get(&attestation).copied().unwrap_or(0);
            assert_eq!(asked, times, "asks for {attestation} of {}", site.producers[at].tenant);
        }
    }
}
