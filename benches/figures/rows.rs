//! From figures to rows: what is set against what.

use crate::admission;
use crate::cores;
use crate::flat::Size;
use crate::inputs::Scheme;
use crate::keyless::Generation;
use crate::options::Options;
use crate::published::Published;
use crate::report::{Ratio, Report};
use crate::restore;
use crate::sigstore_go;
use crate::spent;
use crate::summary::Row;
use crate::verifier;

/// The rows of everything that runs without a broker.
pub fn add(report: &mut Report, options: &Options) {
    let rows = [
        admission_vs_signatures(report),
        embedded_vs_admission(report),
        redelivery_vs_first(report),
        keyless_vs_sigstore_verify(report),
        keyless_vs_sigstore_go(report, Generation::V1),
        keyless_vs_sigstore_go(report, Generation::V2),
        keyed_vs_sigstore_go(report),
        restore_rate(report),
        restore_rate_per_core(report),
        flat(report, options, "flat_10m_path", Size::path),
        flat(report, options, "flat_10m_ledger", Size::ledger),
        memory(report, options),
    ];
    rows.into_iter().flatten().for_each(|row| report.row(row));
}

/// The smallest of several ratios, all of which must reach the aim.
fn worst(ratios: &[Ratio]) -> Option<Ratio> {
    ratios.iter().copied().min_by(|a, b| a.ratio.total_cmp(&b.ratio))
}

fn admission_vs_signatures(report: &Report) -> Option<Row> {
    let (first, name) = (admission::first_seen(Scheme::P256Logged), Scheme::P256Logged.name());
    let signatures = verifier::signatures(name);
    let Ratio { ratio, runs } = report.ratio(&first, &signatures)?;
    let (verify, write) = (verifier::verify(name), format!("ledger record: write, attestation, {name}"));
    let micros = |figure: &str| report.micros(figure).unwrap_or(f64::NAN);
    let note = format!(
        "{:.0} µs against {:.0}; parse and verify alone {:.0}; writing the ledger record takes {:.0} more",
        micros(&first),
        micros(&signatures),
        micros(&verify),
        micros(&write),
    );
    Some(Row::reached("admission_vs_signatures", ratio, runs, note))
}

fn embedded_vs_admission(report: &Report) -> Option<Row> {
    let all = spent::cores().unwrap_or(1);
    let of = |cores: usize| report.wall_ratio(&cores::admission(cores), &cores::embedded(cores));
    let Ratio { ratio, runs } = worst(&[of(1)?, of(all)?])?;
    let rate = |figure: String| report.per_second(&figure).unwrap_or(f64::NAN);
    let said = |cores: usize| {
        let (admission, embedded) = (rate(cores::admission(cores)), rate(cores::embedded(cores)));
        format!("{cores} core(s): {embedded:.0} events/s, admission alone {admission:.0}")
    };
    let note = format!(
        "{}; {}; the path gains {:.2} times, admission {:.2}",
        said(1),
        said(all),
        rate(cores::embedded(all)) / rate(cores::embedded(1)),
        rate(cores::admission(all)) / rate(cores::admission(1)),
    );
    Some(Row::reached("embedded_vs_admission", ratio, runs, note))
}

fn redelivery_vs_first(report: &Report) -> Option<Row> {
    let scheme = Scheme::P256Logged;
    let Ratio { ratio, runs } = report.ratio(&admission::first_seen(scheme), &admission::again(scheme))?;
    let mut note = format!("admission of evidence, {}", scheme.name());
    let path = |name: &str| crate::whole::embedded(name);
    if let Some(whole) = report.ratio(&path(scheme.name()), &path(&format!("{}, again", scheme.name()))) {
        note += &format!("; the whole path {:.2}", whole.ratio);
    }
    for generation in Generation::ALL {
        let name = generation.distinct();
        let again = verifier::verify(&format!("again, {name}"));
        if let Some(keyless) = report.ratio(&verifier::verify(name), &again) {
            note += &format!("; parse and verify, {name} {:.2}", keyless.ratio);
        }
    }
    Some(Row::reached("redelivery_vs_first", ratio, runs, note))
}

fn keyless_vs_sigstore_verify(report: &Report) -> Option<Row> {
    let names = Generation::ALL.map(|generation| [generation.real(), generation.distinct()]);
    let of = |name: &&str| report.ratio(&verifier::theirs(name), &verifier::verify(name));
    let names = names.as_flattened();
    let ratios: Vec<Ratio> = names.iter().map(of).collect::<Option<_>>()?;
    let note: Vec<String> = names.iter().zip(&ratios).map(|(name, of)| format!("{name} {:.2}", of.ratio)).collect();
    let Ratio { ratio, runs } = worst(&ratios)?;
    Some(Row::reached("keyless_vs_sigstore_verify", ratio, runs, format!("the worst of: {}", note.join("; "))))
}

fn keyless_vs_sigstore_go(report: &Report, generation: Generation) -> Option<Row> {
    let (row, floors) = match generation {
        Generation::V1 => ("keyless_v1_vs_sigstore_go", 34.0),
        Generation::V2 => ("keyless_v2_vs_sigstore_go", 53.0),
    };
    let (real, distinct) = (generation.real(), generation.distinct());
    let cases = [real, distinct].map(|name| (name, sigstore_go::figure(name)));
    against_go(report, row, floors, &cases)
}

fn keyed_vs_sigstore_go(report: &Report) -> Option<Row> {
    let (real, distinct) = (Published::keyed_rekor().name, Scheme::P256Logged.name());
    // The peer's faster way: it need not read the predicate.
    let cases = [real, distinct].map(|name| (name, sigstore_go::figure(&sigstore_go::lean(name))));
    against_go(report, "keyed_rekor_vs_sigstore_go", 6.2, &cases)
}

/// The worst of two cases, each a name of ours and the peer's figure. `floors` is how many of its own bare verifications
/// the peer is known to take for the first; one that takes far more is not what it should be.
fn against_go(report: &Report, row: &'static str, floors: f64, cases: &[(&str, String); 2]) -> Option<Row> {
    if let Some(why) = report.skipped(sigstore_go::SECTION) {
        return Some(Row::missing(row, why));
    }
    if let Some((_, refused)) = cases.iter().find(|(_, peer)| report.skipped(peer).is_some()) {
        return Some(Row::missing(row, format!("{refused}: {}", report.skipped(refused).unwrap_or_default())));
    }
    let ratios: Vec<Ratio> =
        cases.iter().map(|(name, peer)| report.ratio(peer, &verifier::verify(name))).collect::<Option<_>>()?;
    let Ratio { ratio, runs } = worst(&ratios)?;
    let [(_, known), _] = cases;
    let took = report.ratio(known, sigstore_go::FLOOR)?.ratio;
    let said: Vec<String> = cases.iter().zip(&ratios).map(|(case, of)| format!("{} {:.2}", case.0, of.ratio)).collect();
    let note =
        format!("the worst of: {}; the peer takes {took:.1} of its verifications, known: {floors}", said.join("; "));
    let row = Row::reached(row, ratio, runs, note);
    // Below 85 % of the rate that is known, by its own floor in this run.
    Some(if took * 0.85 > floors {
        row.void("the peer runs more than 15 % below what it is known to reach")
    } else {
        row
    })
}

fn restore_rate(report: &Report) -> Option<Row> {
    let Ratio { ratio, runs } = report.ratio(restore::LIVE, restore::SILENT)?;
    let per_core = |figure: &str| 1e6 / report.micros(figure).unwrap_or(f64::NAN);
    let (live, silent) = (per_core(restore::LIVE), per_core(restore::SILENT));
    let note = format!(
        "{silent:.0} records per CPU-second, live {live:.0}; Kafka Streams restores raw puts: 270,000 a second"
    );
    Some(Row::reached("restore_rate", ratio, runs, note))
}

fn restore_rate_per_core(report: &Report) -> Option<Row> {
    let micros = report.micros(restore::SILENT)?;
    let runs = report.ratio(restore::LIVE, restore::SILENT)?.runs;
    let note = format!("{micros:.1} µs a record: read, parsed, folded, remembered");
    Some(Row::reached("restore_rate_per_core", 1e6 / micros, runs, note))
}

/// The empty state's cost against the large one's, by the clock and by processor time; the smaller counts.
fn flat(report: &Report, options: &Options, row: &'static str, figure: fn(Size) -> String) -> Option<Row> {
    let (empty, medium, large) = (figure(Size::Empty), figure(Size::Medium), figure(Size::Large));
    let both = |of: &str| worst(&[report.wall_ratio(&empty, of)?, report.ratio(&empty, of)?]);
    let Ratio { ratio, runs } = both(&large)?;
    let fact = |name: String| report.fact_of(&name).unwrap_or(f64::NAN);
    let mut note = format!(
        "with {} remembered events of 1 KiB, {:.0} MiB on disk; with {} of 4 to 16 KiB {:.2}, {:.0} MiB",
        Size::Large.events(options),
        fact(Size::Large.disk()),
        Size::Medium.events(options),
        both(&medium)?.ratio,
        fact(Size::Medium.disk()),
    );
    if let Some(again) = report.micros(&Size::Large.again()) {
        note += &format!("; a remembered one again {again:.1} µs");
    }
    Some(only_large(Row::reached(row, ratio, runs, note), options))
}

fn memory(report: &Report, options: &Options) -> Option<Row> {
    let mib = report.fact_of(&Size::Large.resident())?;
    let at = |size: Size| report.fact_of(&size.resident()).unwrap_or(f64::NAN);
    let note = format!(
        "the most that was resident: {mib:.0} MiB; with 1 M events or fewer {:.0}, with none {:.0}",
        at(Size::Medium),
        at(Size::Empty)
    );
    Some(only_large(Row::reached("memory_10m", mib / 1024.0, options.repetitions, note), options))
}

/// A row about ten millions that were fewer says nothing.
fn only_large(row: Row, options: &Options) -> Row {
    let events = Size::Large.events(options);
    if events >= 10_000_000 { row } else { row.void(&format!("only {events} events were remembered")) }
}
