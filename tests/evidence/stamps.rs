//! RFC 3161: published responses of several authorities, each with what must be said of it.

use std::path::PathBuf;

use attestream::event::{Millis, base64};
use attestream::evidence::path::Authority;
use attestream::evidence::timestamp::{NoTime, StampAuthority, verify};
use attestream::evidence::{Window, der};

fn file(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/rfc3161").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

const ALWAYS: Window = Window { start: None, end: None };

fn authority(mut chain: Vec<Vec<u8>>, window: Window) -> StampAuthority {
    let anchor = chain.pop().unwrap();
    if chain.is_empty() {
        return StampAuthority { leaf: anchor, above: None, window };
    }
    let leaf = chain.remove(0);
    StampAuthority { leaf, above: Some(Authority { uri: String::new(), window, anchor, helpers: chain }), window }
}

fn chain(folder: &str) -> Vec<Vec<u8>> {
    let Ok(text) = String::from_utf8(file(&format!("{folder}/ts_chain.pem"))) else {
        return vec![file(&format!("{folder}/ts_chain.pem"))]; // of one certificate, in DER
    };
    let blocks = text.split("-----BEGIN CERTIFICATE-----").skip(1);
    let der = |block: &str| base64::decode(&block.split("-----END").next().unwrap().replace(['\n', '\r'], "")).unwrap();
    blocks.map(der).collect()
}

fn pinned(folder: &str) -> StampAuthority {
    authority(chain(folder), ALWAYS)
}

fn time(text: &str) -> Result<Millis, NoTime> {
    Ok(Millis::parse(text).unwrap())
}

/// A response, what it is said to stamp, whose authority is pinned, and what must be said.
type Case<'a> = (&'a str, &'a [u8], &'a str, Result<Millis, NoTime>);

#[test]
fn each_published_response_is_answered() {
    let payload = file("sigstore.mock/payload");
    let cases: [Case<'_>; 17] = [
        ("sigstage/response-sha256.tsr", b"hello", "sigstage", time("2025-05-09T11:58:55Z")),
        ("sigstage/response-sha384.tsr", b"hello", "sigstage", time("2025-05-09T11:58:55Z")),
        ("sigstage/response-sha512.tsr", b"hello", "sigstage", time("2025-05-09T11:58:56Z")),
        ("sigstage/response-no-embedded-cert.tsr", b"hello", "sigstage", time("2025-06-18T08:13:02Z")),
        ("sigstage/response-invalid-signature.tsr", b"hello", "sigstage", Err(NoTime::Signature)),
        ("sigstage/response-sha256.tsr", b"hallo", "sigstage", Err(NoTime::Imprint)),
        ("sigstage/response-sha256.tsr", b"hello", "test_tsa", Err(NoTime::Unknown)),
        ("sigstage/request.der", b"hello", "sigstage", Err(NoTime::Malformed)),
        // Its authority has expired since; what counts is the time that it stamped.
        ("sigstore.mock/response-expired.tsr", &payload, "sigstore.mock", time("2023-02-01T00:00:00Z")),
        ("sigstore.mock/response-expired.tsr", b"hello", "sigstore.mock", Err(NoTime::Imprint)),
        ("test_tsa/response.tsr", b"hello", "test_tsa", time("2024-10-08T15:40:32Z")),
        // Of another authority of the same name.
        ("test_tsa/other_response.tsr", b"hello", "test_tsa", Err(NoTime::Unknown)),
        ("test_tsa/other_response.tsr", b"hello", "sigstage", Err(NoTime::Unknown)),
        ("test_tsa/request.der", b"hello", "test_tsa", Err(NoTime::Malformed)),
        // The pinned authority's token with a stranger's certificates put in: they are not looked at.
        ("test_tsa/response-injected-certs.tsr", b"hello", "test_tsa", time("2024-10-08T15:40:32Z")),
        ("test_tsa/response-injected-certs.tsr", b"hello", "sigstage", Err(NoTime::Unknown)),
        // The root alone is pinned: who stamped is in the token, and nobody's word for it.
        ("identrust/issue-104.tsr", b"hello", "identrust", Err(NoTime::Unknown)),
    ];
    for (name, stamped, folder, expected) in cases {
        assert_eq!(verify(&file(name), stamped, &[pinned(folder)]), expected, "{name} under {folder}");
    }
}

/// The certificates inside the token, pinned by hand: an authority with an RSA key, whose token names its certificate by
/// SHA-1 (RFC 3161's first form).
#[test]
fn an_authority_with_an_rsa_key() {
    let token = file("identrust/issue-104.tsr");
    let mut inside: Vec<Vec<u8>> = certificates(&token);
    assert_eq!(inside.len(), 2);
    inside.extend(chain("identrust"));
    let verified = verify(&token, b"hello", &[authority(inside.clone(), ALWAYS)]);
    assert_eq!(verified, time("2025-03-11T08:52:08Z"));
    assert_eq!(verify(&token, b"hallo", &[authority(inside.clone(), ALWAYS)]), Err(NoTime::Imprint));
    // Without the certificate between, the leaf leads nowhere.
    inside.remove(1);
    assert_eq!(verify(&token, b"hello", &[authority(inside, ALWAYS)]), Err(NoTime::Certificate));
}

/// The certificates of a token: the elements under `[0]` after the encapsulated content.
fn certificates(response: &[u8]) -> Vec<Vec<u8>> {
    let mut response = der::Reader::new(der::only(response, 0x30).unwrap());
    response.any().unwrap();
    let mut info = response.inside(0x30).unwrap();
    info.take(6).unwrap();
    let mut data = info.inside(0xa0).unwrap().inside(0x30).unwrap();
    data.any().unwrap();
    data.any().unwrap();
    data.any().unwrap();
    let (mut list, mut found) = (data.inside(0xa0).unwrap(), Vec::new());
    while !list.is_empty() {
        found.push(list.element(0x30).unwrap().whole.to_vec());
    }
    found
}

#[test]
fn a_token_needs_no_response_around_it() {
    let response = file("sigstage/response-sha256.tsr");
    let mut fields = der::Reader::new(der::only(&response, 0x30).unwrap());
    fields.any().unwrap();
    let token = fields.any().unwrap().whole;
    assert_eq!(verify(token, b"hello", &[pinned("sigstage")]), time("2025-05-09T11:58:55Z"));
    let refused = der::wrap(0x30, &[der::wrap(0x30, &[2, 1, 2]), token.to_vec()].concat());
    assert_eq!(verify(&refused, b"hello", &[pinned("sigstage")]), Err(NoTime::NotGranted));
    let modified = der::wrap(0x30, &[der::wrap(0x30, &[2, 1, 1]), token.to_vec()].concat());
    assert!(verify(&modified, b"hello", &[pinned("sigstage")]).is_ok(), "granted with modifications");
}

#[test]
fn a_window_is_closed_at_both_ends_and_nobody_elses() {
    let response = file("sigstage/response-sha256.tsr");
    let at = time("2025-05-09T11:58:55Z").unwrap();
    let under = |start: Millis, end: Millis| {
        let window = Window { start: Some(start), end: Some(end) };
        authority(chain("sigstage"), window)
    };
    let asked = |authorities: &[StampAuthority]| verify(&response, b"hello", authorities);
    assert_eq!(asked(&[under(at, at)]), Ok(at));
    assert_eq!(asked(&[under(at.plus(1), at.plus(2))]), Err(NoTime::Window));
    assert_eq!(asked(&[under(at.plus(-2), at.plus(-1))]), Err(NoTime::Window));
    // Another authority that is in its window lends nothing; the same one with another window is another unit.
    assert_eq!(asked(&[under(at.plus(1), at.plus(2)), pinned("test_tsa")]), Err(NoTime::Window));
    assert_eq!(asked(&[under(at.plus(1), at.plus(2)), under(at, at)]), Ok(at));
    assert_eq!(asked(&[]), Err(NoTime::Unknown));
    // The leaf of one under the root of another.
    let mut mixed = chain("sigstage");
    mixed.truncate(1);
    mixed.push(chain("test_tsa").pop().unwrap());
    assert_eq!(asked(&[authority(mixed, ALWAYS)]), Err(NoTime::Certificate));
}

/// One bit of one byte, anywhere: a token says another time nowhere, and what is still accepted is what nobody signs.
#[test]
fn no_flipped_bit_gives_another_time() {
    let (response, pinned) = (file("sigstage/response-sha256.tsr"), [pinned("sigstage")]);
    let expected = verify(&response, b"hello", &pinned).unwrap();
    let inside = certificates(&response).concat();
    let start = response.windows(inside.len()).position(|window| window == inside).unwrap();
    let mut accepted_elsewhere = Vec::new();
    for at in 0..response.len() {
        let mut flipped = response.clone();
        flipped[at] ^= 1;
        let Ok(time) = verify(&flipped, b"hello", &pinned) else { continue };
        assert_eq!(time, expected, "byte {at}");
        if !(start..start + inside.len()).contains(&at) {
            accepted_elsewhere.push(at);
        }
    }
    // The status (granted, or with modifications), the two versions, and the list of hashes that may be used.
    assert!(accepted_elsewhere.len() < 24, "{accepted_elsewhere:?}");
}
