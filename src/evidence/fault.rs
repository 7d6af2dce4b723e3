//! What can be wrong with evidence, whomever one trusts.

use crate::event::json;

crate::codes! {
    /// What is wrong with evidence or with a key. Each has a page in `src/verdict/docs`.
    pub enum Fault {
        /// The bytes are none of the accepted forms. Send a Sigstore bundle, a DSSE envelope, envelope and entry, or
        /// cosign's older bundle.
        Form = "evidence-form",
        /// A bundle of a message signature. Sign an in-toto statement instead.
        NoEnvelope = "no-envelope",
        /// A member is missing or of another type. Write the form as its specification says.
        Field = "evidence-field",
        /// Text is not base64 of one alphabet with zero pad bits. Encode it again.
        Base64 = "base64-malformed",
        /// More bytes or members than any honest producer writes. Send less.
        Limit = "evidence-limit",
        /// The bundle's media type is not v0.1, v0.2 or v0.3. Use a current signer.
        MediaType = "bundle-media-type",
        /// Key, certificate or chain that the bundle's version does not allow. Use a current signer.
        Material = "bundle-material",
        /// An envelope that nobody signed. Sign it.
        Unsigned = "envelope-unsigned",
        /// A bundle with more than one signature. Send one bundle per signature.
        SignatureCount = "bundle-signature-count",
        /// The same log entry twice. Send it once.
        EntryDuplicate = "entry-duplicate",
        /// A log entry with neither proof nor promise. Ask the log for the entry again.
        EntryUnproven = "entry-unproven",

        /// A key that is not a public key in the expected encoding. Export it as SPKI PEM.
        KeyMalformed = "key-malformed",
        /// A key that proves nothing: small order, small or large modulus, bad exponent. Make another key.
        KeyWeak = "key-weak",
        /// A key of another type than its configured algorithm. Correct the configuration.
        KeyAlgorithm = "key-algorithm",

        /// The evidence is about another file. Give the file that was signed; look for tampering.
        FileMismatch = "file-mismatch",
        /// The signature can be checked against the file's bytes alone. Give the file, not its digest.
        FileNeeded = "file-needed",

        /// The signature is not one of this key over this envelope. Sign again; look for tampering.
        SignatureInvalid = "signature-invalid",

        /// The entry's body is not what its kind says. Ask the log for the entry again.
        EntryMalformed = "entry-malformed",
        /// The entry's body is of another kind than the bundle says. Build the bundle again.
        EntryKindMismatch = "entry-kind-mismatch",
        /// A kind of entry that cannot vouch for an envelope. Log it as `dsse` or `hashedrekord` 0.0.2.
        EntryUnsupported = "entry-unsupported",
        /// The entry is of another payload. Attach the entry of this envelope.
        EntryPayload = "entry-payload-mismatch",
        /// The entry is of another signature. Attach the entry of this envelope.
        EntrySignature = "entry-signature-mismatch",
        /// The entry is of another key or certificate. Attach the entry of this envelope.
        EntryKey = "entry-key-mismatch",
        /// The entry's UUID is not that of its body. Ask the log for the entry again.
        EntryUuid = "entry-uuid-mismatch",
        /// The log's promise does not verify. Ask the log for the entry again.
        PromiseInvalid = "entry-promise-invalid",
        /// The inclusion proof does not lead to the root. Ask the log for a proof again.
        InclusionInvalid = "inclusion-proof-invalid",
        /// Fields beside the checkpoint that say otherwise than it. Build the bundle again.
        ProofFields = "proof-fields-mismatch",
        /// A proof without checkpoint: nothing signs its root. Ask the log for a proof again.
        CheckpointMissing = "checkpoint-missing",
        /// The checkpoint is no signed note. Ask the log for a proof again.
        CheckpointMalformed = "checkpoint-malformed",
        /// The checkpoint is of another log. Ask the entry's log for a proof.
        CheckpointOrigin = "checkpoint-origin-mismatch",
        /// No signature of the log on the checkpoint. Ask the log for a proof again.
        CheckpointUnsigned = "checkpoint-unsigned",
        /// The log's signature on the checkpoint is wrong. Look for tampering.
        CheckpointSignature = "checkpoint-signature-invalid",
        /// A witness key is not a C2SP verifier key for cosignatures. Correct the configuration.
        WitnessKey = "witness-key-malformed",
        /// A configured witness's cosignature is wrong. Look for tampering.
        CosignatureInvalid = "cosignature-invalid",
        /// Two states of a log are not states of one log. Tell its operator and keep both.
        ConsistencyInvalid = "consistency-proof-invalid",
    }
}

/// Why bytes are not evidence: the scan of their JSON, or their form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error(transparent)]
    Json(#[from] json::Fault),
    #[error(transparent)]
    Evidence(#[from] Fault),
}
