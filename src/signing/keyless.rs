//! A keyless authority for tests: certificates as Fulcio issues them, seen by a certificate log, signatures stamped and
//! logged. Its ECDSA signatures are randomised, so that two runs give different bytes and the same verdicts.

use serde_json::{Value, json};

use super::authority::payload;
use super::certificate::{Certify, extension, of_authority};
use super::log::{Logged, in_bundle};
use super::misissue::{CertificateLogs, Issuer, certify};
use super::stamp::{Stamper, StamperIs};
use super::statement::{IN_TOTO, Sealed, put};
use super::wrong_keyless::KeylessWrong as W;
use super::{Attested, Order, Predicate, Signer, SigningError, TransparencyLog};
use crate::event::{Digest, Millis, Subject, base64, jcs};
use crate::evidence::{LogEntry, pem};

/// Who signs, and when.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    pub issuer: &'a str,
    /// The signer's name.
    pub uri: &'a str,
    pub at: Millis,
}

/// An order for one attestation.
#[derive(Debug, Clone)]
pub struct KeylessOrder<'a> {
    pub subjects: &'a [Subject],
    pub predicate: Predicate<'a>,
    pub signed: Signed<'a>,
    /// When the log says that it logged it; `None`: it is not logged.
    pub logged: Option<Millis>,
    /// When the time stamp authority says that it stamped it; `None`: it is not stamped.
    pub stamped: Option<Millis>,
    pub wrong: Option<W>,
}

/// An authority over certificates: a root and an intermediate.
#[derive(Debug)]
struct Unit {
    /// The name of the intermediate, and its key.
    name: String,
    key: Signer,
    chain: [Vec<u8>; 2],
    /// When the trust root retired it.
    until: Option<Millis>,
}

/// Authorities over certificates, certificate logs, time stamp authorities and a log.
#[derive(Debug)]
pub struct KeylessAuthority {
    name: String,
    start: Millis,
    seed: u64,
    /// In the trust root: in use, with an expired intermediate, with an expired root, retired.
    units: [Unit; 4],
    stranger: Unit,
    certificate_log: Signer,
    other_certificate_log: Signer,
    /// In the trust root: in use, of many uses, uncritical, expired, with an expired root, retired.
    stampers: [Stamper; 6],
    other_stamper: Stamper,
    log: TransparencyLog,
}

const YEAR_MS: i64 = 365 * 86_400_000;
const HOUR_MS: i64 = 3_600_000;

impl KeylessAuthority {
    /// The authority of this name and seed; what is to have expired has at `start`.
    pub fn new(name: &str, seed: u64, start: Millis) -> Result<Self, SigningError> {
        let p256 = |role: &str| Signer::ecdsa_p256(seed_of(name, role, seed));
        let (from, long) = (start.plus(-YEAR_MS), start.plus(YEAR_MS));
        let unit = |role: &str, intermediate_until: Millis, root_until: Millis, until: Option<Millis>| {
            let keys = [p256(role)?, p256(&format!("{role} root"))?];
            unit(&format!("{name} {role}"), keys, from, [intermediate_until, root_until], until)
        };
        let stamper = |role: &str, is: StamperIs| {
            Stamper::new(&format!("{name} {role}"), p256(role)?, &p256(&format!("{role} root"))?, from, is)
        };
        let is = StamperIs { many: false, critical: true, leaf_until: long, root_until: long };
        let log_key = Signer::ed25519(seed_of(name, "log", seed))?;
        Ok(KeylessAuthority {
            name: name.to_owned(),
            start,
            seed,
            units: [
                unit("authority", long, long, None)?,
                unit("authority of yesterday", start, long, None)?,
                unit("authority of the day before", long, start, None)?,
                unit("retired authority", long, long, Some(start))?,
            ],
            stranger: unit("stranger", long, long, None)?,
            certificate_log: p256("certificate log")?,
            other_certificate_log: p256("other certificate log")?,
            stampers: [
                stamper("stamper", is)?,
                stamper("stamper of many uses", StamperIs { many: true, ..is })?,
                stamper("uncritical stamper", StamperIs { critical: false, ..is })?,
                stamper("expired stamper", StamperIs { leaf_until: start, ..is })?,
                stamper("stamper below an expired root", StamperIs { root_until: start, ..is })?,
                stamper("retired stamper", is)?,
            ],
            other_stamper: stamper("other stamper", is)?,
            log: TransparencyLog::new(log_key, &format!("{name}.log.example"), seed | 1 << 62),
        })
    }

    /// The address of the authority in use.
    pub fn uri(&self) -> String {
        format!("https://fulcio.{}.example", self.name)
    }

    /// `trusted_root.json`; `certificate_logs` tells whether it holds a certificate log.
    pub fn trust_root(&self, certificate_logs: bool) -> Vec<u8> {
        let from = self.start.plus(-YEAR_MS);
        let raw = |der: &Vec<u8>| json!({ "rawBytes": base64::encode(der) });
        let window = |until: Option<Millis>| match until {
            Some(end) => json!({ "start": from, "end": end }),
            None => json!({ "start": from }),
        };
        let authority = |at: usize, unit: &Unit| {
            let uri = if at == 0 { self.uri() } else { format!("https://fulcio-{at}.{}.example", self.name) };
            let certificates: Vec<Value> = unit.chain.iter().map(raw).collect();
            json!({ "uri": uri, "subject": { "organization": self.name, "commonName": unit.name },
                "certChain": { "certificates": certificates }, "validFor": window(unit.until) })
        };
        let stamper = |at: usize, stamper: &Stamper| {
            let until = (at == 5).then_some(self.start);
            json!({ "uri": format!("https://stamp-{at}.{}.example", self.name),
                "subject": { "organization": self.name, "commonName": "stamper" },
                "certChain": { "certificates": [raw(&stamper.leaf), raw(&stamper.root)] }, "validFor": window(until) })
        };
        let certificate_log = json!({
            "baseUrl": format!("https://ct.{}.example", self.name),
            "hashAlgorithm": "SHA2_256",
            "publicKey": { "rawBytes": base64::encode(self.certificate_log.public().spki()),
                "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": { "start": from } },
            "logId": { "keyId": base64::encode(self.certificate_log.fingerprint().as_bytes()) },
        });
        let enumerated =
            |units: &[Unit]| units.iter().enumerate().map(|(at, unit)| authority(at, unit)).collect::<Vec<_>>();
        let stampers: Vec<Value> = self.stampers.iter().enumerate().map(|(at, one)| stamper(at, one)).collect();
        jcs::of_own_value(&json!({
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [self.log.trusted(from)],
            "certificateAuthorities": enumerated(&self.units),
            "ctlogs": if certificate_logs { vec![certificate_log] } else { Vec::new() },
            "timestampAuthorities": stampers,
        }))
    }

    /// A tenant's trust in the names below `https://ci.example/`, for which `issuer` vouches.
    pub fn tenant_trust(&self, tenant: &str, issuer: &str, log: &str) -> Value {
        let identity = json!({ "issuer": issuer, "sanRegex": r"https://ci\.example/.+" });
        json!({ "tenant": tenant, "identities": [identity], "log": log })
    }

    /// Signs what is ordered, right or wrong.
    pub fn attest(&mut self, order: &KeylessOrder<'_>) -> Result<Attested, SigningError> {
        let said = Order {
            subjects: order.subjects,
            predicate: order.predicate.clone(),
            at: order.signed.at,
            logged: order.logged.is_some(),
            wrong: None,
        };
        let key = Signer::ecdsa_p256(seed_of(&self.name, "leaf", self.seed))?;
        let leaf = self.leaf(&key, order)?;
        let sealed = Sealed::seal(IN_TOTO, payload(&said), &key)?;
        let envelope = sealed.envelope();
        let entries = self.enter(&sealed, &leaf, order)?;
        let stamp = self.stamp(&sealed.signature, order)?;
        let mut material = json!({ "tlogEntries": entries.iter().map(in_bundle).collect::<Vec<_>>() });
        if let Some(stamp) = stamp {
            let stamps = json!({ "rfc3161Timestamps": [{ "signedTimestamp": base64::encode(&stamp) }] });
            put(&mut material, "timestampVerificationData", stamps);
        }
        let version = self.put_certificates(&mut material, &leaf, order.wrong);
        let bundle = json!({
            "mediaType": format!("application/vnd.dev.sigstore.bundle+json;version={version}"),
            "verificationMaterial": material,
            "dsseEnvelope": envelope,
        });
        Ok(Attested { bytes: jcs::of_own_value(&bundle), envelope: Digest::of(&jcs::of_own_value(&envelope)) })
    }

    /// The unit that issues the leaf.
    fn unit(&self, wrong: Option<W>) -> &Unit {
        let [current, yesterday, before, retired] = &self.units;
        match wrong {
            Some(W::IntermediateExpired) => yesterday,
            Some(W::AnchorExpired) => before,
            Some(W::AuthorityRetired) => retired,
            Some(W::AuthorityUnknown | W::ChainOfAnotherInBundle) => &self.stranger,
            _ => current,
        }
    }

    fn leaf(&self, key: &Signer, order: &KeylessOrder<'_>) -> Result<Vec<u8>, SigningError> {
        let unit = self.unit(order.wrong);
        let signs = if order.wrong == Some(W::LeafForged) { &self.stranger.key } else { &unit.key };
        let by = Issuer { name: &unit.name, key: signs };
        let logs = CertificateLogs { trusted: &self.certificate_log, other: &self.other_certificate_log };
        certify(key, &by, &logs, &order.signed, order.wrong)
    }

    /// Puts the certificate into the material, and what else comes along; gives the version of the bundle.
    fn put_certificates(&self, material: &mut Value, leaf: &[u8], wrong: Option<W>) -> &'static str {
        let raw = |der: &[u8]| json!({ "rawBytes": base64::encode(der) });
        let [intermediate, root] = &self.unit(wrong).chain;
        let chain = match wrong {
            Some(W::RootInBundle) => vec![raw(leaf), raw(intermediate), raw(root)],
            Some(W::ChainOfAnotherInBundle) => vec![raw(leaf), raw(intermediate)],
            _ => {
                put(material, "certificate", raw(leaf));
                return "0.3";
            }
        };
        put(material, "x509CertificateChain", json!({ "certificates": chain }));
        "0.2"
    }

    fn enter(&mut self, sealed: &Sealed, leaf: &[u8], order: &KeylessOrder<'_>) -> Result<Vec<LogEntry>, SigningError> {
        let Some(at) = order.logged else { return Ok(Vec::new()) };
        let at = if order.wrong == Some(W::TwoTimesOneOutside) { at.plus(-HOUR_MS) } else { at };
        let (envelope, verifier) = (jcs::of_own_value(&sealed.envelope()), pem::encode(leaf, "CERTIFICATE"));
        let (payload, signature) = (sealed.payload.as_slice(), sealed.signature.as_slice());
        let mut entry = self.log.append(Logged { envelope: &envelope, payload, signature, verifier: &verifier }, at)?;
        if order.wrong == Some(W::NoTime) {
            entry.promise = None;
        }
        Ok(vec![entry])
    }

    fn stamp(&self, signature: &[u8], order: &KeylessOrder<'_>) -> Result<Option<Vec<u8>>, SigningError> {
        let Some(at) = order.stamped.filter(|_| order.wrong != Some(W::NoTime)) else { return Ok(None) };
        let [current, many, uncritical, expired, below, retired] = &self.stampers;
        let (signs, shown) = match order.wrong {
            Some(W::StampUnknown | W::StampInjected) => (&self.other_stamper, &self.other_stamper),
            Some(W::StampByAnotherKey) => (&self.other_stamper, current),
            Some(W::StampOfManyUses) => (many, many),
            Some(W::StampUncritical) => (uncritical, uncritical),
            Some(W::StampExpired) => (expired, expired),
            Some(W::StampAnchorExpired) => (below, below),
            Some(W::StampRetired) => (retired, retired),
            _ => (current, current),
        };
        let inside = if order.wrong == Some(W::StampInjected) { Some(current.leaf.as_slice()) } else { None };
        signs.stamp_as(shown, inside, (signature, at), order.wrong).map(Some)
    }
}

fn seed_of(name: &str, role: &str, seed: u64) -> [u8; 32] {
    let parts: [&[u8]; 4] = [b"attestream keyless authority", name.as_bytes(), role.as_bytes(), &seed.to_be_bytes()];
    *Digest::of_parts(&parts).as_bytes()
}

/// An authority of two certificates, the intermediate's first; `untils` are when intermediate and root end.
fn unit(
    name: &str,
    [key, root]: [Signer; 2],
    from: Millis,
    untils: [Millis; 2],
    until: Option<Millis>,
) -> Result<Unit, SigningError> {
    let root_name = format!("{name} root");
    let [intermediate_until, root_until] = untils;
    let mut extensions = of_authority();
    extensions.push(extension(&[0x55, 0x1d, 37], false, &[0x30, 10, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 3]));
    let certify = |serial, subject, not_after, spki, extensions| Certify {
        serial,
        issuer: &root_name,
        subject,
        not_before: from,
        not_after,
        spki,
        extensions,
    };
    let intermediate = certify(2, name, intermediate_until, key.public().spki(), extensions).sign(&root)?;
    let anchor = certify(1, &root_name, root_until, root.public().spki(), of_authority()).sign(&root)?;
    Ok(Unit { name: name.to_owned(), key, chain: [intermediate, anchor], until })
}
