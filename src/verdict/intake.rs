//! Why admission refuses an input whose bytes may be in order.

crate::codes! {
    /// What admission itself says. In order of evaluation.
    pub enum Intake {
        /// Key and headers of the record are larger than a ledger record can repeat. Send less in headers.
        HeadersTooLarge = "headers-too-large",
        /// The value is larger than a record may be. Store it and send a `cas://` reference.
        RecordTooLarge = "record-too-large",
        /// The topic exists and its inputs are not accepted by this version. Wait for the version that does.
        InputNotYetAccepted = "input-not-yet-accepted",
        /// No tenant is named, or one that is not registered. Name it in `tenantid`, the key or the event.
        TenantUnknown = "tenant-unknown",
        /// What names a tenant in the record does not agree. Name one tenant.
        TenantMismatch = "tenant-mismatch",
        /// The value is larger than the tenant's quota allows. Store it and send a `cas://` reference.
        RecordOverQuota = "record-over-quota",
        /// The claim check names no object of this tenant. Store the object before its record.
        ReferenceMissing = "reference-missing",
        /// The normalised facts do not fit into ledger records. Split the document.
        FactsTooLarge = "facts-too-large",
    }
}
