//! Every way in which the authority signs wrong, and the code that must answer it.

macro_rules! wrongs {
    ($(#[$of:meta])* $name:ident { $($(#[$meta:meta])* $variant:ident = $code:literal),+ $(,)? }) => {
        $(#[$of])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$meta])* $variant),+ }

        impl $name {
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The code that must answer it, alone.
            pub const fn expected(self) -> &'static str {
                match self { $($name::$variant => $code),+ }
            }
        }
    };
}
pub(super) use wrongs;

wrongs! {
    /// What is done wrong, on request.
    Wrong {
        /// The payload was changed after it was signed, and so logged.
        TamperedPayload = "signature-invalid",
        /// A bit of the signature is wrong, and so logged.
        BadSignature = "signature-invalid",
        /// Signed by a key that nobody configured.
        WrongKey = "key-unknown",
        /// Another key id in the envelope than the bundle's hint.
        HintMismatch = "key-hint-mismatch",
        /// Signed and right, and about another document: the event stays unbound.
        WrongDocument = "document-unbound",
        /// Signed and right, and about another subject and no document: no event of ours is meant.
        WrongSubject = "document-unbound",
        /// Another payload type.
        WrongPayloadType = "payload-type",
        /// A predicate type that nobody knows.
        WrongPredicateType = "predicate-type-unknown",
        /// A payload that is no statement.
        NoStatement = "statement-invalid",
        /// Two members of one name in the signed statement.
        DuplicateMember = "json-duplicate-member",
        /// An envelope without signature.
        Unsigned = "envelope-unsigned",
        /// A bundle with two signatures.
        SignedTwice = "bundle-signature-count",
        /// Not logged.
        NoEntry = "log-required",
        /// Logged, with the promise alone.
        NoProof = "inclusion-proof-missing",
        /// A hash of the proof is wrong.
        BadProof = "inclusion-proof-invalid",
        /// A size beside the checkpoint that it does not say.
        BadProofFields = "proof-fields-mismatch",
        /// A bit of the promise is wrong.
        BadSet = "entry-promise-invalid",
        /// The integrated time was changed after it was promised.
        TimeChanged = "entry-promise-invalid",
        /// No signature on the checkpoint.
        CheckpointUnsigned = "checkpoint-unsigned",
        /// A signature on the checkpoint by another key under the log's name.
        CheckpointForged = "checkpoint-signature-invalid",
        /// The checkpoint of another log.
        CheckpointOfAnother = "checkpoint-origin-mismatch",
        /// The true entry of another payload by the same key.
        EntryOfAnother = "entry-payload-mismatch",
        /// The true entry of another signature over the same payload.
        EntryOfAnotherSignature = "entry-signature-mismatch",
        /// The entry names another key.
        EntryOfAnotherKey = "entry-key-mismatch",
        /// The entry is said to be of another kind than its body.
        EntryKind = "entry-kind-mismatch",
        /// The same entry twice.
        EntryTwice = "entry-duplicate",
        /// Logged in a log that the trust root does not hold.
        UnknownLog = "log-unknown",
        /// Logged before the key was valid.
        TimeOutsideKey = "key-not-valid-at-time",
        /// Logged a day ahead.
        TimeInFuture = "time-in-future",
    }
}

impl Wrong {
    /// Whether the attestation itself verifies, and it is the event that it does not fit.
    pub const fn verifies(self) -> bool {
        matches!(self, Wrong::WrongDocument | Wrong::WrongSubject)
    }

    /// Whether it can only be done with a log.
    pub const fn needs_log(self) -> bool {
        self as u8 >= Wrong::NoEntry as u8
    }
}
