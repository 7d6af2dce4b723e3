//! The predicate types that are built in, and what each vouches for.

use super::Link;

/// Predicate types and their place in the chain; `None`: known, and part of no chain.
const BUILT_IN: &[(&str, Option<Link>)] = &[
    ("https://stella-ops.org/attestations/sbom/1", Some(Link::Sbom)),
    ("https://cyclonedx.org/bom", Some(Link::Sbom)),
    ("https://cyclonedx.org/bom/v1.6", Some(Link::Sbom)),
    ("https://spdx.dev/Document", Some(Link::Sbom)),
    ("https://openvex.dev/ns", Some(Link::Vex)),
    ("https://openvex.dev/ns/v0.2.0", Some(Link::Vex)),
    ("https://docs.oasis-open.org/sarif/sarif/v2.1.0", Some(Link::Scan)),
    ("https://cosign.sigstore.dev/attestation/vuln/v1", Some(Link::Scan)),
    ("https://slsa.dev/provenance/v1", Some(Link::Build)),
    ("https://slsa.dev/provenance/v0.2", Some(Link::Build)),
    ("https://stella.ops/attestation/runtime-facts/v1", None),
    ("stella.ops/promotion@v1", None),
    ("stella.ops/waiver@v1", None),
];

/// Whether a predicate type is built in.
pub fn is_built_in(predicate_type: &str) -> bool {
    BUILT_IN.iter().any(|(known, _)| *known == predicate_type)
}

/// The place of a built-in predicate type in the chain.
pub fn link(predicate_type: &str) -> Option<Link> {
    BUILT_IN.iter().find(|(known, _)| *known == predicate_type).and_then(|(_, link)| *link)
}
