//! The trust root: `trusted_root.json`, loaded once and fail closed (rules T1 to T4).

use std::sync::Arc;

use serde::Deserialize;
use sigstore_trust_root::TrustedRoot;
use sigstore_types::{DerCertificate, TimeRange, TsaAuthority};
use sigstore_verify::Verifier;

use super::{Reason, reason::Cause};
use crate::event::{Digest, Millis, base64, json, limits};
use crate::evidence::note::LogKey;
use crate::evidence::{PublicKey, keys};

/// A window in time, closed at both ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub start: Option<Millis>,
    pub end: Option<Millis>,
}

impl Window {
    pub fn contains(&self, time: Millis) -> bool {
        self.start.is_none_or(|start| start <= time) && self.end.is_none_or(|end| time <= end)
    }

    pub fn is_ordered(&self) -> bool {
        !matches!((self.start, self.end), (Some(start), Some(end)) if end < start)
    }

    /// Whether it bounds anything.
    pub fn is_bound(&self) -> bool {
        self.start.is_some() || self.end.is_some()
    }
}

/// A log of the trust root and the window of its key.
#[derive(Debug, Clone)]
pub struct TrustedLog {
    pub log: LogKey,
    pub window: Window,
}

/// A loaded trust root.
pub struct TrustRoot {
    digest: Digest,
    logs: Vec<TrustedLog>,
    pub(super) authorities: Vec<TsaAuthority>,
    pub(super) verifier: Verifier,
}

impl std::fmt::Debug for TrustRoot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TrustRoot({}, {} logs)", self.digest, self.logs.len())
    }
}

const MEDIA_TYPES: [&str; 3] = [
    "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    "application/vnd.dev.sigstore.trustedroot.v0.1+json",
    "application/vnd.dev.sigstore.trustedroot.v0.2+json",
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireRoot {
    media_type: String,
    #[serde(default)]
    tlogs: Vec<WireLog>,
    #[serde(default)]
    ctlogs: Vec<WireLog>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireLog {
    base_url: String,
    public_key: WireKey,
    log_id: WireLogId,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireKey {
    raw_bytes: String,
    valid_for: WireWindow,
}

#[derive(Deserialize)]
struct WireWindow {
    start: Millis,
    #[serde(default)]
    end: Option<Millis>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireLogId {
    key_id: String,
}

impl TrustRoot {
    /// Loads a trust root that must have this digest (rule T1).
    pub fn load(bytes: &[u8], pinned: Digest) -> Result<Arc<Self>, Reason> {
        let digest = Digest::of(bytes);
        if digest != pinned {
            return Err(Cause::TrustRootDigest.into());
        }
        if bytes.len() > limits::RECORD_MAX {
            return Err(Cause::TrustRootMalformed.into());
        }
        json::check(bytes)?;
        let wire: WireRoot = serde_json::from_slice(bytes).map_err(|_| Cause::TrustRootMalformed)?;
        if !MEDIA_TYPES.contains(&wire.media_type.as_str()) {
            return Err(Cause::TrustRootMalformed.into());
        }
        let mut logs: Vec<TrustedLog> = Vec::new();
        for log in &wire.tlogs {
            let log = log.read()?;
            if logs.iter().any(|other| other.log.id == log.log.id) {
                return Err(Cause::TrustRootLogId.into());
            }
            logs.push(log);
        }
        for log in &wire.ctlogs {
            log.check_certificate_log()?;
        }
        let text = std::str::from_utf8(bytes).map_err(|_| Cause::TrustRootMalformed)?;
        let theirs = TrustedRoot::from_json(text).map_err(|_| Cause::TrustRootMalformed)?;
        let verifier = Verifier::new(&theirs).map_err(|_| Cause::TrustRootMalformed)?;
        let authorities = authorities(&theirs)?;
        Ok(Arc::new(TrustRoot { digest, logs, authorities, verifier }))
    }

    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The log of this id.
    pub fn log(&self, id: Digest) -> Option<&TrustedLog> {
        self.logs.iter().find(|log| log.log.id == id)
    }
}

impl WireLog {
    /// A log whose id is recomputed, never believed (rule T3).
    fn read(&self) -> Result<TrustedLog, Reason> {
        let spki = base64::decode(&self.public_key.raw_bytes).map_err(|_| Cause::TrustRootMalformed)?;
        let key = PublicKey::of_log(&spki)?;
        let name = host(&self.base_url).ok_or(Cause::TrustRootMalformed)?.to_owned();
        let id = self.id()?;
        if id != LogKey::id_by_key(&key) && Some(id) != LogKey::id_by_name(&name, &key) {
            return Err(Cause::TrustRootLogId.into());
        }
        Ok(TrustedLog { log: LogKey { id, name, key }, window: self.public_key.valid_for.read()? })
    }

    fn check_certificate_log(&self) -> Result<(), Reason> {
        let key = base64::decode(&self.public_key.raw_bytes).map_err(|_| Cause::TrustRootMalformed)?;
        self.public_key.valid_for.read()?;
        let id = self.id()?;
        let by_key = id == Digest::of(&key) || id == Digest::of(&keys::rsa_spki(&key));
        if by_key { Ok(()) } else { Err(Cause::TrustRootLogId.into()) }
    }

    fn id(&self) -> Result<Digest, Reason> {
        let id = base64::decode(&self.log_id.key_id).ok().and_then(|id| id.try_into().ok());
        Ok(Digest::from_bytes(id.ok_or(Cause::TrustRootLogId)?))
    }
}

impl WireWindow {
    fn read(&self) -> Result<Window, Reason> {
        let window = Window { start: Some(self.start), end: self.end };
        if window.is_ordered() { Ok(window) } else { Err(Cause::TrustRootMalformed.into()) }
    }
}

/// The host of a URL, without port: the name under which a log signs.
fn host(url: &str) -> Option<&str> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', ':']).next()?;
    (!host.is_empty()).then_some(host)
}

/// Time stamp authorities, each kept as one unit of chain and window (rule T4).
fn authorities(root: &TrustedRoot) -> Result<Vec<TsaAuthority>, Reason> {
    let mut units = Vec::new();
    for authority in &root.timestamp_authorities {
        let mut chain: Vec<DerCertificate> =
            authority.cert_chain.certificates.iter().map(|entry| entry.raw_bytes.clone()).collect();
        let anchor = chain.pop().ok_or(Cause::TrustRootMalformed)?;
        let leaf = if chain.is_empty() { anchor.clone() } else { chain.remove(0) };
        let window = authority.valid_for.map(|range| TimeRange::new(range.start, range.end));
        units.push(TsaAuthority::new(leaf, chain, anchor, window));
    }
    Ok(units)
}
