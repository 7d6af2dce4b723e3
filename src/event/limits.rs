//! A limit on everything, in one place, with the relations between them asserted at compile time.

/// Largest value of an input record that admission reads, in bytes: the topics' `max.message.bytes`.
pub const RECORD_MAX: usize = 4 * 1024 * 1024;
/// Largest object that a claim check may name, in bytes.
pub const OBJECT_MAX: usize = 64 * 1024 * 1024;
/// Largest input bytes that a ledger record, an output or an ask carries itself; more goes to the CAS.
pub const INLINE_MAX: usize = 64 * 1024;
/// Largest sum of key and headers that a record of ours repeats; more is dead-lettered by reference.
pub const HEADERS_MAX: usize = 64 * 1024;
/// Largest part of normalised facts in one ledger record, in bytes of JSON.
pub const PART_MAX: usize = 256 * 1024;
/// Largest `max.message.bytes` of our own topics and `message.max.bytes` of our producers.
pub const MESSAGE_MAX: usize = 4 * 1024 * 1024;
/// Bytes of it that what frames a record takes at most: a producer refuses a message that fits without its frame only.
pub const FRAME_MAX: usize = 1_024;
/// State rows that one fold step may write, and events that it may evaluate: part of the fold version.
pub const STEP_MAX: usize = 256;
/// Nesting of a JSON document.
pub const JSON_DEPTH_MAX: usize = 128;
/// Subjects of one statement.
pub const SUBJECTS_MAX: usize = 1024;
/// Digests of one subject.
pub const SUBJECT_DIGESTS_MAX: usize = 32;
/// DSSE signatures of one envelope.
pub const SIGNATURES_MAX: usize = 16;
/// Transparency log entries of one bundle.
pub const LOG_ENTRIES_MAX: usize = 4;
/// RFC 3161 time stamps of one bundle.
pub const TIMESTAMPS_MAX: usize = 4;
/// Hashes of one inclusion or consistency proof.
pub const PROOF_HASHES_MAX: usize = 64;
/// Bytes of a checkpoint, and signature lines on it.
pub const CHECKPOINT_MAX: usize = 8 * 1024;
pub const NOTE_SIGNATURES_MAX: usize = 16;
/// Bytes of a certificate and of a time-stamp response.
pub const CERTIFICATE_MAX: usize = 16 * 1024;
pub const TIMESTAMP_MAX: usize = 64 * 1024;
/// Keys and identities of one tenant.
pub const TENANT_KEYS_MAX: usize = 256;
/// Entries of `chain` of one type on one event.
pub const CHAIN_MAX: usize = 8;
/// Materials of the builds in a chain that are followed.
pub const CHAIN_MATERIALS_MAX: usize = 32;
/// Records and bytes of one transaction, and how long a batch waits to fill after its first record.
pub const BATCH_RECORDS: usize = 2_000;
pub const BATCH_BYTES: usize = 8 * 1024 * 1024;
pub const BATCH_LINGER_MS: u64 = 5;
/// Records that a tenant's ledger partition may lie behind before the tenant's own topics wait, unless its quota says.
pub const FOLD_LAG_MAX: u64 = 100_000;
/// Interval of ticks, and how far a tick may lie beyond its own append time before it is dropped, in milliseconds.
pub const TICK_MS: i64 = 60_000;
pub const TICK_AHEAD_MAX_MS: i64 = 5 * 60_000;
/// How far a verified time may lie ahead of the admission clock and still be complete (`notBefore`), in milliseconds.
pub const TIME_AHEAD_MAX_MS: i64 = 10 * 60_000;

/// Base64 grows bytes by a third; a record has room for its input inline, its key and headers, its facts and the rest.
const _: () = assert!(INLINE_MAX * 4 / 3 + HEADERS_MAX * 4 / 3 + PART_MAX + 512 * 1024 <= MESSAGE_MAX);
const _: () = assert!(RECORD_MAX <= MESSAGE_MAX);
const _: () = assert!(INLINE_MAX + HEADERS_MAX < RECORD_MAX);
