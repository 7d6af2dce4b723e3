//! The sections of the file. Everything has a default that runs.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::{SettingsError, environment, file, tenants};
use crate::event::{Digest, limits};
use crate::verdict::{CompiledTrust, TenantTrust, TrustRoot};

/// The whole configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Settings {
    /// Where these were read: what later errors name.
    #[serde(skip)]
    pub place: String,
    /// The folder of state, snapshots and, without brokers, the log; of objects too, unless they have one of their own.
    pub data: PathBuf,
    /// The folder of objects. Every process that admits for one ledger reads what any of them wrote there: where they run on
    /// several machines, it is a volume that these share.
    pub objects: Option<PathBuf>,
    /// Where HTTP is served.
    pub listen: SocketAddr,
    /// The service name that is written as `trust.verifier`.
    pub verifier: String,
    /// Registry entries that a new ledger begins with. Later changes are activated.
    #[serde(skip)]
    pub tenants: Vec<TenantTrust>,
    /// The same as they stand in the file: entries, and names of files.
    #[serde(rename = "tenants")]
    entries: Option<Vec<Value>>,
    /// The trust root that a new ledger begins with.
    pub trust_root: Option<TrustRootFile>,
    pub kafka: Kafka,
    pub ledger: Ledger,
    pub ticks: Ticks,
    pub snapshots: Snapshots,
}

/// `trusted_root.json`, and what it must be.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustRootFile {
    pub file: PathBuf,
    /// 64 hex digits: a root that somebody exchanged is refused.
    pub sha256: String,
    /// The file's text, read and checked with the rest.
    #[serde(skip)]
    pub json: String,
}

/// The cluster; without brokers the log is local.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Kafka {
    pub brokers: Option<String>,
    pub topic_prefix: String,
    /// This process's stable name in its groups.
    pub instance: String,
    pub properties: BTreeMap<String, String>,
}

/// Values of properties may be secrets: only their names are shown.
impl std::fmt::Debug for Kafka {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&String> = self.properties.keys().collect();
        f.debug_struct("Kafka").field("brokers", &self.brokers).field("properties", &names).finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Ledger {
    /// Ledger partitions of a new local log; on Kafka the topic's manifest says it.
    pub partitions: u32,
    /// Replicas of topics at most, for clusters with fewer brokers than the manifests ask for.
    pub replicas_max: Option<u32>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Ticks {
    pub interval_ms: u64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Snapshots {
    /// Ledger records of a partition between two snapshots; 0: none are taken.
    pub every_records: u64,
    /// How many of each partition are kept.
    pub keep: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            place: String::new(),
            data: PathBuf::from("data"),
            objects: None,
            listen: SocketAddr::from(([127, 0, 0, 1], 7070)),
            verifier: String::from("attestream"),
            tenants: Vec::new(),
            entries: None,
            trust_root: None,
            kafka: Kafka::default(),
            ledger: Ledger::default(),
            ticks: Ticks::default(),
            snapshots: Snapshots::default(),
        }
    }
}

impl Default for Ledger {
    fn default() -> Self {
        Ledger { partitions: 4, replicas_max: None }
    }
}

impl Default for Ticks {
    fn default() -> Self {
        Ticks { interval_ms: u64::try_from(limits::TICK_MS).unwrap_or(60_000) }
    }
}

impl Default for Snapshots {
    fn default() -> Self {
        Snapshots { every_records: 100_000, keep: 2 }
    }
}

/// Most ledger partitions that a local log may have.
const PARTITIONS_MAX: u32 = 64;

impl Settings {
    /// Reads the file, where one is given, and puts the environment over it. `variable` looks a variable up.
    pub fn load(path: Option<&Path>, variable: impl Fn(&str) -> Option<String>) -> Result<Settings, SettingsError> {
        let place = path.map_or_else(|| "the configuration".to_owned(), |path| path.display().to_string());
        let folder = path.and_then(Path::parent).unwrap_or(Path::new(""));
        let mut value = path.map_or_else(|| Ok(Value::Object(serde_json::Map::new())), file::read)?;
        let Value::Object(map) = &mut value else {
            return Err(SettingsError::new(place, "", "expected a mapping"));
        };
        environment::overlay(map, variable)?;
        let mut settings: Settings = file::typed(&place, value)?;
        let entries = settings.entries.take().unwrap_or_default();
        settings.place.clone_from(&place);
        settings.tenants = tenants::of_settings(&place, folder, entries)?;
        settings.check(&place, folder)?;
        Ok(settings)
    }

    /// Where objects lie.
    pub fn objects_folder(&self) -> PathBuf {
        self.objects.clone().unwrap_or_else(|| self.data.join("objects"))
    }

    fn check(&mut self, place: &str, folder: &Path) -> Result<(), SettingsError> {
        let refuse = |field: &str, problem: String| Err(SettingsError::new(place, field, problem));
        if self.verifier.trim().is_empty() {
            return refuse("verifier", "expected the name of this service, got nothing".to_owned());
        }
        if !(1..=PARTITIONS_MAX).contains(&self.ledger.partitions) {
            let found = self.ledger.partitions;
            return refuse("ledger.partitions", format!("expected 1 to {PARTITIONS_MAX}, got {found}"));
        }
        if self.ticks.interval_ms == 0 {
            return refuse("ticks.intervalMs", "expected at least 1, got 0".to_owned());
        }
        if self.snapshots.keep == 0 {
            return refuse("snapshots.keep", "expected at least 1, got 0".to_owned());
        }
        let root = self.trust_root.as_mut().map(|root| root.read(place, folder)).transpose()?;
        for trust in &self.tenants {
            if let Err(error) = CompiledTrust::compile(trust, root.clone()) {
                return refuse("tenants", format!("{}: {error}", trust.tenant));
            }
        }
        Ok(())
    }
}

impl TrustRootFile {
    fn read(&mut self, place: &str, folder: &Path) -> Result<std::sync::Arc<TrustRoot>, SettingsError> {
        let pinned = Digest::from_hex(&self.sha256).map_err(|_| {
            SettingsError::new(place, "trustRoot.sha256", "expected 64 hex digits, the SHA-256 of the file")
        })?;
        let path = folder.join(&self.file);
        self.json = fs::read_to_string(&path).map_err(|error| {
            let problem = format!("expected the path of a trusted_root.json: {}: {error}", path.display());
            SettingsError::new(place, "trustRoot.file", problem)
        })?;
        TrustRoot::load(self.json.as_bytes(), pinned).map_err(|reason| {
            SettingsError::new(path.display().to_string(), "", format!("expected a trust root: {reason}"))
        })
    }
}
