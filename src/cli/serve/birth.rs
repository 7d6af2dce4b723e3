//! What a ledger begins with, and whether the configuration still says what is in force.

use std::sync::Arc;

use crate::admission::TrustTable;
use crate::cli::cluster::APPLICATION;
use crate::cli::verify::now;
use crate::ledger::control::TrustRootBytes;
use crate::log::{Log, LogError};
use crate::processor::genesis::{self, Born, Seed};
use crate::settings::Settings;
use crate::telemetry::{Happening, Observer};
use crate::verdict::{CompiledTrust, TrustRoot, VERIFIER_EPOCH};

/// Writes genesis from the configuration, where there is none.
pub fn init<L: Log>(log: &L, settings: &Settings) -> Result<Born, LogError> {
    // Opening the one fixed transactional id fences another start; where genesis is there, nobody needs to be.
    if let Some(genesis) = genesis::read(log)? {
        return Ok(Born::Before(Box::new(genesis)));
    }
    let root = settings.trust_root.as_ref().map(|root| TrustRootBytes::new(root.json.clone()));
    let seed = Seed {
        ledger: ulid::Ulid::generate().to_string(),
        verifier: settings.verifier.clone(),
        epoch: VERIFIER_EPOCH,
        at: now(),
        root,
        tenants: settings.tenants.clone(),
    };
    genesis::init(log, APPLICATION, seed)
}

/// Says where the configuration differs from what is in force. Nothing is changed: `attestream trust activate` does.
pub fn compare(settings: &Settings, table: &TrustTable, observer: &dyn Observer) {
    let notice = |text: String| observer.happened(&Happening::Notice { text: &text });
    let hint = "the configuration counts for a new ledger only; `attestream trust activate` brings it into force";
    if let Some(genesis) = table.genesis().filter(|genesis| genesis.verifier != settings.verifier) {
        let (configured, in_force) = (&settings.verifier, &genesis.verifier);
        notice(format!("verifier: the configuration says {configured:?}, in force is {in_force:?} since genesis"));
    }
    let configured = settings.trust_root.as_ref().map(|root| TrustRootBytes::new(root.json.clone()));
    if let Some(root) = configured.as_ref().filter(|root| table.root_in_force() != Some(root)) {
        notice(format!("trustRoot: {} is not in force; {hint}", root.digest));
    }
    let root = table.root_in_force().and_then(|root| TrustRoot::load(root.json.as_bytes(), root.digest).ok());
    for trust in &settings.tenants {
        let compiled = CompiledTrust::compile(trust, root.as_ref().map(Arc::clone)).ok();
        let digest = compiled.map(|compiled| compiled.pair.trust);
        let old = table.document(&trust.tenant).map(|entry| (&entry.topics, entry.quota));
        let trusted = digest == table.current(&trust.tenant).map(|current| current.pair.trust);
        if !trusted || old != Some((&trust.topics, trust.quota)) {
            notice(format!("tenants: {} differs from what is in force; {hint}", trust.tenant));
        }
    }
}
