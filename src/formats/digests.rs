//! Digest sets of the formats, brought to the three algorithms by which subjects are joined.

use crate::event::SubjectDigests;
use crate::event::digest::unhex;

use super::fault::Fault;

/// An algorithm by which subjects are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    Sha256,
    Sha384,
    Sha512,
}

impl Algorithm {
    /// Reads `sha256`, `SHA-256` and `sha-256` alike; `None` for an algorithm by which nothing is joined.
    pub(super) fn named(name: &str) -> Option<Self> {
        let is = |plain: &str, dashed: &str| name.eq_ignore_ascii_case(plain) || name.eq_ignore_ascii_case(dashed);
        match () {
            () if is("sha256", "sha-256") => Some(Algorithm::Sha256),
            () if is("sha384", "sha-384") => Some(Algorithm::Sha384),
            () if is("sha512", "sha-512") => Some(Algorithm::Sha512),
            () => None,
        }
    }

    const fn bytes(self) -> usize {
        match self {
            Algorithm::Sha256 => 32,
            Algorithm::Sha384 => 48,
            Algorithm::Sha512 => 64,
        }
    }
}

/// Whether upper-case hex is refused or lower-cased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    /// in-toto: "lowercase hex".
    Lower,
    Either,
}

/// Adds a digest to a set. Another value for an algorithm that the set holds is refused.
pub(super) fn insert(set: &mut SubjectDigests, algorithm: Algorithm, hex: &str, case: Case) -> Result<(), Fault> {
    let lower = hex.to_ascii_lowercase();
    let good = unhex(&lower).is_some_and(|bytes| bytes.len() == algorithm.bytes());
    if !good || (case == Case::Lower && lower != hex) {
        return Err(Fault::DigestInvalid);
    }
    let member = match algorithm {
        Algorithm::Sha256 => &mut set.sha256,
        Algorithm::Sha384 => &mut set.sha384,
        Algorithm::Sha512 => &mut set.sha512,
    };
    match member {
        Some(held) if *held != lower => Err(Fault::DigestInvalid),
        _ => {
            *member = Some(lower);
            Ok(())
        }
    }
}

/// Reads a set of (algorithm, hex) pairs; algorithms by which nothing is joined are left out.
pub(super) fn collect<'a>(
    pairs: impl Iterator<Item = (&'a str, &'a str)>,
    case: Case,
) -> Result<SubjectDigests, Fault> {
    let mut set = SubjectDigests::default();
    for (name, hex) in pairs {
        if let Some(algorithm) = Algorithm::named(name) {
            insert(&mut set, algorithm, hex, case)?;
        }
    }
    Ok(set)
}

/// The set again, checked and lower-cased: for sets that were read as they stood.
pub(super) fn checked(set: &SubjectDigests) -> Result<SubjectDigests, Fault> {
    let members = [("sha256", &set.sha256), ("sha384", &set.sha384), ("sha512", &set.sha512)];
    collect(members.into_iter().filter_map(|(name, hex)| Some((name, hex.as_deref()?))), Case::Either)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

    #[test]
    fn a_digest_of_another_length_or_twice_unlike_is_refused() {
        let upper = HEX.to_uppercase();
        let bad = [
            vec![("SHA-256", &HEX[..62])],
            vec![("SHA-256", "zz")],
            vec![("sha512", HEX)],
            vec![("sha256", HEX), ("SHA-256", "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100")],
        ];
        for pairs in bad {
            assert_eq!(collect(pairs.into_iter(), Case::Either), Err(Fault::DigestInvalid));
        }
        assert_eq!(collect([("sha256", upper.as_str())].into_iter(), Case::Lower), Err(Fault::DigestInvalid));
    }

    #[test]
    fn spelling_and_case_do_not_matter_and_other_algorithms_are_left_out() {
        let upper = HEX.to_uppercase();
        let pairs = [("SHA-256", upper.as_str()), ("sha256", HEX), ("gitCommit", "abc"), ("MD5", "junk")];
        let set = collect(pairs.into_iter(), Case::Either).unwrap();
        assert_eq!(set, SubjectDigests { sha256: Some(HEX.into()), ..Default::default() });
    }
}
