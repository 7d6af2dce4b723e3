//! The ledger stage, and the whole path, beside a Kafka Streams join of the same inputs on the same broker.

use std::collections::BTreeMap;
use std::path::Path as Folder;

use super::feed::{Feed, What, publish_to_peer, shuffled};
use super::interval::median;
use super::options::KafkaOptions;
use super::path::Path;
use super::peer::{Halves, Peer, Stretch};
use super::section::Bench;
use super::site::{Site, count, create, delete, reader_at_end};
use super::{floor, ledger};
use crate::Outcome;
use crate::report;
use crate::summary::Row;

/// Records per second of processor time that the peer reached on the machine of the stated figures: whole, and warm.
const STATED: [f64; 2] = [32_000.0, 39_000.0];

#[derive(Default)]
struct Samples {
    peer: Vec<Halves>,
    ledger: Vec<Halves>,
    path: Vec<Stretch>,
    slower: Vec<f64>,
    peer_mib: usize,
    computed: u64,
    sizes: [usize; 2],
}

/// Measures both rows; returns how long the peer took to its first output after it was killed with all of it remembered.
pub fn measure(rows: &mut Vec<Row>, bench: &Bench<'_>, data: &Folder) -> Outcome<Option<f64>> {
    let Bench { broker, options, tenants, stated } = *bench;
    let peer = match Peer::build(&broker.bootstrap, options.partitions) {
        Ok(peer) => peer,
        Err(problem) => {
            for row in ["ledger_vs_streams", "path_vs_streams"] {
                rows.push(Row::missing(row, format!("skipped: {problem}")));
            }
            return Ok(None);
        }
    };
    let feed = Feed::new(tenants, crate::whole::now())?;
    let site = Site::open(&broker.bootstrap, "l.", options.partitions, &feed)?;
    let topics = peer.inputs().map(|name| (name, options.partitions, BTreeMap::new()));
    create(&broker.bootstrap, &topics)?;
    let mut samples =
        Samples { sizes: ledger::prepare(&site, &peer, &feed, &shuffled(0, options.pairs))?, ..Samples::default() };
    let whole = Site::open(&broker.bootstrap, "w.", options.partitions, &feed)?;
    let mut path = Path::open(whole, data.join("path"))?;
    let mut restart = None;
    for run in 0..options.runs {
        report::progress(&format!("Kafka Streams, ledger and path, run {} of {}", run + 1, options.runs));
        samples.slower.push(floor::slower(stated)?);
        let last = run + 1 == options.runs;
        let again = last.then_some(&feed);
        restart =
            peer_run(&peer, &format!("peer-{run}"), &data.join(format!("peer-{run}")), options, again, &mut samples)?;
        let folder = data.join(format!("ledger-{run}"));
        samples.ledger.push(ledger::run(&site, &format!("ledger-{run}"), &folder, options.pairs)?);
        std::fs::remove_dir_all(folder)?;
        samples.path.push(path.run(&feed, options.slices, options.slice)?);
    }
    samples.computed = path.computed;
    reached(rows, &samples, options);
    path.close()?;
    site.close()?;
    delete(&broker.bootstrap, &peer.inputs())?;
    Ok(restart)
}

/// One run of the peer, from nothing; `again`: it is killed at the end, and started once more with a new pair to join.
fn peer_run(
    peer: &Peer,
    application: &str,
    state: &Folder,
    options: &KafkaOptions,
    again: Option<&Feed>,
    samples: &mut Samples,
) -> Outcome<Option<f64>> {
    let joined = Peer::joined(application);
    create(&peer.brokers, &[(joined.clone(), options.partitions, BTreeMap::new())])?;
    let mut process = peer.start(application, state)?;
    samples.peer.push(peer.wait(&mut process, application, 2 * options.pairs)?);
    samples.peer_mib = process.resident_mib()?;
    process.kill()?;
    let records = count(&peer.brokers, &joined, options.partitions)?;
    if records != options.pairs {
        return Err(format!("Kafka Streams joined {records} of {} pairs", options.pairs).into());
    }
    let mut restart = None;
    if let Some(feed) = again {
        let number = options.pairs;
        let reader = reader_at_end(&peer.brokers, &[joined], options.partitions)?;
        let made = feed.make_all(&[What::Document(number), What::Attestation(number)])?;
        publish_to_peer(peer, &made)?;
        let mut process = peer.start(application, state)?;
        restart = Some(process.first_output(&reader)?);
        process.kill()?;
    }
    std::fs::remove_dir_all(state)?;
    delete(&peer.brokers, &Peer::own_topics(application))?;
    Ok(restart)
}

fn reached(rows: &mut Vec<Row>, samples: &Samples, options: &KafkaOptions) {
    let of = |halves: &[Halves], of: fn(&Halves) -> f64| median(&halves.iter().map(of).collect::<Vec<_>>());
    let whole = |halves: &[Halves]| of(halves, |halves| halves.whole.per_core());
    let warm = |halves: &[Halves]| of(halves, |halves| halves.second.per_core());
    let slower = median(&samples.slower);
    let known = [whole(&samples.peer) * slower / STATED[0], warm(&samples.peer) * slower / STATED[1]];
    let (micros, wall) = (|rate: f64| 1e6 / rate, of(&samples.peer, |halves| halves.whole.per_second()));
    let [document, attestation] = samples.sizes;
    let peer = format!(
        "peer {:.0} and warm {:.0} a core-second ({:.1} and {:.1} µs; {:.0} % and {:.0} % of what is stated, at a floor \
         {slower:.2} times the stated one), {wall:.0}/s, {} MiB; {} events of {document} and attestations of \
         {attestation} bytes",
        whole(&samples.peer),
        warm(&samples.peer),
        micros(whole(&samples.peer)),
        micros(warm(&samples.peer)),
        known[0] * 100.0,
        known[1] * 100.0,
        samples.peer_mib,
        options.pairs,
    );
    let (runs, ledger) = (samples.peer.len(), whole(&samples.ledger));
    let note = format!(
        "ours {ledger:.0} a core-second ({:.1} µs), second halves {:.0}, {:.2} times; {:.0}/s; {peer}",
        micros(ledger),
        warm(&samples.ledger),
        warm(&samples.ledger) / warm(&samples.peer),
        of(&samples.ledger, |halves| halves.whole.per_second()),
    );
    let enough = known[0] >= floor::PEER_MIN;
    // A short run of the peer is the start of a Java process and little else: nothing is concluded from it either.
    let row = |row: Row| if enough { row } else { row.void("the peer is slower than it is known to be") };
    rows.push(row(Row::reached("ledger_vs_streams", ledger / whole(&samples.peer), runs, note)));
    let path = median(&samples.path.iter().map(Stretch::per_core).collect::<Vec<_>>());
    let note = format!(
        "ours {path:.0} a core-second ({:.1} µs), {:.2} times the peer's second half; {:.0}/s; {} signatures were not \
         remembered",
        micros(path),
        path / warm(&samples.peer),
        median(&samples.path.iter().map(Stretch::per_second).collect::<Vec<_>>()),
        samples.computed,
    );
    rows.push(row(Row::reached("path_vs_streams", path / whole(&samples.peer), runs, note)));
}
