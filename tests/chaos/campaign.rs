//! Faults in turn over all kinds, on one cluster, under live traffic. The oracle judges after each handful.
//!
//! `ATTESTREAM_FAULTS` says how many, `ATTESTREAM_FAULTS_FROM` at which number to begin, `ATTESTREAM_FAULTS_KIND` that
//! only one kind is wanted, `ATTESTREAM_FAULTS_RECORD` where a row is appended, for the commit in
//! `ATTESTREAM_FAULTS_COMMIT`. What a number does depends on the number alone; when exactly it strikes, on the machine.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use super::faults::{Kind, Struck};
use super::ground::Ground;
use super::is_campaign;
use super::report::{Line, Report};
use super::scene::{NAMES, PATIENCE, Random, Scene};
use super::tally::Tally;

/// Faults between two judgements: each kind once.
const HANDFUL: u64 = Kind::ALL.len() as u64;
/// Handfuls that one cluster lives through.
const LIVES: u64 = 8;

fn ordered(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

fn kind_of(number: u64) -> Kind {
    let only = std::env::var("ATTESTREAM_FAULTS_KIND").unwrap_or_default();
    let in_turn = Kind::ALL[usize::try_from(number % HANDFUL).unwrap()];
    Kind::ALL.into_iter().find(|kind| kind.as_str() == only).unwrap_or(in_turn)
}

#[test]
fn faults_of_every_kind_cost_nothing_but_time() {
    let (from, count) =
        (ordered("ATTESTREAM_FAULTS_FROM").unwrap_or(0), ordered("ATTESTREAM_FAULTS").unwrap_or(HANDFUL));
    let numbers: Vec<u64> = (from..from + count).collect();
    let mut report = Report::default();
    let begun = Instant::now();
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let handful = usize::try_from(HANDFUL).unwrap();
        for life in numbers.chunks(handful * usize::try_from(LIVES).unwrap()) {
            let Some(ground) = Ground::open() else { return };
            ground.tell();
            for numbers in life.chunks(handful) {
                live_through(&ground, numbers, &mut report);
            }
        }
    }));
    if outcome.is_err() {
        report.failed("not judged", Tally::default());
    }
    let said = if outcome.is_ok() { "passed" } else { "FAILED" };
    println!("chaos: {}; {said} after {} s", report.summary(), begun.elapsed().as_secs());
    // Where no broker could be started, nothing was struck and there is nothing to record.
    let struck = report.faults() > 0 || outcome.is_err();
    if let Some(path) = std::env::var_os("ATTESTREAM_FAULTS_RECORD").filter(|_| struck) {
        let commit = std::env::var("ATTESTREAM_FAULTS_COMMIT").unwrap_or_default();
        report.append(Path::new(&path), &commit, said);
    }
    if let Err(panic) = outcome {
        resume_unwind(panic);
    }
}

/// A handful of faults on a ledger of its own, then the oracle.
fn live_through(ground: &Ground, numbers: &[u64], report: &mut Report) {
    let pace = Duration::from_millis(if is_campaign() { 60 } else { 150 });
    let began = Instant::now();
    let mut scene = Scene::open(ground, numbers[0], pace);
    eprintln!("chaos: a scene stands after {:.1} s", began.elapsed().as_secs_f64());
    let lived = catch_unwind(AssertUnwindSafe(|| strike_all(&mut scene, numbers, report)));
    if let Err(panic) = lived {
        println!("chaos: what is committed by then: {} (lost: not done yet)", Tally::of(&scene.site.log));
        resume_unwind(panic);
    }
    let began = Instant::now();
    ground.cluster.await_whole(PATIENCE);
    let tally = Tally::of(&scene.site.log);
    if tally.lost + tally.doubled + tally.out_of_order > 0 {
        report.failed(&tally.to_string(), tally);
        panic!("{tally}");
    }
    let judgement = catch_unwind(AssertUnwindSafe(|| scene.judge()));
    let judgement = match judgement {
        Ok(judgement) => judgement,
        Err(panic) => {
            for name in NAMES {
                println!("notes of {name}:\n{}", scene.notes(name, 0));
            }
            resume_unwind(panic)
        }
    };
    assert!(judgement.ledger > 0 && judgement.dead_lettered > 0);
    report.judged(tally);
    eprintln!("chaos: judged after {:.1} s", began.elapsed().as_secs_f64());
    scene.close();
}

fn strike_all(scene: &mut Scene<'_>, numbers: &[u64], report: &mut Report) {
    let mut sent = 0;
    for (at, number) in numbers.iter().enumerate() {
        let (kind, seed) = (kind_of(*number), Random(*number).seed());
        scene.random = Random(seed);
        let began = Instant::now();
        let Struck { what, met } = kind.strike(scene);
        scene.caught_up();
        let records = scene.sent() - sent;
        sent += records;
        report.survived(Line { number: *number, kind, seed, records, took: began.elapsed(), what, struck: met });
        life_of_trust(scene, at);
    }
    // Every tenant's key is in force in the end, whatever happened on the way.
    for tenant in [1, 5] {
        scene.trust(tenant, true);
    }
    let began = Instant::now();
    scene.settle();
    eprintln!("chaos: settled after {:.1} s", began.elapsed().as_secs_f64());
}

/// Between faults keys come and go: the last tenant's comes late, and the second's goes and comes back.
fn life_of_trust(scene: &Scene<'_>, at: usize) {
    match at {
        1 => scene.trust(5, true),
        3 => scene.trust(1, false),
        6 => scene.trust(1, true),
        _ => {}
    }
}
