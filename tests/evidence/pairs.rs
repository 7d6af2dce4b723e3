//! What must be refused, as pairs: evidence that is wrong in exactly one way, answered by exactly that code, and the same
//! with that one thing put right, accepted. The numbers are those of the published cases (CVEs, conformance suites,
//! specifications) that the project collected; each has at least one pair here or a test named below.

mod certificates;
mod envelope;
mod keys;
mod log;
mod witnesses;
mod workshop;

use std::collections::BTreeSet;

use workshop::Evidence;

/// One way to be wrong.
pub struct Pair {
    case: u8,
    name: String,
    code: String,
    wrong: Evidence,
    right: Evidence,
    right_is: &'static str,
}

fn pair(case: u8, name: &str, code: &str, wrong: Evidence, right: Evidence) -> Pair {
    Pair { case, name: name.to_owned(), code: code.to_owned(), wrong, right, right_is: "verified" }
}

impl Pair {
    fn right_is(mut self, said: &'static str) -> Self {
        self.right_is = said;
        self
    }
}

/// Case 35 is no bundle: `witnesses::a_log_that_is_not_one_log_is_refused`.
const OF_TREES: [u8; 1] = [35];

#[test]
fn each_wrong_is_refused_by_its_code_and_accepted_when_put_right() {
    let pairs =
        [log::pairs(), keys::pairs(), envelope::pairs(), envelope::absent(), witnesses::pairs(), certificates::pairs()];
    let pairs: Vec<Pair> = pairs.into_iter().flatten().collect();
    let mut wrong = Vec::new();
    for pair in &pairs {
        let (refused, accepted) = (pair.wrong.said(), pair.right.said());
        if refused != pair.code || accepted != pair.right_is {
            let (code, right) = (&pair.code, pair.right_is);
            wrong.push(format!("{} {}: {refused} (not {code}), {accepted} (not {right})", pair.case, pair.name));
        }
    }
    let names: BTreeSet<(u8, &str)> = pairs.iter().map(|pair| (pair.case, pair.name.as_str())).collect();
    assert_eq!(names.len(), pairs.len(), "each pair has a name of its own");
    let mut cases: BTreeSet<u8> = pairs.iter().map(|pair| pair.case).collect();
    println!("{} pairs of {} cases, {} wrong", pairs.len(), cases.len(), wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for elsewhere in &OF_TREES {
        assert!(cases.insert(*elsewhere), "case {elsewhere} has a pair and is listed as having none");
    }
    assert!(cases.iter().copied().eq(1..=38), "{cases:?}");
}
