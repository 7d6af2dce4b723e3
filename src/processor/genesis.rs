//! A ledger's birth: written once, in one transaction under one fixed transactional id.

use crate::event::{Millis, Topic};
use crate::ledger::control::{
    ControlRecord, FOLD_VERSION, Genesis, LEDGER_FORMAT, Position, TrustRootBytes, system_tenant,
};
use crate::ledger::record::{Body, ControlCopy, LedgerRecord};
use crate::log::{Log, LogError, Outgoing, Outlet, Partition, Reader};
use crate::verdict::tenant::TenantTrust;

/// What a new ledger begins with. Later changes are control records.
pub struct Seed {
    /// The ledger's id (a ULID).
    pub ledger: String,
    pub verifier: String,
    /// The verifier epoch that is in force from the beginning.
    pub epoch: u32,
    pub at: Millis,
    pub root: Option<TrustRootBytes>,
    pub tenants: Vec<TenantTrust>,
}

/// What `init` found or did.
#[derive(Debug, Clone, PartialEq)]
pub enum Born {
    /// The ledger was empty; its genesis is written.
    Now(Box<Genesis>),
    /// It had one already; the seed was not looked at.
    Before(Box<Genesis>),
}

impl Born {
    pub fn genesis(&self) -> &Genesis {
        match self {
            Born::Now(genesis) | Born::Before(genesis) => genesis,
        }
    }
}

/// Writes genesis if there is none. Two that try at once are fenced by the transactional id: one of them writes.
pub fn init<L: Log>(log: &L, application: &str, seed: Seed) -> Result<Born, LogError> {
    let mut outlet = log.outlet(&format!("{application}-genesis"))?;
    if let Some(genesis) = read(log)? {
        return Ok(Born::Before(Box::new(genesis)));
    }
    let partitions = log.partitions(Topic::Ledger)?;
    let genesis = Genesis {
        ledger: seed.ledger,
        partitions,
        format: LEDGER_FORMAT,
        fold_version: FOLD_VERSION,
        epoch: seed.epoch,
        verifier: seed.verifier,
        at: seed.at,
        root: seed.root,
        tenants: seed.tenants,
    };
    let record = ControlRecord::Genesis(Box::new(genesis.clone()));
    outlet.begin()?;
    outlet.append(outgoing(Topic::Control, 0, b"genesis", record.to_bytes()))?;
    for number in 0..partitions {
        let copy = Body::Control(Box::new(ControlCopy { seq: 0, record: record.clone() }));
        let value = LedgerRecord::new(system_tenant(), copy).to_bytes();
        outlet.append(outgoing(Topic::Ledger, number, system_tenant().as_str().as_bytes(), value))?;
        let position = Position { ledger: genesis.ledger.clone(), partition: number, seq: 0, next_offset: 0 };
        outlet.append(position_record(&position))?;
    }
    outlet.commit()?;
    Ok(Born::Now(Box::new(genesis)))
}

/// The genesis of a ledger, the first record of control; `None` while it has none.
pub fn read<L: Log>(log: &L) -> Result<Option<Genesis>, LogError> {
    let control = Partition::of(Topic::Control, 0);
    let range = log.range(control)?;
    let mut reader = log.reader(&[(control, range.first)])?;
    loop {
        let records = reader.read(1, std::time::Duration::from_millis(200))?;
        if let Some(record) = records.first() {
            let value = record.value.as_deref().unwrap_or_default();
            return match serde_json::from_slice(value) {
                Ok(ControlRecord::Genesis(genesis)) => Ok(Some(*genesis)),
                _ => Err(LogError::Topic {
                    topic: Topic::Control.name().to_owned(),
                    problem: "its first record is not genesis".to_owned(),
                }),
            };
        }
        if reader.at_end()? {
            return Ok(None);
        }
    }
}

/// Refuses to go on where the ledger has other partitions than at its birth.
pub fn check_partitions<L: Log>(log: &L, genesis: &Genesis) -> Result<(), LogError> {
    let found = log.partitions(Topic::Ledger)?;
    if found == genesis.partitions {
        return Ok(());
    }
    let problem = format!("has {found} partitions; its genesis says {}", genesis.partitions);
    Err(LogError::Topic { topic: Topic::Ledger.name().to_owned(), problem })
}

/// The compacted record of a partition's position.
pub(super) fn position_record(position: &Position) -> Outgoing {
    let key = format!("{}/{}", position.ledger, position.partition);
    let value = serde_json::to_vec(position).unwrap_or_default();
    Outgoing {
        topic: Topic::Positions,
        owner: None,
        partition: None,
        key: Some(key.into_bytes()),
        value: Some(value),
        headers: Vec::new(),
    }
}

pub(super) fn outgoing(topic: Topic, partition: u32, key: &[u8], value: Vec<u8>) -> Outgoing {
    Outgoing {
        topic,
        owner: None,
        partition: Some(partition),
        key: Some(key.to_vec()),
        value: Some(value),
        headers: Vec::new(),
    }
}
