//! Every way in which the keyless authority certifies, stamps and bundles wrong, and the code that must answer it.

use super::wrong::wrongs;

wrongs! {
    /// What is done wrong, on request.
    KeylessWrong {
        /// The leaf had expired when the signature was stamped and logged.
        LeafExpired = "certificate-not-valid-at-time",
        /// Of two verified times, one lies outside the leaf's validity.
        TwoTimesOneOutside = "certificate-not-valid-at-time",
        /// The leaf is valid, and the certificate above it had expired.
        IntermediateExpired = "authority-not-valid-at-time",
        /// The leaf is valid, and the anchor had expired.
        AnchorExpired = "authority-not-valid-at-time",
        /// All certificates are valid, and the trust root has retired the authority.
        AuthorityRetired = "authority-not-valid-at-time",
        /// By an authority that the trust root does not hold.
        AuthorityUnknown = "certificate-invalid",
        /// Under the name of a trusted authority, by the key of another.
        LeafForged = "certificate-invalid",
        /// The bundle carries the root.
        RootInBundle = "certificate-invalid",
        /// The bundle carries the unknown authority's own chain.
        ChainOfAnotherInBundle = "certificate-invalid",
        /// The leaf is for servers.
        NotForCode = "certificate-invalid",
        /// The leaf does not say what it is for.
        NoPurpose = "certificate-invalid",
        /// The leaf's key is for encipherment.
        KeyNotForSigning = "certificate-invalid",
        /// The leaf calls itself an authority.
        LeafIsAuthority = "certificate-invalid",
        /// No certificate log has seen it.
        NotLogged = "certificate-not-logged",
        /// A log has seen it that the trust root does not hold.
        LoggedElsewhere = "certificate-not-logged",
        /// The log's timestamp is about this certificate of another issuer.
        LoggedForAnotherIssuer = "certificate-timestamp-invalid",
        /// A bit of the log's timestamp is wrong.
        LogStampForged = "certificate-timestamp-invalid",
        /// The log's timestamp is from before its key was in use.
        LogStampTooEarly = "certificate-timestamp-invalid",
        /// The log's timestamp is followed by a byte.
        LogStampTrailing = "certificate-timestamp-invalid",
        /// Another issuer vouched for the name.
        IssuerOfAnother = "identity-mismatch",
        /// The name has the expected one inside, behind another host.
        NameAround = "identity-mismatch",
        /// No issuer is stated.
        NoIssuer = "certificate-issuer-missing",
        /// The issuer is not in the encoding that its extension has.
        IssuerRaw = "certificate-malformed",
        /// Two names.
        TwoNames = "certificate-malformed",
        /// No name.
        NoName = "certificate-malformed",
        /// One extension twice.
        ExtensionTwice = "certificate-malformed",
        /// Neither a promise nor a time stamp: the log's time is anybody's claim.
        NoTime = "trusted-time-missing",
        /// The time stamp is of another signature.
        StampOfAnother = "timestamp-imprint-mismatch",
        /// The time stamp is of an authority that the trust root does not hold.
        StampUnknown = "timestamp-authority-unknown",
        /// The same, and its certificate is put into the token under a trusted one's.
        StampInjected = "timestamp-authority-unknown",
        /// The authority answered with a refusal.
        StampNotGranted = "timestamp-not-granted",
        /// Two signers.
        StampTwoSigners = "timestamp-token-malformed",
        /// No signer.
        StampUnsigned = "timestamp-token-malformed",
        /// Bytes that are no response.
        StampGarbage = "timestamp-token-malformed",
        /// The hash is SHA-1.
        StampSha1 = "timestamp-algorithm",
        /// A bit of the signature is wrong.
        StampForged = "timestamp-token-invalid",
        /// Under the trusted authority's name, by another key.
        StampByAnotherKey = "timestamp-token-invalid",
        /// The signed digest is of other content.
        StampOtherContent = "timestamp-token-invalid",
        /// The signed type is of other content.
        StampOtherType = "timestamp-token-invalid",
        /// No type is signed.
        StampNoType = "timestamp-token-invalid",
        /// The digest is signed twice.
        StampDigestTwice = "timestamp-token-invalid",
        /// The signed hash of the certificate is that of another.
        StampOtherCertificate = "timestamp-token-invalid",
        /// By an authority whose certificate may be used for other things too.
        StampOfManyUses = "timestamp-token-invalid",
        /// By an authority whose certificate does not insist on its use.
        StampUncritical = "timestamp-token-invalid",
        /// By an authority that the trust root has retired, while another one is in its window.
        StampRetired = "timestamp-authority-not-valid-at-time",
        /// By an authority whose own certificate had expired.
        StampExpired = "timestamp-authority-not-valid-at-time",
        /// By an authority above which a certificate had expired.
        StampAnchorExpired = "timestamp-authority-not-valid-at-time",
    }
}
