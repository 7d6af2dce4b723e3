//! The bodies of the fuzz targets over their committed corpora and mutations of them: the same bytes on every machine.
//! `make fuzz` gives them to a fuzzer.

use std::path::PathBuf;

#[path = "../../fuzz/src/bodies.rs"]
mod bodies;

/// Mutations of each target: `ATTESTREAM_FUZZ` asks for another number.
const MUTATIONS: usize = 3000;

type Body = fn(&[u8]);

/// A generator of numbers (SplitMix64): all that a mutation needs of chance.
pub struct Numbers(pub u64);

impl Numbers {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound.max(1)).unwrap()).unwrap()
    }
}

/// Pieces on which parsers have differed.
const PIECES: [&[u8]; 20] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b",",
    b":",
    b"\\u0000",
    b"\\ud800",
    b"null",
    b"-0",
    b"1e999",
    b"9007199254740993",
    b"\xef\xbb\xbf",
    b"\xff",
    b"\n\n",
    b"\xe2\x80\x94 ",
    b"\"payload\":\"\",",
    b"=",
    b"-",
];

/// One to four changes: a bit, a byte, a piece, a range taken out, doubled or moved, or half of another seed.
fn mutate(seed: &[u8], other: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut data = seed.to_vec();
    for _ in 0..=numbers.below(3) {
        let at = numbers.below(data.len() + 1);
        let end = (at + 1 + numbers.below(24)).min(data.len());
        match numbers.below(8) {
            0 if at < data.len() => data[at] ^= 1 << numbers.below(8),
            1 if at < data.len() => data[at] = numbers.next().to_le_bytes()[0],
            2 => drop(data.splice(at..at, PIECES[numbers.below(PIECES.len())].iter().copied())),
            3 if at < end => drop(data.drain(at..end)),
            4 if at < end => {
                let piece = data[at..end].to_vec();
                let to = numbers.below(data.len());
                drop(data.splice(to..to, piece));
            }
            5 => data.truncate(at),
            6 => {
                data.truncate(at);
                data.extend_from_slice(&other[numbers.below(other.len() + 1)..]);
            }
            _ if at < end => data[at..end].reverse(),
            _ => {}
        }
    }
    data
}

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

fn run(target: &str, body: Body, good: Option<&[u8]>) {
    let asked = std::env::var("ATTESTREAM_FUZZ").ok().map(|text| text.parse().expect("a number of mutations"));
    let mutations = asked.unwrap_or(MUTATIONS);
    let mut seeds = corpus(target);
    assert!(!seeds.is_empty(), "{target} has a corpus");
    seeds.extend(good.map(<[u8]>::to_vec));
    for seed in &seeds {
        body(seed);
    }
    let mut numbers = Numbers(u64::from_le_bytes(*b"attested"));
    for number in 0..mutations {
        let (one, other) = (numbers.below(seeds.len()), numbers.below(seeds.len()));
        let data = mutate(&seeds[one], &seeds[other], &mut numbers);
        let survived = std::panic::catch_unwind(|| body(&data));
        assert!(survived.is_ok(), "{target}, mutation {number}: {:?}", String::from_utf8_lossy(&data));
    }
    println!("fuzz {target}: {} seeds, {mutations} mutations", seeds.len());
}

#[test]
fn strict_json() {
    run("json", bodies::json, None);
}

#[test]
fn envelopes() {
    run("envelope", bodies::envelope, None);
}

#[test]
fn bundles() {
    run("bundle", bodies::bundle, Some(bodies::good_bundle()));
}

#[test]
fn notes() {
    run("note", bodies::note, Some(bodies::good_note().as_bytes()));
}

#[test]
fn proofs() {
    run("proof", bodies::proof, None);
}

#[test]
fn time_stamp_tokens() {
    run("token", bodies::token, Some(bodies::good_token()));
}

#[test]
fn bodies_of_entries() {
    run("entry", bodies::entry, Some(bodies::good_body()));
}

/// Mutations that never reach the inside of a body would test its first line alone.
#[test]
fn mutations_reach_the_inside() {
    use attestream::evidence::Evidence;
    let (seed, mut numbers) = (bodies::good_bundle(), Numbers(7));
    let read = (0..2000).filter(|_| Evidence::parse(&mutate(seed, seed, &mut numbers)).is_ok()).count();
    assert!(read > 40, "{read} of 2000 mutations are read");
}
