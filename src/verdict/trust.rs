//! A tenant's trust, compiled once: everything that can be wrong with it is refused here, not met in mid-stream.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use regex::Regex;

use super::reason::Cause;
use super::root::{TrustRoot, Window};
use super::tenant::{LogPolicy, PinnedIdentity, PinnedKey};
use super::witness::WitnessPolicy;
use super::{Pair, Reason, TenantTrust, VERIFIER_EPOCH};
use crate::event::{Digest, Kind, Tenant, limits};
use crate::evidence::PublicKey;

/// Trust that is not activated, and the name of what is wrong in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason} at {at}")]
pub struct TrustError {
    pub reason: Reason,
    pub at: String,
}

/// A pinned key, parsed.
#[derive(Debug, Clone)]
pub struct CompiledKey {
    pub name: String,
    pub key: PublicKey,
    pub window: Window,
    pub predicate_types: BTreeSet<String>,
    pub owner: Option<String>,
}

/// A pinned identity, compiled.
#[derive(Debug, Clone)]
pub struct CompiledIdentity {
    issuer: String,
    san: San,
}

#[derive(Debug, Clone)]
enum San {
    Exact(String),
    Pattern(Regex),
}

impl CompiledIdentity {
    pub fn matches(&self, issuer: &str, san: &str) -> bool {
        let named = match &self.san {
            San::Exact(exact) => exact == san,
            San::Pattern(pattern) => pattern.is_match(san),
        };
        named && self.issuer == issuer
    }
}

/// What verification reads: parsed keys by fingerprint, identities, rules, and the trust root.
#[derive(Debug, Clone)]
pub struct CompiledTrust {
    pub pair: Pair,
    pub tenant: Tenant,
    keys: BTreeMap<Digest, CompiledKey>,
    pub identities: Vec<CompiledIdentity>,
    pub log: LogPolicy,
    pub threshold: usize,
    pub witnesses: WitnessPolicy,
    pub max_age_seconds: Option<u64>,
    pub predicate_types: BTreeMap<String, Kind>,
    pub payload_types: BTreeSet<String>,
    pub root: Option<Arc<TrustRoot>>,
}

impl CompiledTrust {
    /// Compiles a tenant's trust under a trust root.
    pub fn compile(trust: &TenantTrust, root: Option<Arc<TrustRoot>>) -> Result<Self, TrustError> {
        let whole = |cause: Cause| TrustError { reason: cause.into(), at: trust.tenant.to_string() };
        if trust.keys.len() > limits::TENANT_KEYS_MAX || trust.identities.len() > limits::TENANT_KEYS_MAX {
            return Err(whole(Cause::TrustLimit));
        }
        let threshold = usize::try_from(trust.threshold).unwrap_or(usize::MAX);
        if threshold == 0 || (threshold > 1 && threshold > holders(&trust.keys)) {
            return Err(whole(Cause::TrustThreshold));
        }
        let trust_digest = trust.digest(root.as_ref().map(|root| root.digest()));
        Ok(CompiledTrust {
            pair: Pair { trust: trust_digest, epoch: VERIFIER_EPOCH },
            tenant: trust.tenant.clone(),
            keys: compile_keys(&trust.keys)?,
            identities: trust.identities.iter().map(compile_identity).collect::<Result<_, _>>()?,
            log: trust.log,
            threshold,
            witnesses: WitnessPolicy::compile(&trust.witnesses, trust.witness_policy.as_deref())?,
            max_age_seconds: trust.max_age_seconds,
            predicate_types: trust.predicate_types.iter().map(|p| (p.predicate_type.clone(), p.kind)).collect(),
            payload_types: trust.payload_types.iter().cloned().collect(),
            root,
        })
    }

    /// The key of this fingerprint.
    pub fn key(&self, fingerprint: Digest) -> Option<&CompiledKey> {
        self.keys.get(&fingerprint)
    }

    /// The tenant's own predicate types and the kinds that it gives them.
    pub fn own_types(&self) -> Vec<(&str, Kind)> {
        self.predicate_types.iter().map(|(name, kind)| (name.as_str(), *kind)).collect()
    }

    /// All keys, by fingerprint.
    pub fn keys(&self) -> impl Iterator<Item = &CompiledKey> {
        self.keys.values()
    }
}

/// How many could sign at most: the owners, and the keys that have none.
fn holders(keys: &[PinnedKey]) -> usize {
    let owners: BTreeSet<&str> = keys.iter().filter_map(|key| key.owner.as_deref()).collect();
    owners.len() + keys.iter().filter(|key| key.owner.is_none()).count()
}

/// Two names for one key would let it count twice, one name for two would hide which signed (rule T5).
fn compile_keys(pinned: &[PinnedKey]) -> Result<BTreeMap<Digest, CompiledKey>, TrustError> {
    let (mut keys, mut names) = (BTreeMap::new(), BTreeSet::new());
    for pin in pinned {
        let refuse = |reason: Reason| TrustError { reason, at: pin.name.clone() };
        let key = PublicKey::from_pem(&pin.spki, pin.algorithm).and_then(|key| key.with_encoding(pin.encoding));
        let key = key.map_err(|fault| refuse(fault.into()))?;
        let window = Window { start: pin.valid_from, end: pin.valid_until };
        if !window.is_ordered() {
            return Err(refuse(Cause::TrustWindow.into()));
        }
        if !names.insert(&pin.name) {
            return Err(refuse(Cause::TrustNameTwice.into()));
        }
        let predicate_types = pin.predicate_types.iter().cloned().collect();
        let fingerprint = key.fingerprint();
        let compiled = CompiledKey { name: pin.name.clone(), key, window, predicate_types, owner: pin.owner.clone() };
        if keys.insert(fingerprint, compiled).is_some() {
            return Err(refuse(Cause::TrustKeyTwice.into()));
        }
    }
    Ok(keys)
}

/// A pattern always covers the whole name: an unanchored one would let `evil.example/…good.example…` through.
fn compile_identity(pin: &PinnedIdentity) -> Result<CompiledIdentity, TrustError> {
    let refuse = |cause: Cause| TrustError { reason: cause.into(), at: pin.issuer.clone() };
    let san = match (&pin.san, &pin.san_regex) {
        (Some(exact), None) if !exact.is_empty() => San::Exact(exact.clone()),
        (None, Some(pattern)) if !pattern.is_empty() => {
            let anchored = regex::RegexBuilder::new(&format!(r"\A(?:{pattern})\z")).size_limit(1 << 20).build();
            // A pattern that closes our group would escape the anchors; by itself it does not compile.
            let alone = regex::RegexBuilder::new(pattern).size_limit(1 << 20).build();
            San::Pattern(alone.and(anchored).map_err(|_| refuse(Cause::TrustPattern))?)
        }
        _ => return Err(refuse(Cause::TrustIdentity)),
    };
    if pin.issuer.is_empty() {
        return Err(refuse(Cause::TrustIdentity));
    }
    Ok(CompiledIdentity { issuer: pin.issuer.clone(), san })
}
