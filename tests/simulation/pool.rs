//! Signed inputs, made once per process: signing is what a seed could not afford. Seeds draw from here.

use std::sync::LazyLock;

use attestream::event::{Digest, Millis, Tenant, Topic, limits};
use attestream::ledger::control::TrustRootBytes;
use attestream::log::Outgoing;
use attestream::verdict::tenant::TenantTrust;

use crate::spine::feed::{Expected, Made, Producer};
use crate::spine::plant::root_of;

/// When evidence is logged.
pub const SIGNED_AT: Millis = Millis(1_800_000_000_000);
/// Documents of one tenant.
const DOCUMENTS: usize = 240;

/// One input of the pool.
pub struct Drawn {
    pub input: Outgoing,
    pub digest: Digest,
    pub is_evidence: bool,
}

/// One document with what is sent of it.
pub struct Documented {
    pub document: Digest,
    pub expected: Expected,
    pub inputs: Vec<Drawn>,
}

/// What one tenant's producer may send.
pub struct Pooled {
    pub tenant: Tenant,
    pub trust: TenantTrust,
    pub no_trust: TenantTrust,
    pub made: Vec<Documented>,
    pub garbage: Vec<Outgoing>,
    pub own: bool,
}

/// All tenants, with a root that holds all their logs and one that holds the first tenant's alone.
pub struct Pool {
    pub tenants: Vec<Pooled>,
    pub root: TrustRootBytes,
    pub first_root: TrustRootBytes,
}

pub static POOL: LazyLock<Pool> = LazyLock::new(|| {
    let mut producers = [
        Producer::new("tenant-0", 1, SIGNED_AT).logging(),
        Producer::new("tenant-1", 2, SIGNED_AT),
        Producer::new("tenant-2", 3, SIGNED_AT),
        Producer::own("own.tenant", 4, SIGNED_AT),
        Producer::new("tenant-4", 5, SIGNED_AT).logging(),
    ];
    let own = 3;
    let mut tenants = Vec::new();
    for (at, producer) in producers.iter_mut().enumerate() {
        let made = (0..DOCUMENTS).map(|_| drawn(producer.next())).collect();
        tenants.push(Pooled {
            tenant: producer.tenant.clone(),
            trust: producer.trust(),
            no_trust: producer.no_trust(),
            made,
            garbage: producer.garbage(),
            own: at == own,
        });
    }
    let root = root_of(producers.iter().map(|producer| &producer.authority));
    let first_root = root_of(producers.iter().take(1).map(|producer| &producer.authority));
    Pool { tenants, root, first_root }
});

fn drawn(made: Made) -> Documented {
    let alone = made.inputs.len() == 1 && made.expected == Expected::Verified;
    let one = |input: Outgoing| Drawn {
        digest: digest_of(&input),
        // Alone, it carries the document inside its evidence.
        is_evidence: alone || is_bundle(&input),
        input,
    };
    let inputs = made.inputs.into_iter().map(one).collect();
    Documented { document: Digest::of(&made.document), expected: made.expected, inputs }
}

fn is_bundle(input: &Outgoing) -> bool {
    input.value.as_deref().is_some_and(|value| value.windows(14).any(|word| word == b"\"dsseEnvelope\""))
}

/// An SBOM of at least `size` bytes that nobody attests.
pub fn bare_sbom(mark: u64, size: usize) -> Vec<u8> {
    let mut bytes = format!("{{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\",\"version\":{mark}}}").into_bytes();
    bytes.resize(size.max(bytes.len()), b' ');
    bytes
}

/// A bare SBOM of a tenant, under a name.
pub fn bare_input(tenant: &Tenant, name: &str, value: Vec<u8>) -> Outgoing {
    let key = Some(format!("{tenant}/{name}").into_bytes());
    Outgoing { topic: Topic::SbomSubmitted, owner: None, partition: None, key, value: Some(value), headers: Vec::new() }
}

/// One that does not fit into a record.
pub fn large_input(tenant: &Tenant, mark: u64) -> Outgoing {
    bare_input(tenant, "large", bare_sbom(mark, limits::INLINE_MAX + 100))
}

/// One whose headers do not fit beside ours.
pub fn unfit_input(tenant: &Tenant, mark: u64) -> Outgoing {
    let headers = vec![("blob".to_owned(), Some(vec![7; limits::HEADERS_MAX + 1]))];
    Outgoing { headers, ..bare_input(tenant, "unfit", bare_sbom(mark, 100)) }
}

pub fn digest_of(input: &Outgoing) -> Digest {
    Digest::of(input.value.as_deref().unwrap_or_default())
}
