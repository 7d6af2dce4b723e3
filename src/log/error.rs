//! What can go wrong with a log. Every member is infrastructure: bad input never becomes a `LogError`.

/// Why an operation on the log failed. The processor's answer to any of them on the transaction path is the one
/// recovery path; at start it is a message and another try.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// No broker answers, or not in time.
    #[error("the log cannot be reached: {0}")]
    Unreachable(String),
    /// The assignment under which this was tried is over, or another instance took the transactional id.
    #[error("this worker no longer owns what it tried to commit: {0}")]
    Fenced(String),
    /// The outcome of a commit is unknown, or the transaction was aborted; the outlet must be dropped.
    #[error("the transaction did not certainly commit: {0}")]
    Transaction(String),
    /// A topic that must exist does not, or has another number of partitions.
    #[error("topic {topic}: {problem}")]
    Topic { topic: String, problem: String },
    /// A setting that the log refuses.
    #[error("the log refuses its configuration: {0}")]
    Configuration(String),
    /// A record that the log will never take. Sizes are checked before, so this is a defect and stops the worker.
    #[error("the log refuses a record: {0}")]
    Record(String),
    /// The offset asked for is not in the log any more.
    #[error("offset {offset} of {partition} is not in the log (first {first}, end {end})")]
    OutOfRange { partition: String, offset: u64, first: u64, end: u64 },
    /// The disk below a local log.
    #[error("the local log's storage failed: {0}")]
    Storage(String),
}
