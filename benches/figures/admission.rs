//! Admission alone, on one thread: what one core admits.

use attestream::admission::{Admission, Fate, Input, TrustTable};
use attestream::cas::MemoryObjects;
use attestream::ledger::LedgerRecord;
use attestream::ledger::control::{ControlRecord, FOLD_VERSION, Genesis, LEDGER_FORMAT};
use attestream::ledger::record::Body;
use attestream::log::Outgoing;
use attestream::verdict::result::{AttestationStatus, VERIFIER_EPOCH};

use crate::Outcome;
use crate::forget;
use crate::inputs::{Inputs, Scheme};
use crate::report::{Report, Unit};
use crate::spent::measure as spent;

pub fn measure(report: &mut Report, inputs: &Inputs) -> Outcome<()> {
    let mut table = TrustTable::default();
    table.apply(&genesis(inputs));
    let count = inputs.pairs.len();
    if inputs.scheme == Scheme::P256 {
        let documents: Vec<&Outgoing> = inputs.documents().collect();
        let (_, took) = spent(|| admit_all(&table, inputs, &documents))?;
        report.add("admission: CycloneDX document", Unit::Record, count, took);
    }
    let evidence: Vec<&Outgoing> = inputs.evidence().collect();
    forget::everything();
    let (records, took) = spent(|| admit_all(&table, inputs, &evidence))?;
    report.add(&first_seen(inputs.scheme), Unit::Record, count, took);
    verified(&records)?;
    let (_, took) = spent(|| Ok(records.iter().map(|record| record.to_bytes().len()).sum::<usize>()))?;
    report.add(&format!("ledger record: write, attestation, {}", inputs.scheme.name()), Unit::Record, count, took);
    let (_, took) = spent(|| admit_all(&table, inputs, &evidence))?;
    report.add(&again(inputs.scheme), Unit::Record, count, took);
    Ok(())
}

/// The figure of evidence that is seen for the first time.
pub fn first_seen(scheme: Scheme) -> String {
    format!("admission: attestation, {}", scheme.name())
}

/// The figure of the same evidence once more.
pub fn again(scheme: Scheme) -> String {
    format!("admission: again, {}", scheme.name())
}

/// The genesis of a ledger of one partition under the inputs' trust.
pub fn genesis(inputs: &Inputs) -> ControlRecord {
    ControlRecord::Genesis(Box::new(Genesis {
        ledger: "01FIGURES".to_owned(),
        partitions: 1,
        format: LEDGER_FORMAT,
        fold_version: FOLD_VERSION,
        epoch: VERIFIER_EPOCH,
        verifier: "attestream".to_owned(),
        at: inputs.at,
        root: Some(inputs.root.clone()),
        tenants: inputs.tenants.clone(),
    }))
}

/// The ledger records of inputs. One that is refused is a fault of the benchmark.
pub fn admit_all(table: &TrustTable, inputs: &Inputs, sent: &[&Outgoing]) -> Outcome<Vec<LedgerRecord>> {
    let objects = MemoryObjects::default();
    let admission = Admission { table, objects: &objects, now: inputs.at };
    let mut admitted = Vec::with_capacity(sent.len());
    for (offset, outgoing) in sent.iter().enumerate() {
        let input = Input {
            topic: outgoing.topic,
            owner: None,
            partition: 0,
            offset: u64::try_from(offset)?,
            timestamp: inputs.at,
            key: outgoing.key.as_deref(),
            value: outgoing.value.as_deref(),
            headers: &outgoing.headers,
        };
        match admission.admit(&input)?.fate {
            Fate::Admitted { records, .. } => admitted.extend(records.into_iter().map(|written| written.record)),
            Fate::DeadLetter(letter) => return Err(format!("refused as {}", letter.code).into()),
        }
    }
    Ok(admitted)
}

fn verified(records: &[LedgerRecord]) -> Outcome<()> {
    for record in records {
        let Body::Admitted(admitted) = &record.body else { return Err("not an admitted input".into()) };
        let result = admitted.attestation.as_ref().map(|attestation| &attestation.result);
        let result = result.ok_or("no attestation")?;
        if result.status != AttestationStatus::Verified {
            return Err(format!("not verified: {:?}", result.reasons).into());
        }
    }
    Ok(())
}
