//! Witness policy (C2SP tlog-policy): who must have cosigned the checkpoint that an inclusion proof ends in.
//!
//! `log` lines are refused: which logs count is said by the trust root alone.

use std::collections::{BTreeMap, BTreeSet};

use super::reason::Cause;
use super::trust::TrustError;
use crate::evidence::note::WitnessKey;

/// The witnesses of a tenant, and the quorum that it demands of them.
#[derive(Debug, Clone, Default)]
pub struct WitnessPolicy {
    pub witnesses: Vec<WitnessKey>,
    /// In the order of their lines: each refers to those before it only.
    nodes: Vec<Node>,
    /// The node that must have witnessed a checkpoint; `None`: no cosignature is demanded.
    quorum: Option<usize>,
}

#[derive(Debug, Clone)]
enum Node {
    Witness(usize),
    Group { least: usize, members: Vec<usize> },
}

/// Witnesses and groups of one policy.
const NODES_MAX: usize = 64;
const POLICY_BYTES_MAX: usize = 16 * 1024;

impl WitnessPolicy {
    /// Reads listed verifier keys, which only count, and a policy's text, whose quorum is demanded.
    pub fn compile(listed: &[String], policy: Option<&str>) -> Result<Self, TrustError> {
        let mut compiled = WitnessPolicy::default();
        for vkey in listed {
            compiled.witness(vkey)?;
        }
        if let Some(policy) = policy {
            let allowed = |c: char| c == '\n' || c == '\t' || !c.is_control();
            if policy.len() > POLICY_BYTES_MAX || !policy.chars().all(allowed) {
                return Err(refuse(policy.lines().next().unwrap_or_default()));
            }
            compiled.read(policy)?;
        }
        Ok(compiled)
    }

    /// Whether a quorum is demanded.
    pub const fn demands(&self) -> bool {
        self.quorum.is_some()
    }

    /// Whether the quorum is met by these witnesses, by their place in `witnesses`.
    pub fn is_met(&self, cosigned: &BTreeSet<usize>) -> bool {
        let Some(quorum) = self.quorum else { return true };
        let mut met: Vec<bool> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let holds = match node {
                Node::Witness(witness) => cosigned.contains(witness),
                Node::Group { least, members } => {
                    members.iter().filter(|member| met.get(**member).copied().unwrap_or(false)).count() >= *least
                }
            };
            met.push(holds);
        }
        met.get(quorum).copied().unwrap_or(false)
    }

    /// One public key is one witness, whatever its names.
    fn witness(&mut self, vkey: &str) -> Result<usize, TrustError> {
        let at = |reason| TrustError { reason, at: vkey.to_owned() };
        let witness = WitnessKey::parse(vkey).map_err(|fault| at(fault.into()))?;
        if self.witnesses.iter().any(|known| known.has_key_of(&witness)) {
            return Err(at(Cause::TrustWitnessTwice.into()));
        }
        self.witnesses.push(witness);
        Ok(self.witnesses.len() - 1)
    }

    fn read(&mut self, policy: &str) -> Result<(), TrustError> {
        let mut names: BTreeMap<&str, usize> = BTreeMap::new();
        let mut used: BTreeSet<usize> = BTreeSet::new();
        let mut decided = false;
        for line in policy.lines() {
            let wrong = || refuse(line);
            let items: Vec<&str> = line.split([' ', '\t']).filter(|item| !item.is_empty()).collect();
            let node = match items.as_slice() {
                [] => continue,
                [first, ..] if first.starts_with('#') => continue,
                ["witness", name, vkey] | ["witness", name, vkey, _] => (*name, Node::Witness(self.witness(vkey)?)),
                ["group", name, least, members @ ..] => {
                    (*name, group(least, members, &names, &mut used).ok_or_else(wrong)?)
                }
                ["quorum", name] if !decided => {
                    decided = true;
                    self.quorum = if *name == "none" { None } else { Some(*names.get(name).ok_or_else(wrong)?) };
                    continue;
                }
                _ => return Err(wrong()),
            };
            let fresh = node.0 != "none" && names.insert(node.0, self.nodes.len()).is_none();
            if !fresh || self.nodes.len() >= NODES_MAX {
                return Err(wrong());
            }
            self.nodes.push(node.1);
        }
        if decided { Ok(()) } else { Err(refuse("a policy has exactly one quorum line")) }
    }
}

/// A group over names that are defined already, each of which is a member of one group at most.
fn group(least: &str, members: &[&str], names: &BTreeMap<&str, usize>, used: &mut BTreeSet<usize>) -> Option<Node> {
    let members: Vec<usize> = members.iter().map(|name| names.get(name).copied()).collect::<Option<_>>()?;
    let once = members.iter().all(|member| used.insert(*member));
    let least = match least {
        "any" => 1,
        "all" => members.len(),
        k if k.bytes().all(|byte| byte.is_ascii_digit()) && !k.starts_with('0') => k.parse().ok()?,
        _ => return None,
    };
    let possible = once && least >= 1 && least <= members.len();
    possible.then_some(Node::Group { least, members })
}

fn refuse(line: &str) -> TrustError {
    TrustError { reason: Cause::TrustWitnessPolicy.into(), at: line.chars().take(120).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Digest, base64};

    fn vkey(name: &str, seed: u8) -> String {
        let raw = ed25519_dalek::SigningKey::from_bytes(&[seed; 32]).verifying_key().to_bytes();
        let id = Digest::of_parts(&[name.as_bytes(), b"\n\x04", &raw]).hex();
        format!("{name}+{}+{}", id.get(..8).unwrap(), base64::encode(&[&[4], raw.as_slice()].concat()))
    }

    fn text(lines: &str) -> String {
        let witnesses: Vec<String> =
            (1..=4).map(|seed| format!("witness w{seed} {}", vkey(&format!("operator-{seed}"), seed))).collect();
        format!("# a comment\n\n{}\n{lines}\n", witnesses.join("\n"))
    }

    fn compiled(lines: &str) -> Result<WitnessPolicy, TrustError> {
        WitnessPolicy::compile(&[], Some(&text(lines)))
    }

    #[test]
    fn a_quorum_is_met_by_exactly_the_sets_that_it_describes() {
        let nested = "group x 2 w1 w2 w3\n\tgroup all-of  all x w4 \nquorum all-of";
        type Case<'a> = (&'a str, &'a dyn Fn(&[bool; 4]) -> bool);
        let count = |set: &[bool]| set.iter().filter(|one| **one).count();
        let cases: [Case<'_>; 5] = [
            ("quorum w2", &|set| set[1]),
            ("group g any w1 w3\nquorum g", &|set| set[0] || set[2]),
            ("group g all w1 w2\nquorum g", &|set| set[0] && set[1]),
            (nested, &|set| count(&set[..3]) >= 2 && set[3]),
            ("quorum none", &|_| true),
        ];
        for (lines, expected) in cases {
            let policy = compiled(lines).unwrap();
            assert_eq!(policy.demands(), lines != "quorum none");
            for bits in 0..16u8 {
                let set = [0, 1, 2, 3].map(|at| bits >> at & 1 == 1);
                let cosigned = (0..4).filter(|at| set[*at]).collect();
                assert_eq!(policy.is_met(&cosigned), expected(&set), "{lines} by {set:?}");
            }
        }
    }

    #[test]
    fn what_the_specification_forbids_is_refused() {
        let (log, twice) =
            (format!("log {}\nquorum w1", vkey("log", 9)), format!("witness again {}\nquorum w1", vkey("x", 1)));
        let many: String = (5..70).map(|at| format!("group g{at} any w1\n")).collect();
        let cases = [
            "",
            "quorum w1\nquorum w1",
            "quorum w9",
            "quorum later\ngroup later any w1",
            "group g 0 w1\nquorum g",
            "group g 01 w1\nquorum g",
            "group g 3 w1 w2\nquorum g",
            "group g any\nquorum g",
            "group g any none\nquorum g",
            "group none any w1\nquorum none",
            "group g some w1\nquorum g",
            "group g any w1 w1\nquorum g",
            "group g any w1\ngroup h any w1\nquorum g",
            "group w1 any w2\nquorum w1",
            "quorum",
            "witness w5\nquorum w1",
            "gruop g any w1\nquorum w1",
            "quorum w1\u{7}",
            &log,
            &twice,
            &many,
        ];
        for lines in cases {
            assert!(compiled(lines).is_err(), "{lines}");
        }
        assert_eq!(compiled(&twice).unwrap_err().reason, Cause::TrustWitnessTwice.into());
        let listed = [vkey("a", 1), vkey("b", 1)];
        assert_eq!(WitnessPolicy::compile(&listed, None).unwrap_err().reason, Cause::TrustWitnessTwice.into());
    }
}
