//! The verifier alone on keyed evidence: parse and verify, beside the bare signatures of the same evidence and the bare
//! `sigstore-verify`.

use attestream::event::{Digest, Millis};
use attestream::evidence::PublicKey;
use attestream::verdict::{self, AttestationStatus, CompiledTrust, TrustRoot};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ParsedPublicKey};
use ed25519_dalek::{Signature, VerifyingKey};
use sigstore_trust_root::TrustedRoot;
use sigstore_types::{ArtifactDigest, Bundle, DerPublicKey, DigestBytes, HashAlgorithm};
use sigstore_verify::{PublicKeyVerificationPolicy, Verifier};

use crate::Outcome;
use crate::forget;
use crate::inputs::Inputs;
use crate::report::{Report, Unit};
use crate::spent::measure as spent;

/// One piece of evidence, and under what it verifies.
pub struct Case<'a> {
    pub bytes: &'a [u8],
    pub trust: &'a CompiledTrust,
}

/// Judges as admission does: by its bytes, then, where they are not known, parsing and verifying. What does not verify is a
/// fault of the benchmark.
pub fn ours(case: &Case<'_>, now: Millis) -> Outcome<()> {
    let judged = verdict::judge(case.bytes, Digest::of(case.bytes), case.trust, now)?;
    let result = &judged.result;
    if result.status == AttestationStatus::Verified { Ok(()) } else { Err(format!("{:?}", result.reasons).into()) }
}

pub fn subject_of(bytes: &[u8]) -> Outcome<ArtifactDigest> {
    let statement = verdict::parse(bytes, &[])?.statement?;
    let of = |subject: &attestream::event::Subject| {
        let sha256 = subject.digest.sha256.clone().map(|hex| (HashAlgorithm::Sha2256, hex));
        sha256.or_else(|| subject.digest.sha512.clone().map(|hex| (HashAlgorithm::Sha2512, hex)))
    };
    let (algorithm, hex) = statement.subjects.iter().find_map(of).ok_or("a subject with a digest")?;
    let digest = attestream::event::digest::unhex(&hex).ok_or("no hex")?;
    Ok(ArtifactDigest::new(algorithm, DigestBytes::new(digest))?)
}

/// The figure of parse and verify.
pub fn verify(name: &str) -> String {
    format!("verify: {name}")
}

/// The figure of the signatures alone.
pub fn signatures(name: &str) -> String {
    format!("signatures: {name}")
}

/// The figure of `sigstore-verify`.
pub fn theirs(name: &str) -> String {
    format!("sigstore-verify: {name}")
}

/// Evidence by pinned keys: every piece is another, so nothing but what the log repeats can be remembered.
pub fn keyed(report: &mut Report, inputs: &Inputs) -> Outcome<()> {
    let root = TrustRoot::load(inputs.root.json.as_bytes(), inputs.root.digest)?;
    let compiled = inputs.tenants.iter().map(|trust| CompiledTrust::compile(trust, Some(root.clone())));
    let compiled: Vec<CompiledTrust> = compiled.collect::<Result<_, _>>()?;
    let evidence: Vec<&[u8]> = inputs.evidence().filter_map(|sent| sent.value.as_deref()).collect();
    let cases = evidence.iter().zip(compiled.iter().cycle()).map(|(bytes, trust)| Case { bytes, trust });
    let cases: Vec<Case<'_>> = cases.collect();
    let name = inputs.scheme.name();

    let signed: Vec<Signed> = cases.iter().map(Signed::of).collect::<Outcome<_>>()?;
    let (_, took) = spent(|| signed.iter().try_for_each(Signed::verify))?;
    report.add(&signatures(name), Unit::Record, cases.len(), took);
    forget::everything();
    let (_, took) = spent(|| cases.iter().try_for_each(|case| ours(case, inputs.at)))?;
    report.add(&verify(name), Unit::Record, cases.len(), took);
    let (_, took) = spent(|| cases.iter().try_for_each(|case| ours(case, inputs.at)))?;
    report.add(&format!("verify: again, {name}"), Unit::Record, cases.len(), took);

    let peer = Verifier::new(&TrustedRoot::from_json(&inputs.root.json)?)?;
    let policies = inputs.tenants.iter().map(|trust| {
        let pem = &trust.keys.first().ok_or("a key")?.spki;
        Ok(PublicKeyVerificationPolicy::new(DerPublicKey::from_pem(pem)?))
    });
    let policies: Vec<PublicKeyVerificationPolicy> = policies.collect::<Outcome<_>>()?;
    let artifacts: Vec<ArtifactDigest> = cases.iter().map(|case| subject_of(case.bytes)).collect::<Outcome<_>>()?;
    let (_, took) = spent(|| {
        for ((case, policy), artifact) in cases.iter().zip(policies.iter().cycle()).zip(&artifacts) {
            let bundle = Bundle::from_json(std::str::from_utf8(case.bytes)?)?;
            peer.verify(artifact.clone(), &bundle, policy)?;
        }
        Ok(())
    })?;
    report.add(&theirs(name), Unit::Record, cases.len(), took);
    Ok(())
}

/// The three signatures of a logged piece of evidence, over messages of their sizes, with keys that are parsed.
struct Signed {
    pae: Vec<u8>,
    signature: Vec<u8>,
    key: Key,
    by_log: [(Vec<u8>, Vec<u8>); 2],
    log: ParsedPublicKey,
}

enum Key {
    Edwards(Box<VerifyingKey>),
    P256(ParsedPublicKey),
}

impl Key {
    fn of(key: &PublicKey) -> Outcome<Self> {
        let spki = key.spki();
        if let Some(point) = spki.last_chunk::<65>() {
            return Ok(Key::P256(ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point)?));
        }
        let raw = spki.last_chunk::<32>().ok_or("an Ed25519 key has 32 bytes")?;
        Ok(Key::Edwards(Box::new(VerifyingKey::from_bytes(raw)?)))
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> Outcome<()> {
        match self {
            Key::Edwards(key) => Ok(key.verify_strict(message, &Signature::from_slice(signature)?)?),
            Key::P256(key) => Ok(key.verify_sig(message, signature)?),
        }
    }
}

impl Signed {
    fn of(case: &Case<'_>) -> Outcome<Self> {
        let parsed = verdict::parse(case.bytes, &[])?.evidence;
        let signature = parsed.envelope.signatures.first().ok_or("a signature")?.sig.clone();
        let entry = parsed.entries.first().ok_or("an entry")?;
        let log = case.trust.root.as_ref().and_then(|root| root.log(entry.log_id)).ok_or("the log")?;
        let note = entry.proof.as_ref().and_then(|proof| proof.checkpoint.as_deref()).ok_or("a checkpoint")?;
        let checkpoint = attestream::evidence::note::Checkpoint::parse(note)?;
        let line = checkpoint.signatures.first().ok_or("a line")?.signature.clone();
        let promised = attestream::evidence::entry::promise_bytes(entry);
        let Key::P256(log) = Key::of(&log.log.key)? else { return Err("the log signs by P-256".into()) };
        Ok(Signed {
            pae: parsed.envelope.pae(),
            signature,
            key: Key::of(case.trust.keys().next().map(|key| &key.key).ok_or("a key")?)?,
            by_log: [
                (promised, entry.promise.clone().ok_or("a promise")?),
                (checkpoint.text.as_bytes().to_vec(), line),
            ],
            log,
        })
    }

    fn verify(&self) -> Outcome<()> {
        self.key.verify(&self.pae, &self.signature)?;
        self.by_log.iter().try_for_each(|(message, signature)| Ok(self.log.verify_sig(message, signature)?))
    }
}
