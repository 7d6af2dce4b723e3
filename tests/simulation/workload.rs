//! What a seed sends, in which order, and what each document comes to in the end.

use std::collections::BTreeMap;

use attestream::event::{Digest, Millis, Tenant, Topic, partition_of};
use attestream::ledger::control::{ControlRecord, TrustRootBytes};
use attestream::ledger::output::Status;
use attestream::log::Outgoing;
use attestream::verdict::VERIFIER_EPOCH;
use attestream::verdict::tenant::TenantTrust;

use super::holes::{Hole, Tally};
use super::numbers::Numbers;
use super::pool::{Documented, Drawn, POOL, Pooled, bare_input, bare_sbom, digest_of, large_input, unfit_input};
use crate::spine::feed::Expected;
use crate::spine::plant::control_input;

/// Numbers of partitions; other topics have one.
pub const COUNTS: &[(Topic, u32)] = &[
    (Topic::Ledger, 3),
    (Topic::SbomSubmitted, 3),
    (Topic::AttestationPublished, 2),
    (Topic::Enriched, 2),
    (Topic::Verified, 2),
];

/// Least inputs of a seed.
pub const INPUTS: usize = 500;

/// A producer's or an operator's record.
pub enum Sent {
    Input(Outgoing),
    Control(Outgoing),
}

/// The end of one document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    pub status: Status,
    pub reason: Option<&'static str>,
    /// The evidence inputs without which it cannot be verified: one of them is enough.
    pub evidence: Vec<Digest>,
}

pub struct Workload {
    pub tenants: Vec<TenantTrust>,
    pub root: Option<TrustRootBytes>,
    pub epoch: u32,
    pub sent: Vec<Sent>,
    /// By tenant and document.
    pub ends: BTreeMap<(Tenant, Digest), End>,
    pub dead_letters: u64,
    /// The fold of the first binaries panics on the poisoned record.
    pub defective: bool,
    /// What it is, for whoever reads of its failure.
    pub about: String,
}

/// How a tenant's key comes and goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Course {
    Always,
    Late,
    Gap,
    Gone,
}

impl Workload {
    pub fn of(numbers: &mut Numbers, tally: &mut Tally) -> Self {
        let pool = &*POOL;
        let mut chosen: Vec<&Pooled> = pool.tenants.iter().collect();
        while chosen.len() > 3 && numbers.one_in(2) {
            chosen.remove(numbers.index(chosen.len()));
        }
        let mut courses: Vec<Course> = chosen.iter().map(|_| course(numbers)).collect();
        if courses.iter().all(|course| *course == Course::Always) {
            let turned = numbers.index(courses.len());
            courses[turned] = numbers.pick(&[Course::Late, Course::Gap, Course::Gone]);
        }
        let mut draft = Draft { spread: numbers.pick(&[1, 20, 120, 600]), ..Draft::default() };
        let share = INPUTS.div_ceil(chosen.len());
        for (pooled, course) in chosen.iter().zip(&courses) {
            draft.tenant(pooled, *course, share, numbers, tally);
        }
        let defective = draft.extras(&chosen, numbers, tally);
        let (root, epoch) = draft.trust(&chosen, &courses, numbers, tally);
        let with = |(pooled, course): (&&Pooled, &Course)| match course {
            Course::Late => pooled.no_trust.clone(),
            _ => pooled.trust.clone(),
        };
        let tenants = chosen.iter().zip(&courses).map(with).collect();
        let names: Vec<&str> = chosen.iter().map(|pooled| pooled.tenant.as_str()).collect();
        let born = root.as_ref().map_or("none", |root| if *root == pool.root { "whole" } else { "first" });
        let about = format!("tenants {names:?}, keys {courses:?}, root {born}, epoch {epoch}, defective {defective}");
        draft.sent.sort_by_key(|(place, _)| *place);
        let sent: Vec<Sent> = draft.sent.into_iter().map(|(_, sent)| sent).collect();
        Workload { tenants, root, epoch, sent, ends: draft.ends, dead_letters: draft.dead_letters, defective, about }
    }
}

fn course(numbers: &mut Numbers) -> Course {
    numbers.pick(&[Course::Always, Course::Always, Course::Late, Course::Gap, Course::Gone])
}

/// What is to be sent, each with its place in the order.
#[derive(Default)]
struct Draft {
    sent: Vec<(u64, Sent)>,
    ends: BTreeMap<(Tenant, Digest), End>,
    dead_letters: u64,
    /// How far an input may be late.
    spread: u64,
}

impl Draft {
    fn input(&mut self, place: u64, mut input: Outgoing, numbers: &mut Numbers, tally: &mut Tally) {
        let count = COUNTS.iter().find(|(topic, _)| *topic == input.topic).map_or(1, |(_, count)| *count);
        let ours = partition_of(input.key.as_deref().unwrap_or_default(), count);
        if numbers.one_in(8) && count > 1 {
            // A producer with another partitioner.
            let other = (ours + 1) % count;
            input.partition = Some(other);
            tally.hole(Hole::Partitioner);
        }
        self.sent.push((place, Sent::Input(input)));
    }

    fn tenant(&mut self, pooled: &Pooled, course: Course, share: usize, numbers: &mut Numbers, tally: &mut Tally) {
        let mut at = numbers.index(pooled.made.len());
        let mut sent = 0;
        while sent < share {
            let made = &pooled.made[at % pooled.made.len()];
            at += 1;
            let begin = numbers.below(1_000);
            let mut delivered = Vec::new();
            for drawn in &made.inputs {
                // A producer's batch is lost, or sent again.
                if numbers.one_in(40) {
                    tally.saw("lost inputs");
                    continue;
                }
                let times = if numbers.one_in(20) { 2 } else { 1 };
                for _ in 0..times {
                    let place = begin + numbers.below(self.spread);
                    self.input(place, drawn.input.clone(), numbers, tally);
                    sent += 1;
                }
                delivered.push(drawn);
            }
            self.expect(pooled, course, made, &delivered);
        }
    }

    /// The document's end, if it was sent at all.
    fn expect(&mut self, pooled: &Pooled, course: Course, made: &Documented, delivered: &[&Drawn]) {
        let inside = made.inputs.iter().all(|drawn| drawn.is_evidence);
        let came = delivered.iter().any(|drawn| inside || !drawn.is_evidence);
        if !came {
            return;
        }
        let evidence: Vec<Digest> =
            delivered.iter().filter(|drawn| drawn.is_evidence).map(|drawn| drawn.digest).collect();
        let (status, reason) = match &made.expected {
            _ if evidence.is_empty() => (Status::Missing, None),
            Expected::Missing => (Status::Missing, None),
            _ if course == Course::Gone => (Status::KeyPolicyMismatch, Some("key-unknown")),
            Expected::Verified => (Status::Verified, None),
            Expected::Refused("key-unknown") => (Status::KeyPolicyMismatch, Some("key-unknown")),
            Expected::Refused(code) => (Status::Failed, Some(*code)),
        };
        // Evidence that is wrong proves nothing at any time.
        let evidence = if made.expected == Expected::Verified { evidence } else { Vec::new() };
        self.ends.insert((pooled.tenant.clone(), made.document), End { status, reason, evidence });
    }

    /// Garbage, what is too large, and, in some seeds, a record on which the fold panics.
    fn extras(&mut self, chosen: &[&Pooled], numbers: &mut Numbers, tally: &mut Tally) -> bool {
        for pooled in chosen {
            for input in &pooled.garbage {
                self.dead_letters += 1;
                self.input(numbers.below(1_000), input.clone(), numbers, tally);
            }
        }
        let shared: Vec<&&Pooled> = chosen.iter().filter(|pooled| !pooled.own).collect();
        let tenant = &shared[numbers.index(shared.len())].tenant;
        let mark = 1 + numbers.below(1_000_000);
        if numbers.one_in(4) {
            let input = large_input(tenant, mark);
            self.missing(tenant, &input);
            self.input(numbers.below(1_000), input, numbers, tally);
        }
        if numbers.one_in(4) {
            self.dead_letters += 1;
            self.input(numbers.below(1_000), unfit_input(tenant, mark), numbers, tally);
        }
        let defective = numbers.one_in(4);
        if defective {
            let input = bare_input(tenant, "poison", bare_sbom(mark + 1_000_000, 100));
            self.missing(tenant, &input);
            self.input(numbers.below(1_000), input, numbers, tally);
        }
        defective
    }

    fn missing(&mut self, tenant: &Tenant, input: &Outgoing) {
        let end = End { status: Status::Missing, reason: None, evidence: Vec::new() };
        self.ends.insert((tenant.clone(), digest_of(input)), end);
    }

    fn control(&mut self, place: u64, record: &ControlRecord) {
        self.sent.push((place, Sent::Control(control_input(record))));
    }

    /// Keys, roots and epochs that come and go in mid-stream. Returns the root and the epoch of the beginning.
    fn trust(
        &mut self,
        chosen: &[&Pooled],
        courses: &[Course],
        numbers: &mut Numbers,
        tally: &mut Tally,
    ) -> (Option<TrustRootBytes>, u32) {
        let before = self.sent.len();
        for (pooled, course) in chosen.iter().zip(courses) {
            let (first, second) = (numbers.between(100, 500), numbers.between(501, 1_000));
            let with = ControlRecord::Tenant(Box::new(pooled.trust.clone()));
            let without = ControlRecord::Tenant(Box::new(pooled.no_trust.clone()));
            match course {
                Course::Always => {}
                Course::Late => self.control(first, &with),
                Course::Gap => {
                    self.control(first, &without);
                    self.control(second, &with);
                }
                Course::Gone => self.control(second, &without),
            }
        }
        let pool = &*POOL;
        let root = match numbers.below(5) {
            0 => {
                self.control(numbers.between(100, 900), &ControlRecord::Root(pool.root.clone()));
                None
            }
            1 => {
                self.control(numbers.between(100, 900), &ControlRecord::Root(pool.root.clone()));
                Some(pool.first_root.clone())
            }
            _ => Some(pool.root.clone()),
        };
        let late_epoch = numbers.one_in(5);
        if late_epoch {
            self.control(numbers.between(100, 900), &ControlRecord::Epoch { epoch: VERIFIER_EPOCH });
        }
        tally.activations += u64::try_from(self.sent.len() - before).unwrap();
        if numbers.one_in(3) {
            // What an operator may get wrong: a tick from the future, and what is no control record.
            self.control(numbers.below(1_000), &ControlRecord::Tick { at: Millis(4_000_000_000_000) });
            let garbage = Outgoing { value: Some(b"{}".to_vec()), ..control_input(&ControlRecord::Epoch { epoch: 0 }) };
            self.sent.push((numbers.below(1_000), Sent::Control(garbage)));
            tally.saw("garbage on control");
        }
        (root, if late_epoch { VERIFIER_EPOCH - 1 } else { VERIFIER_EPOCH })
    }
}
