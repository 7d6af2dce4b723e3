//! Whom to believe: a key, an identity or a tenant's entry, and the trust root, from the command line.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use sigstore_trust_root::SigstoreInstance;

use super::exit::{Exit, Failure};
use super::trust;
use crate::event::{Digest, Kind, Tenant};
use crate::evidence::Artifact;
use crate::settings::read_tenants;
use crate::verdict::tenant::{KeyAlgorithm, LogPolicy, PinnedIdentity, PinnedKey, PredicateType, SignatureEncoding};
use crate::verdict::{CompiledTrust, TenantTrust, TrustRoot};

/// Algorithms that a key file may hold; it says itself which.
const ALGORITHMS: [KeyAlgorithm; 5] = [
    KeyAlgorithm::Ed25519,
    KeyAlgorithm::EcdsaP256Sha256,
    KeyAlgorithm::EcdsaP384Sha384,
    KeyAlgorithm::EcdsaP521Sha512,
    KeyAlgorithm::RsaPkcs1Sha256,
];

pub fn read_file(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| Failure::io(format!("{}: {error}", path.display())))
}

/// A file, or where there is none of that name, `sha256:` and a digest.
pub fn artifact(text: &str) -> Result<Artifact, Failure> {
    let path = Path::new(text);
    let digest = if path.exists() { None } else { text.parse::<Digest>().ok() };
    if let Some(digest) = digest {
        return Ok(Artifact::from(digest));
    }
    let read = fs::File::open(path).and_then(Artifact::read);
    read.map_err(|error| Failure::io(format!("{text}: {error}")))
}

/// The trust root of a Sigstore instance, as it shipped with this program.
pub fn shipped_root(staging: bool) -> Result<Arc<TrustRoot>, Failure> {
    let instance = if staging { SigstoreInstance::Staging } else { SigstoreInstance::PublicGood };
    let bytes = instance.embedded_trusted_root_json().as_bytes();
    TrustRoot::load(bytes, Digest::of(bytes)).map_err(|reason| Failure::new(Exit::Usage, reason))
}

fn empty() -> Result<TenantTrust, Failure> {
    Ok(TenantTrust::empty(Tenant::new("verify").map_err(|error| Failure::new(Exit::Usage, error))?))
}

/// A tenant that trusts one key, under each algorithm that the key can be of. A PEM file names a key type alone: where
/// nobody says which algorithm, Ed25519 can be two.
pub fn key(path: &Path, chosen: Option<KeyAlgorithm>, log: LogPolicy) -> Result<Vec<TenantTrust>, Failure> {
    let bytes = read_file(path)?;
    let wrong = |what: &str| Failure::new(Exit::Usage, format!("{}: {what}", path.display()));
    let expected = "expected a public key (PEM): Ed25519, ECDSA P-256, P-384 or P-521, or RSA";
    let spki = String::from_utf8(bytes).map_err(|_| wrong(expected))?;
    let trust = |algorithm| -> Result<TenantTrust, Failure> {
        let key = PinnedKey {
            name: path.display().to_string(),
            spki: spki.clone(),
            algorithm,
            valid_from: None,
            valid_until: None,
            revoked_at: None,
            predicate_types: Vec::new(),
            encoding: SignatureEncoding::Der,
            owner: None,
        };
        Ok(TenantTrust { keys: vec![key], log, ..empty()? })
    };
    if let Some(algorithm) = chosen {
        let trust = trust(algorithm)?;
        CompiledTrust::compile(&trust, None).map_err(|error| wrong(error.reason.code()))?;
        return Ok(vec![trust]);
    }
    let mut weak = None;
    for algorithm in ALGORITHMS {
        let of_type = trust(algorithm)?;
        match CompiledTrust::compile(&of_type, None) {
            Ok(_) if algorithm == KeyAlgorithm::Ed25519 => {
                return Ok(vec![of_type, trust(KeyAlgorithm::Ed25519ph)?]);
            }
            Ok(_) => return Ok(vec![of_type]),
            Err(error) => weak = weak.or((error.reason.code() == "key-weak").then_some("key-weak")),
        }
    }
    Err(wrong(weak.unwrap_or(expected)))
}

/// A tenant that trusts one identity.
pub fn identity(name: &str, issuer: &str, log: LogPolicy) -> Result<TenantTrust, Failure> {
    let identity = PinnedIdentity { issuer: issuer.to_owned(), san: Some(name.to_owned()), san_regex: None };
    Ok(TenantTrust { identities: vec![identity], log, ..empty()? })
}

/// The tenant of a file; of several, the one that is named.
pub fn tenant(path: &Path, name: Option<&str>) -> Result<TenantTrust, Failure> {
    let usage = |message: String| Failure::new(Exit::Usage, message);
    let mut tenants = read_tenants(path)?;
    if let Some(name) = name {
        tenants.retain(|trust| trust.tenant.as_str() == name);
    }
    match (tenants.pop(), tenants.is_empty()) {
        (Some(trust), true) => Ok(trust),
        (None, _) => Err(usage(format!("{}: the tenant is not in it", path.display()))),
        (Some(_), false) => Err(usage(format!("{}: several tenants; name one with --tenant", path.display()))),
    }
}

/// The same trust, accepting whatever predicate type is stated: who asks about a file asks who signed what about it.
pub fn of_any_type(mut trust: TenantTrust, predicate_type: Option<&str>) -> TenantTrust {
    let own = |name: &str| PredicateType { predicate_type: name.to_owned(), kind: Kind::Ingest };
    trust.predicate_types = predicate_type.map(own).into_iter().collect();
    trust
}

pub fn load_root(path: Option<&Path>) -> Result<Option<Arc<TrustRoot>>, Failure> {
    path.map(trust::load_root).transpose()
}
