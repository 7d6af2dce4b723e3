//! The members of a Sigstore bundle, as they stand in its text (rule P6). A member of another type is no bundle's.

use std::borrow::Cow;

use crate::event::outline::Value;

/// A 64-bit number of ProtoJSON: a number, or digits in a string. Never negative here (rule P6).
#[derive(Clone, Copy, Default)]
pub(super) struct Count(pub(super) u64);

impl Count {
    fn of(digits: &str) -> Option<Self> {
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
        digits.parse().ok().filter(|count: &u64| plain && *count <= i64::MAX.unsigned_abs()).map(Count)
    }

    pub(super) fn read(value: Value<'_, '_>) -> Option<Self> {
        Count::of(value.text().as_deref().unwrap_or(value.raw()))
    }
}

/// `verificationMaterial`.
pub(super) struct WireMaterial<'a> {
    /// `publicKey.hint`.
    pub public_key: Option<Cow<'a, str>>,
    /// `certificate.rawBytes`.
    pub certificate: Option<Cow<'a, str>>,
    /// `x509CertificateChain.certificates[].rawBytes`.
    pub x509_certificate_chain: Option<Vec<Cow<'a, str>>>,
    pub tlog_entries: Option<Vec<WireEntry<'a>>>,
    /// `timestampVerificationData.rfc3161Timestamps[].signedTimestamp`.
    pub timestamps: Option<Vec<Cow<'a, str>>>,
}

/// One of `tlogEntries`.
pub(super) struct WireEntry<'a> {
    pub log_index: Count,
    pub log_id: Cow<'a, str>,
    pub kind: Cow<'a, str>,
    pub version: Cow<'a, str>,
    pub integrated_time: Option<Count>,
    pub promise: Option<Cow<'a, str>>,
    pub proof: Option<WireProof<'a>>,
    pub canonicalized_body: Cow<'a, str>,
}

/// `inclusionProof`.
pub(super) struct WireProof<'a> {
    pub log_index: Count,
    pub root_hash: Option<Cow<'a, str>>,
    pub tree_size: Count,
    pub hashes: Vec<Cow<'a, str>>,
    pub checkpoint: Option<Cow<'a, str>>,
}

impl<'a> WireMaterial<'a> {
    pub fn read(value: Value<'_, 'a>) -> Option<Self> {
        let object = value.object()?;
        let raw_bytes = |value: Value<'_, 'a>| value.object()?.needed("rawBytes", Value::text);
        let chain = |value: Value<'_, 'a>| {
            value.object()?.defaulted("certificates", |certificates| certificates.list(raw_bytes))
        };
        let token = |value: Value<'_, 'a>| value.object()?.needed("signedTimestamp", Value::text);
        let tokens = |value: Value<'_, 'a>| value.object()?.optional("rfc3161Timestamps", |tokens| tokens.list(token));
        Some(WireMaterial {
            public_key: object.optional("publicKey", |key| key.object()?.defaulted("hint", Value::text))?,
            certificate: object.optional("certificate", raw_bytes)?,
            x509_certificate_chain: object.optional("x509CertificateChain", chain)?,
            tlog_entries: object.optional("tlogEntries", |entries| entries.list(WireEntry::read))?,
            timestamps: object.optional("timestampVerificationData", tokens)?.flatten(),
        })
    }
}

impl<'a> WireEntry<'a> {
    fn read(value: Value<'_, 'a>) -> Option<Self> {
        let object = value.object()?;
        let kind_version = object.member("kindVersion")?.object()?;
        let promise = |value: Value<'_, 'a>| value.object()?.needed("signedEntryTimestamp", Value::text);
        Some(WireEntry {
            log_index: object.defaulted("logIndex", Count::read)?,
            log_id: object.needed("logId", |id| id.object()?.needed("keyId", Value::text))?,
            kind: kind_version.needed("kind", Value::text)?,
            version: kind_version.needed("version", Value::text)?,
            integrated_time: object.optional("integratedTime", Count::read)?,
            promise: object.optional("inclusionPromise", promise)?,
            proof: object.optional("inclusionProof", WireProof::read)?,
            canonicalized_body: object.needed("canonicalizedBody", Value::text)?,
        })
    }
}

impl<'a> WireProof<'a> {
    fn read(value: Value<'_, 'a>) -> Option<Self> {
        let object = value.object()?;
        let note = |value: Value<'_, 'a>| value.object()?.defaulted("envelope", Value::text);
        Some(WireProof {
            log_index: object.defaulted("logIndex", Count::read)?,
            root_hash: object.optional("rootHash", Value::text)?,
            tree_size: object.needed("treeSize", Count::read)?,
            hashes: object.defaulted("hashes", |hashes| hashes.list(Value::text))?,
            checkpoint: object.optional("checkpoint", note)?,
        })
    }
}
