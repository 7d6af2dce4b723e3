//! The trust root: `trusted_root.json`, loaded once and fail closed (rules T1 to T4).

use std::sync::Arc;

use serde::Deserialize;
use sigstore_trust_root::TrustedRoot;

use super::{Reason, reason::Cause};
use crate::event::{Digest, Millis, base64, json, limits};
use crate::evidence::note::LogKey;
use crate::evidence::path::Authority;
use crate::evidence::sct::CertificateLog;
use crate::evidence::timestamp::StampAuthority;
use crate::evidence::x509::Certificate;
use crate::evidence::{PublicKey, keys};

pub use crate::evidence::Window;

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
    authorities: Vec<Authority>,
    certificate_logs: Vec<CertificateLog>,
    stamp_authorities: Vec<StampAuthority>,
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
    #[serde(default)]
    certificate_authorities: Vec<WireAuthority>,
    #[serde(default)]
    timestamp_authorities: Vec<WireAuthority>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireAuthority {
    #[serde(default)]
    uri: String,
    cert_chain: WireChain,
    #[serde(default)]
    valid_for: Option<WireWindow>,
}

#[derive(Deserialize)]
struct WireChain {
    certificates: Vec<WireCertificate>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireCertificate {
    raw_bytes: String,
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
        let mut certificate_logs: Vec<CertificateLog> = Vec::new();
        for log in &wire.ctlogs {
            let log = log.read_certificate_log()?;
            if certificate_logs.iter().any(|other| other.id == log.id) {
                return Err(Cause::TrustRootLogId.into());
            }
            certificate_logs.push(log);
        }
        let authorities: Vec<_> =
            wire.certificate_authorities.iter().map(WireAuthority::read).collect::<Result<_, _>>()?;
        let stamp_authorities: Vec<_> =
            wire.timestamp_authorities.iter().map(WireAuthority::read_stamp).collect::<Result<_, _>>()?;
        // A second reader, of another author, must take it for one too.
        let text = std::str::from_utf8(bytes).map_err(|_| Cause::TrustRootMalformed)?;
        TrustedRoot::from_json(text).map_err(|_| Cause::TrustRootMalformed)?;
        authorities.iter().for_each(|authority| authority.keep_links(None));
        for StampAuthority { leaf, above, .. } in &stamp_authorities {
            above.iter().for_each(|above| above.keep_links(Some(leaf)));
        }
        Ok(Arc::new(TrustRoot { digest, logs, authorities, certificate_logs, stamp_authorities }))
    }

    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Authorities over signers' certificates.
    pub fn authorities(&self) -> &[Authority] {
        &self.authorities
    }

    /// Logs of certificates.
    pub fn certificate_logs(&self) -> &[CertificateLog] {
        &self.certificate_logs
    }

    /// Time stamp authorities.
    pub fn stamp_authorities(&self) -> &[StampAuthority] {
        &self.stamp_authorities
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

    /// A certificate log is known by its key alone; some publish an RSA key without the frame around it.
    fn read_certificate_log(&self) -> Result<CertificateLog, Reason> {
        let bytes = base64::decode(&self.public_key.raw_bytes).map_err(|_| Cause::TrustRootMalformed)?;
        let framed = keys::rsa_spki(&bytes);
        let (id, window) = (self.id()?, self.public_key.valid_for.read()?);
        let key = PublicKey::of_log(&bytes).or_else(|fault| PublicKey::of_log(&framed).map_err(|_| fault))?;
        let by_key = id == Digest::of(&bytes) || id == Digest::of(&framed);
        if by_key { Ok(CertificateLog { id, key, window }) } else { Err(Cause::TrustRootLogId.into()) }
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

impl WireAuthority {
    /// An authority, kept as one unit: the last certificate is what is trusted (rule T4).
    fn read(&self) -> Result<Authority, Reason> {
        let mut chain = self.chain()?;
        let anchor = chain.pop().ok_or(Cause::TrustRootMalformed)?;
        Ok(Authority { uri: self.uri.clone(), window: self.window()?, anchor, helpers: chain })
    }

    /// A time stamp authority: the first certificate is what stamps.
    fn read_stamp(&self) -> Result<StampAuthority, Reason> {
        let mut chain = self.chain()?;
        let anchor = chain.pop().ok_or(Cause::TrustRootMalformed)?;
        let window = self.window()?;
        if chain.is_empty() {
            return Ok(StampAuthority { leaf: anchor, above: None, window });
        }
        let leaf = chain.remove(0);
        let above = Authority { uri: self.uri.clone(), window, anchor, helpers: chain };
        Ok(StampAuthority { leaf, above: Some(above), window })
    }

    fn chain(&self) -> Result<Vec<Vec<u8>>, Reason> {
        let read = |certificate: &WireCertificate| {
            let der = base64::decode(&certificate.raw_bytes).ok()?;
            Certificate::parse(&der).is_some().then_some(der)
        };
        let chain: Option<Vec<_>> = self.cert_chain.certificates.iter().map(read).collect();
        Ok(chain.ok_or(Cause::TrustRootMalformed)?)
    }

    fn window(&self) -> Result<Window, Reason> {
        self.valid_for.as_ref().map_or(Ok(Window { start: None, end: None }), WireWindow::read)
    }
}
