//! What commands share that work on a ledger: settings, the cluster, and bringing trust into force.

use serde_json::json;

use super::args::{Configured, Reached};
use super::client::Client;
use super::exit::{Exit, Failure};
use super::out::{Colour, Format, Out};
use super::trust::{self, Trusted};
use crate::admission::TrustTable;
use crate::event::{Digest, Topic, TopicName};
use crate::kafka::{KafkaLog, KafkaSettings};
use crate::ledger::control::ControlRecord;
use crate::log::{Log, LogError, Outgoing, Outlet as _};
use crate::processor::ControlView;
use crate::settings::Settings;
use crate::telemetry::Silent;
use crate::verdict::{TenantTrust, TrustRoot};

/// Prefix of the groups and transactional ids of a deployment; several on one cluster have a topic prefix each.
pub const APPLICATION: &str = "attestream";

/// The settings of a command line: the file, then the environment, then the arguments.
pub fn settings(configured: &Configured) -> Result<Settings, Failure> {
    let mut settings = Settings::load(configured.config.as_deref(), |name| std::env::var(name).ok())?;
    if let Some(brokers) = &configured.brokers {
        settings.kafka.brokers = Some(brokers.clone());
    }
    Ok(settings)
}

/// The cluster that the settings name; `None` where they name none.
pub fn kafka(settings: &Settings) -> Result<Option<KafkaLog>, Failure> {
    let Some(brokers) = settings.kafka.brokers.clone() else { return Ok(None) };
    let kafka = KafkaSettings {
        brokers,
        topic_prefix: settings.kafka.topic_prefix.clone(),
        instance: settings.kafka.instance.clone(),
        properties: settings.kafka.properties.clone(),
    };
    let log = KafkaLog::new(kafka);
    log.map(Some).map_err(|error| Failure::new(Exit::Usage, format!("{}: kafka: {error}", settings.place)))
}

/// The cluster, where a command is for clusters only.
pub fn required_kafka(settings: &Settings) -> Result<KafkaLog, Failure> {
    kafka(settings)?
        .ok_or_else(|| Failure::new(Exit::Usage, "no brokers: give --brokers, or kafka.brokers in the configuration"))
}

/// The cluster where brokers are named, on the command line, in the file or by the environment; else the server.
pub fn reach(reached: &Reached) -> Result<(Settings, Option<KafkaLog>), Failure> {
    let settings = settings(&reached.configured)?;
    let kafka = kafka(&settings)?;
    Ok((settings, kafka))
}

/// The trust in force, from control.
pub fn in_force<L: Log>(log: &L) -> Result<TrustTable, LogError> {
    Ok(ControlView::open(log, &Silent)?.table)
}

/// The topics that the configured tenants have of their own.
pub fn configured_topics(settings: &Settings) -> Vec<TopicName> {
    settings.tenants.iter().flat_map(|trust| trust.topics.names(&trust.tenant)).collect()
}

/// The topics that tenants have of their own: by the configuration, and by the registry in force where there is one.
pub fn own_topics(log: &KafkaLog, settings: &Settings) -> Result<Vec<TopicName>, LogError> {
    let table = match in_force(log) {
        Ok(table) => table,
        Err(LogError::Topic { .. }) => TrustTable::default(),
        Err(error) => return Err(error),
    };
    let next = |trust: &TenantTrust| match table.document(&trust.tenant) {
        Some(old) => trust.succeeding(old).topics.names(&trust.tenant),
        None => trust.topics.names(&trust.tenant),
    };
    let mut names: Vec<TopicName> = settings.tenants.iter().flat_map(next).chain(table.own_topics()).collect();
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

/// Whether everything is there that a control record names: a topic that is not would keep the fold waiting.
pub fn provided<L: Log>(log: &L, record: &ControlRecord) -> Result<(), String> {
    let ControlRecord::Tenant(trust) = record else { return Ok(()) };
    for name in trust.topics.names(&trust.tenant) {
        log.partitions(name).map_err(|error| {
            format!("{error}; put the tenant into the configuration and run `attestream topics apply` first")
        })?;
    }
    Ok(())
}

/// Whether a control record would come into force, under the trust root that is.
pub fn judge(record: &ControlRecord, table: &TrustTable) -> Result<(), String> {
    if table.genesis().is_none() {
        return Err("the ledger has no genesis yet".to_owned());
    }
    match record {
        ControlRecord::Tenant(tenant) => {
            let old = table.document(&tenant.tenant);
            if old.is_some_and(|old| old.topics.outputs() != tenant.topics.outputs()) {
                return Err("topics.outputs: a tenant's own outputs are those of its first entry".to_owned());
            }
            // Every tenant is compiled under the one root in force.
            let root = table.root_in_force().map(|root| {
                TrustRoot::load(root.json.as_bytes(), root.digest)
                    .map_err(|reason| format!("the trust root in force: {reason}"))
            });
            let problems = trust::problems(tenant, root.transpose()?.as_ref());
            if problems.is_empty() { Ok(()) } else { Err(problems.join("; ")) }
        }
        ControlRecord::Root(root) => {
            TrustRoot::load(root.json.as_bytes(), root.digest).map(drop).map_err(|reason| reason.to_string())
        }
        ControlRecord::Consistency(proof) => {
            let root = table.root().ok_or("no trust root is in force, so no log is known")?;
            for checkpoint in [&proof.old, &proof.new] {
                checkpoint.verify(root).map_err(|reason| format!("checkpoint {}: {reason}", checkpoint.size))?;
            }
            if proof.holds() { Ok(()) } else { Err("consistency-proof-invalid".to_owned()) }
        }
        ControlRecord::Genesis(_) => Err("a ledger has one genesis".to_owned()),
        ControlRecord::Tick { .. } => Err("ticks are written by the owner of control".to_owned()),
        ControlRecord::Epoch { epoch } if *epoch == crate::verdict::VERIFIER_EPOCH => Ok(()),
        ControlRecord::Epoch { epoch } => Err(format!("this binary has no verifier of epoch {epoch}")),
    }
}

/// `attestream trust activate`.
pub fn activate(reached: &Reached, file: &std::path::Path, format: Format) -> Result<Exit, Failure> {
    let records: Vec<ControlRecord> = match trust::read(file)? {
        Trusted::Root(root) => vec![ControlRecord::Root(root)],
        Trusted::Consistency(proof) => vec![ControlRecord::Consistency(proof)],
        Trusted::Tenants(tenants) => tenants.into_iter().map(|trust| ControlRecord::Tenant(Box::new(trust))).collect(),
    };
    if records.is_empty() {
        return Ok(Exit::Indeterminate);
    }
    let (_, kafka) = reach(reached)?;
    match kafka {
        Some(log) => activate_on(&log, &records)?,
        None => {
            let client = Client::new(&reached.server)?;
            for record in &records {
                client.control(&record.to_bytes())?;
            }
        }
    }
    let out = Out::new();
    for record in &records {
        let (name, digest) = (name(record), Digest::of(&record.to_bytes()));
        match format {
            Format::Json => out.line(json!({ "activated": name, "digest": digest })),
            Format::Text => out.line(format!("{} {name} ({digest})", out.paint(Colour::Green, "activated"))),
        }
    }
    Ok(Exit::Done)
}

fn activate_on(log: &KafkaLog, records: &[ControlRecord]) -> Result<(), Failure> {
    let table = in_force(log)?;
    for record in records {
        judge(record, &table)
            .and_then(|()| provided(log, record))
            .map_err(|why| Failure::new(Exit::Failed, format!("{}: {why}", name(record))))?;
    }
    let mut outlet = log.outlet(&format!("{APPLICATION}-operator-activate"))?;
    outlet.begin()?;
    for record in records {
        outlet.append(Outgoing {
            topic: Topic::Control,
            owner: None,
            partition: Some(0),
            key: Some(b"activate".to_vec()),
            value: Some(record.to_bytes()),
            headers: Vec::new(),
        })?;
    }
    Ok(outlet.commit()?)
}

fn name(record: &ControlRecord) -> String {
    match record {
        ControlRecord::Tenant(trust) => format!("tenant {}", trust.tenant),
        ControlRecord::Root(root) => format!("trust root {}", root.digest),
        ControlRecord::Consistency(proof) => format!("consistency of {} up to {}", proof.new.origin, proof.new.size),
        ControlRecord::Genesis(_) => "genesis".to_owned(),
        ControlRecord::Epoch { epoch } => format!("epoch {epoch}"),
        ControlRecord::Tick { at } => format!("tick {}", at.rfc3339()),
    }
}
