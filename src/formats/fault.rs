//! Why an input is refused before anything of it is believed.

use crate::event::json;

crate::codes! {
    /// Every refusal of this room. Each sends the record to the dead-letter topic, bytes unchanged.
    pub enum Fault {
        /// The record has no value. Inputs are facts, not deletions: publish the document itself.
        ValueMissing = "value-missing",
        /// The value is compressed by its producer (zstd or gzip). Publish it plain and let the Kafka client compress.
        ValueCompressed = "value-compressed",
        /// JSON that is none of the formats, carriers and envelopes that are read. Check the document's own markers
        /// (`bomFormat`, `@context`, `version` and `runs`, `_type`, `payloadType`, `specversion`, `kind`).
        FormatUnknown = "format-unknown",
        /// The markers of two formats in one document. Publish one document per record.
        FormatAmbiguous = "format-ambiguous",
        /// A known format on a topic that does not take it. Publish it to the topic of its kind.
        FormatNotForTopic = "format-not-for-topic",
        /// The event object names a kind unlike its topic's. Correct `kind`, or publish to the topic of that kind.
        KindMismatch = "kind-mismatch",
        /// An XML document. Publish the JSON form of the same document.
        XmlNotAccepted = "xml-not-accepted",
        /// An SPDX document. Publish CycloneDX 1.6 JSON instead.
        SpdxNotAccepted = "spdx-not-accepted",
        /// A format version that is neither pinned nor accepted for the tenant. Publish the pinned version.
        UnsupportedVersion = "unsupported-version",
        /// The document does not fit the official CycloneDX schema of its version. Correct it with any CycloneDX validator.
        CyclonedxSchemaInvalid = "cyclonedx-schema-invalid",
        /// The document does not fit the official OpenVEX schema. `vulnerability` and products are objects, and `@id`,
        /// `version` and the justification of `not_affected` are among what is required.
        VexSchemaInvalid = "vex-schema-invalid",
        /// A statement of a VEX document breaks the rules of its status: `not_affected` has a justification or an impact
        /// statement, `affected` an action statement, and neither is empty.
        VexStatusUnexplained = "vex-status-unexplained",
        /// The document does not fit the official SARIF 2.1.0 schema. Correct it with any SARIF validator.
        SarifSchemaInvalid = "sarif-schema-invalid",
        /// The results of a SARIF run lie in another file, so its findings are not here. Inline them.
        SarifResultsExternal = "sarif-results-external",
        /// A digest that is not hex of its algorithm's length, or two values for one algorithm. Correct the digest.
        DigestInvalid = "digest-invalid",
        /// A stated digest (or canonical digest) is not that of the bytes. Compute it over the bytes as published.
        DigestMismatch = "digest-mismatch",
        /// The stated size is not that of the bytes. State the number of bytes before encoding, or nothing.
        SizeMismatch = "size-mismatch",
        /// A time that is not RFC 3339. Write it as `2025-11-11T12:00:00Z`.
        TimestampInvalid = "timestamp-invalid",
        /// A number beyond the range of a double. No two JSON parsers read it alike; write it as a string.
        NumberOutOfRange = "number-out-of-range",
        /// Base64 of mixed alphabets, with white space or with non-zero pad bits. Encode it again.
        Base64Invalid = "base64-invalid",
        /// Two carriers of one record name subjects that cannot be the same thing. Make event object, CloudEvents
        /// `subject`, record key and document agree, or leave out what is not known.
        SubjectMismatch = "subject-mismatch",
        /// A stated tenant that cannot be a tenant's name: 1 to 63 of `a-z 0-9 . _ -`. Correct it.
        TenantInvalid = "tenant-invalid",
        /// The record or its structured value is not CloudEvents 1.0. Give `specversion`, `id`, `source` and `type`, and
        /// either `data` or `data_base64`.
        CloudeventsInvalid = "cloudevents-invalid",
        /// The event object has an unknown member, a wrong type or no document. Follow its published schema.
        EventObjectInvalid = "event-object-invalid",
        /// A claim check that is not `cas://objects/{tenant}/sha256/{hex}`. Publish the reference that the store gave.
        ReferenceInvalid = "reference-invalid",
        /// The payload is not an in-toto Statement v1 or v0.1 with subjects, digests and a predicate type.
        StatementInvalid = "statement-invalid",
        /// More subjects, digests of one subject or materials than are read. Split the statement.
        StatementTooLarge = "statement-too-large",
        /// An in-toto statement that nobody signed. Wrap it in a DSSE envelope.
        StatementUnsigned = "statement-unsigned",
        /// Something other than a bundle or an envelope where only attestations are taken.
        NotAnAttestation = "not-an-attestation",
        /// The predicate of an attestation on a topic of documents is not itself a document of that topic's kind. Publish
        /// the document, or the attestation to `attestation.published`.
        PredicateNotADocument = "predicate-not-a-document",
    }
}

/// A refusal by this room: the bytes are no strict JSON, or what they say is not acceptable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormatError {
    Json(json::Fault),
    Format(Fault),
}

impl FormatError {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            FormatError::Json(fault) => fault.code(),
            FormatError::Format(fault) => fault.code(),
        }
    }
}

impl From<json::Fault> for FormatError {
    fn from(fault: json::Fault) -> Self {
        FormatError::Json(fault)
    }
}

impl From<Fault> for FormatError {
    fn from(fault: Fault) -> Self {
        FormatError::Format(fault)
    }
}

impl std::fmt::Display for FormatError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

impl std::error::Error for FormatError {}
