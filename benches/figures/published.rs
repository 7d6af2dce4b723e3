//! A published bundle of a pinned key with its entry in a Rekor log, as cosign made it; nothing is remembered.

use attestream::event::Digest;
use attestream::verdict::{CompiledTrust, TenantTrust, TrustRoot};
use serde_json::json;

use crate::Outcome;
use crate::forget;
use crate::report::{Report, Unit};
use crate::spent::measure as spent;
use crate::verifier::{Case, ours, verify};

pub struct Published {
    pub name: &'static str,
    pub root: &'static str,
    pub bundle: &'static str,
    pub key: &'static str,
}

impl Published {
    pub const fn keyed_rekor() -> Self {
        Published {
            name: "keyed P-256, Rekor v1, real, nothing remembered",
            root: include_str!("../../tests/vectors/cosign/config/trusted-root-local.json"),
            bundle: include_str!("../../tests/vectors/cosign/keyed-log/rekor1.slsa-v1.sigstore.json"),
            key: include_str!("../../tests/vectors/cosign/keys/ecdsa-p256.pub"),
        }
    }

    pub fn measure(&self, report: &mut Report, times: usize) -> Outcome<()> {
        let key = json!({
            "name": "published", "algorithm": "ecdsa-p256-sha256", "spki": self.key, "validFrom": "2020-01-01T00:00:00Z",
        });
        let trust: TenantTrust = serde_json::from_value(json!({ "tenant": "acme", "keys": [key], "log": "proof" }))?;
        let root = TrustRoot::load(self.root.as_bytes(), Digest::of(self.root.as_bytes()))?;
        let trust = CompiledTrust::compile(&trust, Some(root))?;
        let (case, now) = (Case { bytes: self.bundle.as_bytes(), trust: &trust }, crate::whole::now());
        let (_, took) = spent(|| {
            (0..times).try_for_each(|_| {
                forget::everything();
                ours(&case, now)
            })
        })?;
        report.add(&verify(self.name), Unit::Record, times, took);
        Ok(())
    }
}
