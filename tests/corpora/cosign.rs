//! Bundles by the real cosign, published beside the documents that they are about: its keys are the tenant's, and none
//! of them was logged.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use attestream::event::{Digest, Tenant};
use attestream::ledger::output::Status;
use attestream::verdict::TenantTrust;
use attestream::verdict::tenant::LogPolicy;
use serde_json::Value;

use super::sets::{corpus, name};
use super::site::{Fate, Site, bytes};
use super::table::Table;
use crate::broker;
use crate::evidence::cosign::tenant;

/// Types whose predicate is the document, as `cosign attest-blob --type` names them.
const OF_DOCUMENTS: [&str; 3] = ["cyclonedx", "openvex", "https://docs.oasis-open.org/sarif/sarif/v2.1.0"];

/// The documents that the bundles of `keyed` are about, by the commands that made these.
fn signed_documents(cosign: &Path) -> BTreeSet<PathBuf> {
    let index: Value = serde_json::from_slice(&bytes(&cosign.join("index.json"))).unwrap();
    let mut documents = BTreeSet::new();
    for file in index["files"].as_array().unwrap() {
        let keyed = file["file"].as_str().unwrap().starts_with("keyed/");
        let words: Vec<&str> = file["signed_with"].as_str().unwrap_or_default().split_whitespace().collect();
        let option = |name: &str| words.windows(2).find(|pair| pair[0] == name).map(|pair| pair[1]);
        if let (true, Some(of), Some(predicate)) = (keyed, option("--type"), option("--predicate"))
            && OF_DOCUMENTS.contains(&of)
        {
            documents.insert(cosign.join(predicate).canonicalize().unwrap());
        }
    }
    documents
}

#[test]
fn documents_are_verified_by_what_cosign_signed_for_them() {
    let Some(root) = corpus(&["cosign", "bom-examples", "cyclonedx-1.6", "sarif"]) else { return };
    let root = root.canonicalize().unwrap();
    let Some(cluster) = broker::shared() else { return };
    let trust = TenantTrust { tenant: Tenant::new("cosign").unwrap(), ..tenant(LogPolicy::None) };
    let site = Site::open(cluster, vec![trust], None);
    let documents: Vec<PathBuf> = signed_documents(&root.join("cosign")).into_iter().collect();
    let published = site.publish("cosign", &documents);
    let bundles = site.publish("cosign", &[root.join("cosign/keyed")]);
    site.settle();
    let fates = site.fates();
    let said = |digest: Option<Digest>| fates[&("cosign".to_owned(), digest.unwrap())].clone();

    let mut table = Table::default();
    for line in &bundles {
        let said = said(line.digest).said();
        table.count("cosign/keyed", &said);
        assert_eq!(said, "verified", "{}", name(&root, &line.path));
        table.name(name(&root, &line.path));
    }
    let events = site.judge().events;
    for line in &published {
        let file = name(&root, &line.path);
        if let Fate::DeadLettered(code) = said(line.digest) {
            table.count("documents", &format!("dead-lettered: {code}"));
            continue;
        }
        let of = |digest: Digest| events.values().find(move |e| e.document.as_ref().unwrap().digest == digest);
        let event = of(line.digest.unwrap()).unwrap_or_else(|| panic!("{file} is admitted and no event"));
        assert_eq!(event.trust.status, Status::Verified, "{file}: {:?}", event.trust.reasons);
        table.count("documents", "verified");
        table.name(file);
    }
    assert!(table.of("documents", "verified") >= 3, "an SBOM, a VEX and a SARIF document at least");
    table.publish("Bundles by cosign on Kafka, and the documents that they are about");
}
