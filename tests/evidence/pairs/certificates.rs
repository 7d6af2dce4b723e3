//! Certificates, certificate logs and time stamps (cases 20 to 25, 27 to 29 and 31), by the keyless authority.

use attestream::event::{Digest, Subject};
use attestream::signing::keyless::Signed;
use attestream::signing::{KeylessAuthority, KeylessOrder, KeylessWrong as W, Predicate};
use serde_json::json;

use super::workshop::{AT, Evidence, NOW, SBOM, START};
use super::{Pair, pair};

const ISSUER: &str = "https://issuer.example";

fn by_authority(wrong: Option<W>) -> Evidence {
    let mut authority = KeylessAuthority::new("ci", 7, START).unwrap();
    let mut subject = Subject { name: Some("orders-api".into()), ..Subject::default() };
    subject.digest.sha256 = Some(Digest::of(b"orders-api").hex());
    let document = json!({ "bomFormat": "CycloneDX", "specVersion": "1.6", "components": [] });
    let order = KeylessOrder {
        subjects: &[subject],
        predicate: Predicate::Document { predicate_type: SBOM, document: &document },
        signed: Signed { issuer: ISSUER, uri: "https://ci.example/orders@refs/tags/v1", at: AT },
        logged: Some(AT),
        stamped: Some(AT),
        wrong,
    };
    let bytes = authority.attest(&order).unwrap().bytes;
    let root = serde_json::from_slice(&authority.trust_root(true)).unwrap();
    Evidence { bytes, trust: authority.tenant_trust("acme", ISSUER, "proof"), root, now: NOW }
}

/// The case of each wrong that is one of the collected cases.
const WRONGS: [(u8, &str, W); 24] = [
    (20, "a certificate that had expired", W::LeafExpired),
    (20, "a certificate above it that had expired", W::IntermediateExpired),
    (20, "an anchor that had expired", W::AnchorExpired),
    (21, "of two times, one outside the certificate", W::TwoTimesOneOutside),
    (22, "a retired authority, while another is in its window", W::StampRetired),
    (22, "a time stamp of an expired certificate", W::StampExpired),
    (23, "a trusted certificate put into the token of another", W::StampInjected),
    (24, "a time stamp of another signature", W::StampOfAnother),
    (24, "a time stamp of an unknown authority", W::StampUnknown),
    (24, "a time stamp by another key", W::StampByAnotherKey),
    (24, "a forged time stamp", W::StampForged),
    (24, "a time stamp that was not granted", W::StampNotGranted),
    (25, "no time at all", W::NoTime),
    (27, "a certificate that no log has seen", W::NotLogged),
    (27, "a certificate that another log has seen", W::LoggedElsewhere),
    (27, "a certificate logged for another issuer", W::LoggedForAnotherIssuer),
    (27, "a forged timestamp of the certificate log", W::LogStampForged),
    (28, "a root in the bundle", W::RootInBundle),
    (28, "a certificate of an unknown authority", W::AuthorityUnknown),
    (29, "an authority that the trust root has retired", W::AuthorityRetired),
    (29, "a certificate log's timestamp before its key", W::LogStampTooEarly),
    (31, "a name around the expected one", W::NameAround),
    (31, "a name that another issuer vouched for", W::IssuerOfAnother),
    (31, "no issuer", W::NoIssuer),
];

pub fn pairs() -> Vec<Pair> {
    let of = |(case, name, wrong): &(u8, &str, W)| {
        pair(*case, name, wrong.expected(), by_authority(Some(*wrong)), by_authority(None))
    };
    WRONGS.iter().map(of).collect()
}
