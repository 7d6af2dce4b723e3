//! Why: the closed union of every code that a verdict can carry. Each has a page in `docs/`.

use super::AttestationStatus;
use super::intake::Intake;
use crate::event::json;
use crate::{evidence, formats};

crate::codes! {
    /// What the verdict itself says, beyond what is wrong with bytes. In order of gravity.
    pub enum Cause {
        /// `keyid` and the bundle's hint differ. Write the same in both, or no `keyid`.
        KeyHintMismatch = "key-hint-mismatch",
        /// The certificate does not lead to an authority of the trust root, or may not sign, or the bundle carries a root.
        /// Use a trusted Fulcio, and leave roots out of the bundle.
        CertificateInvalid = "certificate-invalid",
        /// A verified time outside the certificate's validity. Sign while it is valid.
        CertificateTime = "certificate-not-valid-at-time",
        /// No certificate transparency log of the trust root vouches for the certificate. Use a trusted Fulcio.
        CertificateNotLogged = "certificate-not-logged",
        /// A trusted log's timestamp in the certificate is wrong, untimely, or of another issuer. Look for tampering.
        CertificateStamp = "certificate-timestamp-invalid",
        /// A time stamp that is no response or token of RFC 3161 with one signer. Ask the authority again.
        TimestampMalformed = "timestamp-token-malformed",
        /// The authority did not grant the time stamp. Ask the authority again.
        TimestampNotGranted = "timestamp-not-granted",
        /// A time stamp of another signature. Attach the one of this signature.
        TimestampImprint = "timestamp-imprint-mismatch",
        /// A time stamp with a hash or a signature that is not accepted. Ask for SHA-256 or better.
        TimestampAlgorithm = "timestamp-algorithm",
        /// A trusted authority's time stamp that it has not signed, or may not sign. Look for tampering.
        TimestampToken = "timestamp-token-invalid",
        /// A verified time that lies too far ahead of the clock. Correct the clock of log or authority.
        TimeInFuture = "time-in-future",
        /// A good signature about the same subject that binds another document. Attest this document.
        DocumentUnbound = "document-unbound",

        /// No configured key or identity fits. Register the signer's key, or sign with a registered one.
        KeyUnknown = "key-unknown",
        /// The certificate's issuer and name are none of the configured identities. Register them.
        IdentityMismatch = "identity-mismatch",
        /// A certificate that is not X.509, has not one name, or has an extension of Fulcio that cannot be read. Sign with
        /// a certificate of a current Fulcio.
        CertificateMalformed = "certificate-malformed",
        /// The certificate says of no issuer who vouched for its name. Configure an identity whose issuer is the authority's
        /// own address in the trust root.
        CertificateIssuerMissing = "certificate-issuer-missing",
        /// The key was revoked before the signature's trusted time, or the signature has none. Sign with another key.
        KeyRevoked = "key-revoked",
        /// Fewer different configured keys have signed than are demanded. Collect the other signatures.
        ThresholdNotMet = "threshold-not-met",
        /// A payload type that the tenant does not list. Sign `application/vnd.in-toto+json`.
        PayloadType = "payload-type",
        /// A predicate type that is neither built in nor configured. Use a known one or configure it.
        PredicateTypeUnknown = "predicate-type-unknown",
        /// The key may not sign this predicate type. Sign with the key that may.
        KeyPredicateType = "key-predicate-type",
        /// A trusted time is needed and none was verified. Attach a log entry with promise or a time stamp.
        TimeMissing = "trusted-time-missing",
        /// A verified time outside the key's window. Sign with the key that is in use.
        KeyNotValidAtTime = "key-not-valid-at-time",
        /// The trusted time is older than the tenant accepts. Sign again.
        TooOld = "too-old",
        /// A verified time is ahead of the clock; the result counts when the clock reaches it. Wait.
        NotYetValid = "not-yet-valid",
        /// Evidence of a log or an authority, and no trust root to check it against. Configure one.
        TrustRootMissing = "trust-root-missing",
        /// A log that the trust root does not hold. Use a trusted log, or extend the trust root.
        LogUnknown = "log-unknown",
        /// A verified time outside the log key's window. Use the log's current shard.
        LogNotValidAtTime = "log-not-valid-at-time",
        /// The certificate's authority, or a certificate above it, was not valid at a verified time. Use the authority that
        /// is in use.
        AuthorityNotValidAtTime = "authority-not-valid-at-time",
        /// A time stamp authority that the trust root does not hold. Use a trusted one, or extend the trust root.
        TimestampAuthority = "timestamp-authority-unknown",
        /// The time stamp authority, or a certificate above it, was not valid at its own time. Use the one that is in use.
        TimestampAuthorityTime = "timestamp-authority-not-valid-at-time",
        /// A log entry is demanded and there is none. Log the signature and attach the entry.
        LogRequired = "log-required",
        /// An inclusion proof is demanded and there is none. Attach the proof.
        InclusionProofMissing = "inclusion-proof-missing",
        /// Too few of the witnesses that the tenant demands cosigned the checkpoint. Attach a proof under a cosigned one.
        WitnessQuorum = "witness-quorum-not-met",

        /// Base64 of the URL-safe alphabet; accepted and noted.
        NotedUrlSafe = "noted-base64-url-safe",
        /// An older spelling of the bundle's media type; accepted and noted.
        NotedMediaType = "noted-media-type-spelling",
        /// The payload is not RFC 8785 canonical JSON; accepted and noted.
        NotedNotCanonical = "noted-payload-not-canonical",

        /// The same key under two names. Configure it once.
        TrustKeyTwice = "trust-key-twice",
        /// Two keys of one name. Name them apart.
        TrustNameTwice = "trust-name-twice",
        /// A window that ends before it begins. Correct it.
        TrustWindow = "trust-window",
        /// An identity with neither exact name nor pattern, or with both, or an empty issuer. Give one.
        TrustIdentity = "trust-identity",
        /// A pattern that does not compile, or is too large. Correct it.
        TrustPattern = "trust-pattern",
        /// A threshold of zero, or of more keys than are configured. Correct it.
        TrustThreshold = "trust-threshold",
        /// The same witness twice. Configure it once.
        TrustWitnessTwice = "trust-witness-twice",
        /// A witness policy that is not one (C2SP tlog-policy), or that names logs. Correct the line.
        TrustWitnessPolicy = "trust-witness-policy",
        /// More keys or identities than a tenant may have. Split the tenant.
        TrustLimit = "trust-limit",
        /// The trust root's bytes are not those of the configured digest. Look for tampering.
        TrustRootDigest = "trust-root-digest",
        /// The trust root does not parse, or lacks what it must hold. Use one made by a current tool.
        TrustRootMalformed = "trust-root-malformed",
        /// A log's id is not that of its key, or stands twice. Look for tampering.
        TrustRootLogId = "trust-root-log-id",
    }
}

/// Every code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    Intake(Intake),
    Json(json::Fault),
    Format(formats::Fault),
    Evidence(evidence::Fault),
    Verdict(Cause),
    Note(formats::Note),
}

/// What happens to input with this reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Not processable: the bytes go unchanged to the dead-letter topic.
    DeadLetter,
    /// Well formed and not trusted: quarantine.
    Quarantine,
    /// Accepted, and noted in the checks.
    Noted,
    /// A configuration that is not activated.
    Configuration,
}

impl Reason {
    /// Every reason, the gravest first.
    pub fn all() -> impl Iterator<Item = Reason> {
        let json = json::Fault::ALL.iter().copied().map(Reason::Json);
        let evidence = evidence::Fault::ALL.iter().copied().map(Reason::Evidence);
        let intake = Intake::ALL.iter().copied().map(Reason::Intake);
        let format = formats::Fault::ALL.iter().copied().map(Reason::Format);
        let verdict = Cause::ALL.iter().copied().map(Reason::Verdict);
        let notes = formats::Note::ALL.iter().copied().map(Reason::Note);
        intake.chain(json).chain(format).chain(evidence).chain(verdict).chain(notes)
    }

    pub const fn code(self) -> &'static str {
        match self {
            Reason::Intake(intake) => intake.code(),
            Reason::Json(fault) => fault.code(),
            Reason::Format(fault) => fault.code(),
            Reason::Evidence(fault) => fault.code(),
            Reason::Verdict(cause) => cause.code(),
            Reason::Note(note) => note.code(),
        }
    }

    pub fn from_code(code: &str) -> Option<Reason> {
        Reason::all().find(|reason| reason.code() == code)
    }

    pub const fn class(self) -> Class {
        use evidence::Fault as F;
        match self {
            Reason::Intake(_) | Reason::Json(_) | Reason::Format(_) => Class::DeadLetter,
            Reason::Evidence(F::KeyMalformed | F::KeyWeak | F::KeyAlgorithm | F::WitnessKey) => Class::Configuration,
            Reason::Evidence(
                F::Form
                | F::NoEnvelope
                | F::Field
                | F::Base64
                | F::Limit
                | F::MediaType
                | F::Material
                | F::Unsigned
                | F::SignatureCount
                | F::EntryDuplicate
                | F::EntryUnproven,
            ) => Class::DeadLetter,
            Reason::Evidence(_) => Class::Quarantine,
            Reason::Verdict(Cause::NotedUrlSafe | Cause::NotedMediaType | Cause::NotedNotCanonical) => Class::Noted,
            Reason::Verdict(cause) if (cause as usize) >= (Cause::TrustKeyTwice as usize) => Class::Configuration,
            // A document that cannot be compared is accepted, and no predicate that repeats it can bless it.
            Reason::Verdict(_) | Reason::Note(formats::Note::DocumentNumberInexact) => Class::Quarantine,
            Reason::Note(_) => Class::Noted,
        }
    }

    /// The status of an attestation that fails for this reason alone: `failed` where trusted evidence is wrong,
    /// `key-policy-mismatch` where it is right and not accepted.
    pub const fn status(self) -> AttestationStatus {
        match self {
            Reason::Verdict(cause) if (cause as usize) >= (Cause::KeyUnknown as usize) => {
                AttestationStatus::KeyPolicyMismatch
            }
            _ => AttestationStatus::Failed,
        }
    }

    /// The status of an HTTP answer that refuses for this reason.
    pub const fn http_status(self) -> u16 {
        match (self, self.class()) {
            (Reason::Evidence(evidence::Fault::Limit), _) => 413,
            (_, Class::DeadLetter) => 400,
            (_, Class::Noted) => 200,
            (_, Class::Quarantine | Class::Configuration) => 422,
        }
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

impl std::error::Error for Reason {}

impl From<json::Fault> for Reason {
    fn from(fault: json::Fault) -> Self {
        Reason::Json(fault)
    }
}

impl From<formats::Note> for Reason {
    fn from(note: formats::Note) -> Self {
        Reason::Note(note)
    }
}

impl From<formats::FormatError> for Reason {
    fn from(error: formats::FormatError) -> Self {
        match error {
            formats::FormatError::Json(fault) => Reason::Json(fault),
            formats::FormatError::Format(fault) => Reason::Format(fault),
        }
    }
}

impl From<evidence::Fault> for Reason {
    fn from(fault: evidence::Fault) -> Self {
        Reason::Evidence(fault)
    }
}

impl From<Cause> for Reason {
    fn from(cause: Cause) -> Self {
        Reason::Verdict(cause)
    }
}

impl From<evidence::Refusal> for Reason {
    fn from(refusal: evidence::Refusal) -> Self {
        match refusal {
            evidence::Refusal::Json(fault) => fault.into(),
            evidence::Refusal::Evidence(fault) => fault.into(),
        }
    }
}

impl From<Intake> for Reason {
    fn from(intake: Intake) -> Self {
        Reason::Intake(intake)
    }
}

impl From<formats::Fault> for Reason {
    fn from(fault: formats::Fault) -> Self {
        Reason::Format(fault)
    }
}
