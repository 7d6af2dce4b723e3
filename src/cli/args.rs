//! What can be asked for.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::args_verify::{Verify, VerifyBundle};
use super::out::Format;

#[derive(Debug, Parser)]
#[command(name = "attestream", version, about = "Turns supply-chain events into a stream that can be trusted")]
pub struct Line {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run everything in one process, on a log of its own or on Kafka.
    #[cfg(all(feature = "kafka", feature = "rocks", feature = "http"))]
    Up(Up),
    /// Run one role, or all, on Kafka: for clusters.
    #[cfg(all(feature = "kafka", feature = "rocks", feature = "http"))]
    Run(Run),
    /// The ledger's birth.
    #[cfg(all(feature = "kafka", feature = "rocks", feature = "http"))]
    #[command(subcommand)]
    Ledger(Ledger),
    /// The topics on a cluster.
    #[cfg(all(feature = "kafka", feature = "rocks", feature = "http"))]
    #[command(subcommand)]
    Topics(Topics),
    /// Send files, or all files of folders, as records.
    #[cfg(all(feature = "kafka", feature = "rocks", feature = "http"))]
    Publish(Publish),
    /// Show the records of a topic.
    #[cfg(all(feature = "kafka", feature = "rocks", feature = "http"))]
    Tail(Tail),
    /// Tenants, keys and the trust root.
    #[command(subcommand)]
    Trust(Trust),
    /// Verify one attestation, offline.
    Verify(Verify),
    /// Verify a Sigstore bundle about a file, offline, as other Sigstore clients are asked to.
    VerifyBundle(VerifyBundle),
}

/// Where the configuration comes from, and what goes before it.
#[derive(Debug, Clone, Default, Args)]
pub struct Configured {
    /// The configuration file (YAML).
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The brokers of a cluster: host:port, comma separated.
    #[arg(long, value_name = "LIST")]
    pub brokers: Option<String>,
}

#[derive(Debug, Args)]
pub struct Up {
    #[command(flatten)]
    pub configured: Configured,
    /// The folder of state, snapshots, objects and, without brokers, the log.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Where HTTP is served.
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<std::net::SocketAddr>,
    /// Feed real sample evidence, right and wrong, and show what becomes of it.
    #[arg(long, conflicts_with = "brokers")]
    pub demo: bool,
    /// End when the demo has ended.
    #[arg(long, requires = "demo")]
    pub exit: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum RoleName {
    Admission,
    Ledger,
    All,
}

#[derive(Debug, Args)]
pub struct Run {
    #[command(flatten)]
    pub configured: Configured,
    #[arg(long, value_enum)]
    pub role: RoleName,
    /// The folder of state, snapshots and objects.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// This process's stable name: it comes back to its partitions after a crash.
    #[arg(long, value_name = "NAME")]
    pub instance: Option<String>,
    /// Where HTTP is served.
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<std::net::SocketAddr>,
}

#[derive(Debug, Subcommand)]
pub enum Ledger {
    /// Write the genesis of a new ledger: its partitions, tenants and trust root.
    Init {
        #[command(flatten)]
        configured: Configured,
    },
}

#[derive(Debug, Subcommand)]
pub enum Topics {
    /// Show how the cluster is unlike the manifests.
    Plan {
        #[command(flatten)]
        configured: Configured,
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Make the cluster like the manifests, as far as that takes nothing away, and a new ledger's genesis.
    Apply {
        #[command(flatten)]
        configured: Configured,
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Print the manifests, with those of the topics that the configured tenants have of their own.
    Export {
        #[command(flatten)]
        configured: Configured,
    },
}

/// Where a running process is reached.
#[derive(Debug, Clone, Args)]
pub struct Reached {
    #[command(flatten)]
    pub configured: Configured,
    /// The running process.
    #[arg(long, value_name = "URL", conflicts_with = "brokers", default_value = "http://127.0.0.1:7070")]
    pub server: String,
}

#[derive(Debug, Args)]
pub struct Publish {
    #[command(flatten)]
    pub reached: Reached,
    /// Whose records they are.
    #[arg(long, value_name = "NAME")]
    pub tenant: String,
    /// The topic; without it, each file's content decides, and the tenant's own is taken where it has one.
    #[arg(long, value_name = "NAME")]
    pub topic: Option<String>,
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Tail {
    #[command(flatten)]
    pub reached: Reached,
    pub topic: String,
    /// Begin with the oldest record, not with the next one.
    #[arg(long)]
    pub from_beginning: bool,
    /// End at the topic's end.
    #[arg(long)]
    pub until_end: bool,
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

#[derive(Debug, Subcommand)]
pub enum Trust {
    /// Compile tenants (YAML) or a trust root (trusted_root.json), and say what is wrong.
    Check {
        /// The trust root that tenants are compiled under.
        #[arg(long, value_name = "FILE")]
        root: Option<PathBuf>,
        #[arg(long, value_enum, default_value_t)]
        format: Format,
        file: PathBuf,
    },
    /// Bring tenants or a trust root into force.
    #[cfg(all(feature = "kafka", feature = "rocks", feature = "http"))]
    Activate {
        #[command(flatten)]
        reached: Reached,
        #[arg(long, value_enum, default_value_t)]
        format: Format,
        file: PathBuf,
    },
}
