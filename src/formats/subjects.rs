//! Subjects as the carriers write them, and whether two of them can be the same thing.

use crate::event::{Subject, SubjectDigests};

use super::digests::{self, Algorithm, Case};
use super::fault::Fault;

/// Reads a subject from the text of a CloudEvents `subject` or of a record key: a package URL, `sha256:…` (or sha384,
/// sha512), or `name@sha256:…`. Other text, a tag above all, names no subject.
pub fn from_text(text: &str) -> Result<Option<Subject>, Fault> {
    if text.starts_with("pkg:") {
        return Ok(Some(Subject { purl: Some(text.to_owned()), ..Subject::default() }));
    }
    let last = text.rsplit_once('@').map_or(text, |(_, digest)| digest);
    let Some((name, hex)) = last.split_once(':') else { return Ok(None) };
    let named = ["sha256", "sha384", "sha512"].contains(&name).then(|| Algorithm::named(name)).flatten();
    let Some(algorithm) = named else { return Ok(None) };
    let mut digest = SubjectDigests::default();
    digests::insert(&mut digest, algorithm, hex, Case::Either)?;
    Ok(Some(Subject { digest, ..Subject::default() }))
}

/// A subject as a producer stated it: at least a package URL or a digest, digests checked and lower-cased.
pub(super) fn checked(subject: Subject) -> Result<Subject, Fault> {
    let purl = subject.purl.as_deref();
    if purl.is_some_and(|purl| !purl.starts_with("pkg:")) || (purl.is_none() && subject.digest.is_empty()) {
        return Err(Fault::EventObjectInvalid);
    }
    Ok(Subject { digest: digests::checked(&subject.digest)?, ..subject })
}

/// Whether two subjects can be the same thing: no member that both have differs. Package URLs are compared as written.
pub fn agree(one: &Subject, other: &Subject) -> bool {
    let fit = |a: &Option<String>, b: &Option<String>| a.is_none() || b.is_none() || a == b;
    fit(&one.purl, &other.purl)
        && fit(&one.version, &other.version)
        && fit(&one.digest.sha256, &other.digest.sha256)
        && fit(&one.digest.sha384, &other.digest.sha384)
        && fit(&one.digest.sha512, &other.digest.sha512)
}

/// Whether two subjects are the same thing by what they say: they agree, and share the package URL or a digest.
pub fn same(one: &Subject, other: &Subject) -> bool {
    let equal = |a: &Option<String>, b: &Option<String>| a.is_some() && a == b;
    let shared = equal(&one.purl, &other.purl)
        || equal(&one.digest.sha256, &other.digest.sha256)
        || equal(&one.digest.sha384, &other.digest.sha384)
        || equal(&one.digest.sha512, &other.digest.sha512);
    shared && agree(one, other)
}

/// `first`, with what only `second` says. They must agree.
pub fn filled(first: Subject, second: &Subject) -> Subject {
    let or = |a: Option<String>, b: &Option<String>| a.or_else(|| b.clone());
    Subject {
        purl: or(first.purl, &second.purl),
        digest: SubjectDigests {
            sha256: or(first.digest.sha256, &second.digest.sha256),
            sha384: or(first.digest.sha384, &second.digest.sha384),
            sha512: or(first.digest.sha512, &second.digest.sha512),
        },
        version: or(first.version, &second.version),
        name: or(first.name, &second.name),
    }
}

/// Settles what an event is about. `stated` are the subjects of its carriers in order of precedence, `document` the one
/// or several that the document names. The first that is stated counts, filled by the later ones; a carrier that agrees
/// with none of several subjects contradicts them.
pub fn settle(stated: &[&Subject], document: &[Subject]) -> Result<Option<Subject>, Fault> {
    let mut settled: Option<Subject> = None;
    for subject in stated {
        settled = Some(join(settled, subject)?);
    }
    match (settled, document) {
        (settled, []) => Ok(settled),
        (settled, [one]) => join(settled, one).map(Some),
        (None, _) => Ok(None),
        (Some(settled), several) if several.iter().any(|one| agree(&settled, one)) => Ok(Some(settled)),
        (Some(_), _) => Err(Fault::SubjectMismatch),
    }
}

fn join(settled: Option<Subject>, next: &Subject) -> Result<Subject, Fault> {
    match settled {
        None => Ok(next.clone()),
        Some(settled) if agree(&settled, next) => Ok(filled(settled, next)),
        Some(_) => Err(Fault::SubjectMismatch),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

    fn purl(text: &str) -> Subject {
        Subject { purl: Some(text.into()), ..Subject::default() }
    }

    fn sha256(hex: &str) -> Subject {
        from_text(&format!("sha256:{hex}")).unwrap().unwrap()
    }

    #[test]
    fn a_tag_is_never_a_subject_and_a_wrong_digest_is_refused() {
        for text in ["registry:5000/app:1.2", "app", "", "evt_abc", "md5:abc", "app@latest"] {
            assert_eq!(from_text(text), Ok(None), "{text}");
        }
        for text in ["sha256:abc", "app@sha256:", "sha512:00"] {
            assert_eq!(from_text(text), Err(Fault::DigestInvalid), "{text}");
        }
        let upper = from_text(&format!("registry:5000/app@sha256:{}", HEX.to_uppercase()));
        assert_eq!(upper, Ok(Some(sha256(HEX))));
        assert_eq!(from_text("pkg:npm/a@1"), Ok(Some(purl("pkg:npm/a@1"))));
    }

    #[test]
    fn contradictions_are_refused_whatever_carries_them() {
        let (a, b) = (purl("pkg:npm/a@1"), purl("pkg:npm/b@1"));
        let other = HEX.replace("00", "01");
        assert_eq!(settle(&[&a, &b], &[]), Err(Fault::SubjectMismatch));
        assert_eq!(settle(&[&a], std::slice::from_ref(&b)), Err(Fault::SubjectMismatch));
        assert_eq!(settle(&[&sha256(HEX)], &[sha256(&other)]), Err(Fault::SubjectMismatch));
        assert_eq!(settle(&[&a], &[b.clone(), purl("pkg:npm/c@1")]), Err(Fault::SubjectMismatch));
        let filled_first = Subject { digest: sha256(HEX).digest, ..a.clone() };
        assert_eq!(settle(&[&a, &sha256(HEX), &sha256(&other)], &[]), Err(Fault::SubjectMismatch));
        assert_eq!(settle(&[&a, &sha256(HEX)], &[]), Ok(Some(filled_first)));
    }

    #[test]
    fn a_stated_subject_is_filled_by_the_document_so_that_stating_it_changes_nothing() {
        let document = Subject { digest: sha256(HEX).digest, version: Some("1".into()), ..purl("pkg:npm/a@1") };
        let one = std::slice::from_ref(&document);
        assert_eq!(settle(&[], one), Ok(Some(document.clone())));
        assert_eq!(settle(&[&purl("pkg:npm/a@1")], one), Ok(Some(document.clone())));
        assert_eq!(settle(&[&sha256(HEX)], one), Ok(Some(document.clone())));
        let several = [document, purl("pkg:npm/b@1")];
        assert_eq!(settle(&[], &several), Ok(None));
        assert_eq!(settle(&[&purl("pkg:npm/b@1")], &several), Ok(Some(purl("pkg:npm/b@1"))));
    }
}
