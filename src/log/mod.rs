//! The port to partitioned logs, and its in-memory twin.
//!
//! A log has topics of numbered partitions; a partition is an append-only sequence of records with growing offsets
//! (gaps are normal). Three implementations stand behind the port: [`memory`] (tests and simulation), `rocks::local`
//! (one process, durable) and `kafka` (librdkafka, transactions). The processor is generic over it and the same on all.
//!
//! # The contract
//! - **One transaction**: what an [`Outlet`] appends between `begin` and `commit`, and the offsets that it was given,
//!   become visible together or never. Readers and inlets see committed records only, in append order per partition.
//! - **Fenced**: an [`Outlet`] opened under a transactional id makes every earlier outlet of that id unable to commit. A
//!   commit whose fence is of an assignment that is over is refused.
//! - **Unknown outcome**: when `commit` returns an error, the transaction may have happened or not. The caller drops the
//!   outlet, opens another under the same id (which settles it), and reads the committed offsets again.
//! - **Durable**: a commit that returned is on disk on the local log, and replicated as the topic demands on Kafka.

pub mod embedded;
mod error;
pub mod memory;
mod port;

pub use crate::event::partitioner::{murmur2, partition_of};
pub use error::LogError;
pub use port::{
    Assignment, Gather, Gathered, Header, Inlet, Log, Outgoing, Outlet, Partition, Range, Reader, Record, StartAt,
};
