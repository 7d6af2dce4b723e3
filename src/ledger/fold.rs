//! The fold: `fold(state, record) -> Step`. Pure: no cryptography, no clock, no randomness, no I/O but the recall of
//! what was remembered, no map with random order. Replaying a partition gives the same state and the same outputs.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::event::{Digest, Tenant};
use crate::formats::facts::WrittenFacts;

use super::control::FOLD_VERSION;
use super::keys::{self, Key, Role};
use super::output::Status;
use super::overlay::Overlay;
use super::ranked::Ranked;
use super::record::{
    Admitted, AdmittedAttestation, AdmittedEvent, Answer, Body, Bytes, LedgerRecord, Part, RECORD_FORMAT,
};
use super::rows::{AboutRow, AttestationRow, EventRow, PartitionRow, Rank, Task};
use super::state::{Memo, Recall, StateError};
use super::step::{Fate, Step};
use super::{evaluate, judge};

/// Why a record cannot be folded. None of them is the record's producer's fault: admission wrote the record.
#[derive(Debug, thiserror::Error)]
pub enum FoldError {
    #[error(transparent)]
    State(#[from] StateError),
    /// The value is not a ledger record of this format.
    #[error("the value is not a ledger record of format {RECORD_FORMAT}")]
    Record,
    /// Genesis demands a format or fold version that this binary does not implement.
    #[error("the ledger is in force under a format or fold version other than {FOLD_VERSION}")]
    Version,
    /// A row of the state is not what this fold version writes, or misses.
    #[error("a row of the state cannot be read")]
    Row,
    /// Bytes that the state must keep are not there.
    #[error("bytes that a record named are not in the state")]
    Blob,
    /// The first record of a partition is not genesis.
    #[error("the partition does not begin with genesis")]
    NoGenesis,
}

/// One batch being folded.
pub struct Folding<'s> {
    pub(super) rows: Overlay<'s>,
    pub(super) partition: PartitionRow,
    /// The partition's number, and the seq of the record being folded.
    pub(super) number: u32,
    pub(super) seq: u64,
    pub(super) step: Step,
    /// Events that were evaluated since anything changed that a verdict rests on: an event is listed under every digest that
    /// it watches, and a sweep meets it under each.
    evaluated: BTreeSet<Key>,
    /// How often that changed.
    changes: u64,
    /// Trust in force, as far as this batch has read it.
    pub(super) in_force: BTreeMap<Tenant, Rc<judge::InForce>>,
    /// Whether nothing is published: what comes of these records is in the log already.
    pub(super) silent: bool,
    /// The partition's row as it was written last.
    written: Option<PartitionRow>,
}

impl<'s> Folding<'s> {
    /// Begins a batch on `below`; `seq` is the number of the first record.
    pub fn begin(below: &'s dyn Recall, number: u32, seq: u64) -> Result<Self, FoldError> {
        let mut rows = Overlay::new(below);
        let written: Option<PartitionRow> = rows.get(&keys::partition())?.map(Rc::unwrap_or_clone);
        let partition = written.clone().unwrap_or_else(unborn);
        let (step, evaluated, in_force) = (empty_step(), BTreeSet::new(), BTreeMap::new());
        Ok(Folding { rows, partition, number, seq, step, evaluated, changes: 0, in_force, silent: false, written })
    }

    /// Publishes nothing: the same state and the same fates, at less cost.
    pub fn silently(mut self) -> Self {
        self.silent = true;
        self
    }

    /// Recalls at once the rows that `records` need: first those that they name, then those that these name.
    pub fn prefetch(&mut self, records: &[LedgerRecord]) -> Result<(), FoldError> {
        let tenants: BTreeSet<&Tenant> = records.iter().map(|record| &record.tenant).collect();
        let mut first: Vec<Key> =
            tenants.iter().flat_map(|tenant| [keys::tenant(tenant), keys::outputs(tenant)]).collect();
        let mut about = Vec::new();
        for record in records {
            named_rows(record, &mut first, &mut about);
        }
        let about: BTreeSet<(Key, &Tenant)> = about.into_iter().collect();
        first.extend(about.iter().map(|(key, _)| key.clone()));
        self.rows.recall(first)?;
        let mut second = Vec::new();
        for (key, tenant) in about {
            let Some(row) = self.rows.get::<AboutRow>(&key)? else { continue };
            second.extend(rows_of(tenant, &row));
        }
        self.rows.recall(second)
    }

    /// Folds one record.
    pub fn fold(&mut self, record: &LedgerRecord) -> Result<Step, FoldError> {
        if record.format != RECORD_FORMAT {
            return Err(FoldError::Record);
        }
        let genesis = matches!(&record.body, Body::Control(copy) if copy.seq == 0);
        if self.written.is_none() && !genesis {
            return Err(FoldError::NoGenesis);
        }
        self.step = empty_step();
        self.evaluated.clear();
        self.step.fate = match &record.body {
            Body::Admitted(admitted) => self.admitted(&record.tenant, admitted)?,
            Body::Answer(answer) => self.answer(&record.tenant, answer)?,
            Body::Part(part) => self.part(&record.tenant, part)?,
            Body::Checkpoint(seen) => self.checkpoint(seen)?,
            Body::Control(copy) => {
                self.control(copy)?;
                Fate::Control
            }
            Body::Continue(step) => {
                self.continue_sweep(step)?;
                Fate::Control
            }
        };
        if self.written.as_ref() != Some(&self.partition) {
            self.rows.put(&keys::partition(), self.partition.clone())?;
            self.written = Some(self.partition.clone());
        }
        self.seq += 1;
        Ok(std::mem::replace(&mut self.step, empty_step()))
    }

    /// What the batch adds to the state.
    pub fn finish(self) -> Result<Memo, FoldError> {
        self.rows.into_memo()
    }

    /// The number of records folded, this batch included.
    pub const fn seq(&self) -> u64 {
        self.seq
    }

    /// The ledger's id; empty before genesis.
    pub fn ledger(&self) -> &str {
        &self.partition.ledger
    }

    fn admitted(&mut self, tenant: &Tenant, admitted: &Admitted) -> Result<Fate, FoldError> {
        self.learn_outputs(tenant, &admitted.outputs)?;
        let evidence = match &admitted.attestation {
            Some(attestation) => Some(self.attestation(tenant, admitted, attestation)?),
            None => None,
        };
        match (&admitted.event, evidence) {
            (Some(event), _) => self.event(tenant, admitted, event),
            (None, Some(fate)) => Ok(fate),
            (None, None) => Err(FoldError::Record),
        }
    }

    /// Remembers an attestation and evaluates what it is about.
    fn attestation(
        &mut self,
        tenant: &Tenant,
        admitted: &Admitted,
        attestation: &AdmittedAttestation,
    ) -> Result<Fate, FoldError> {
        let id = attestation.id();
        let known = self.attestation_row(tenant, id)?;
        let repeated = known.is_some();
        let row = match known {
            Some(row) => AttestationRow::clone(&row),
            None => AttestationRow {
                facts: attestation.facts.clone(),
                bytes: self.keep(&attestation.bytes, &admitted.input),
                admitted_at: admitted.admitted_at,
                result: None,
                pending: Vec::new(),
                asked: None,
                listed: None,
                unswept: Vec::new(),
            },
        };
        let joins = row.facts.statement.as_ref().is_some_and(|statement| statement.link.is_some());
        self.take_and_sweep(tenant, id, row, attestation.result.clone())?;
        Ok(match (repeated, joins) {
            (true, _) => Fate::Repeated,
            (false, true) => Fate::Remembered,
            (false, false) => Fate::Refused,
        })
    }

    fn answer(&mut self, tenant: &Tenant, answer: &Answer) -> Result<Fate, FoldError> {
        let Some(row) = self.attestation_row(tenant, answer.attestation)? else { return Ok(Fate::Refused) };
        let row = AttestationRow::clone(&row);
        let changed = self.take_and_sweep(tenant, answer.attestation, row, answer.result.clone())?;
        Ok(if changed { Fate::Remembered } else { Fate::Repeated })
    }

    /// Takes a result into the row, and evaluates the attestation's events where that changed anything.
    fn take_and_sweep(
        &mut self,
        tenant: &Tenant,
        id: Digest,
        mut row: AttestationRow,
        result: crate::verdict::result::AttestationResult,
    ) -> Result<bool, FoldError> {
        let asked = row.asked;
        let changed = self.take_result(tenant, id, &mut row, result)?;
        if !changed && row.asked != asked {
            self.rows.put(&keys::attestation(tenant, id), row)?;
        } else if changed {
            self.restand_row(tenant, id, &mut row)?;
            let about = self.affected(tenant, &row)?;
            row.unswept.clear();
            self.rows.put(&keys::attestation(tenant, id), row)?;
            self.sweep("evidence", vec![Task::Events { tenant: tenant.clone(), about, after: None }])?;
        }
        Ok(changed)
    }

    fn part(&mut self, tenant: &Tenant, part: &Part) -> Result<Fate, FoldError> {
        self.keep_facts(tenant, &part.event, part.index, &part.facts);
        Ok(Fate::Remembered)
    }

    fn event(&mut self, tenant: &Tenant, admitted: &Admitted, event: &AdmittedEvent) -> Result<Fate, FoldError> {
        let key = keys::event(tenant, &event.id);
        if self.rows.has(&key)? {
            return Ok(Fate::Repeated);
        }
        let replaces = self.replaced(tenant, event)?;
        let row = EventRow {
            id: event.id.clone(),
            kind: event.kind,
            subject: event.subject.clone(),
            subjects: event.subjects.clone(),
            source_id: event.source_id.clone(),
            replaces,
            ts: event.ts,
            media_type: event.document.media_type.clone(),
            document: self.keep(&event.document.bytes, &admitted.input),
            canonical_digest: event.document.canonical_digest,
            inexact: event.document.canonical_digest.is_none(),
            claimed: event.claimed.clone(),
            scan: event.scan.clone(),
            revision: 0,
            published: None,
            status: String::new(),
            decision: None,
            live: None,
            timeline: None,
            watches: Vec::new(),
        };
        self.keep_facts(tenant, &event.id, event.parts, &event.facts);
        let status = self.evaluate_row(tenant, row)?;
        Ok(match status {
            Status::Verified => Fate::Published,
            Status::Failed | Status::KeyPolicyMismatch => Fate::Quarantined,
            Status::Missing | Status::Asserted => Fate::Held,
        })
    }

    /// Keeps facts as they were written: the fold itself reads none.
    fn keep_facts(&mut self, tenant: &Tenant, event: &str, index: u32, facts: &WrittenFacts) {
        self.rows.put_new(keys::facts(tenant, event, index), facts.json().as_bytes().to_vec());
    }

    /// The event of the same `sourceId` before this one.
    fn replaced(&mut self, tenant: &Tenant, event: &AdmittedEvent) -> Result<Option<String>, FoldError> {
        let Some(source_id) = &event.source_id else { return Ok(None) };
        let key = keys::source(tenant, source_id);
        let replaced: Option<Rc<String>> = self.rows.get(&key)?;
        self.rows.put(&key, event.id.clone())?;
        Ok(replaced.as_deref().cloned())
    }

    pub(super) fn evaluate_and_publish(&mut self, tenant: &Tenant, id: &str) -> Result<(), FoldError> {
        let key = keys::event(tenant, id);
        if self.evaluated.contains(&key) {
            return Ok(());
        }
        let row: Rc<EventRow> = self.rows.get(&key)?.ok_or(FoldError::Row)?;
        let before = self.changes;
        self.evaluate_row(tenant, EventRow::clone(&row))?;
        if self.changes == before {
            self.evaluated.insert(key);
        }
        Ok(())
    }

    /// An attestation stands otherwise than it did: whatever was evaluated may be evaluated again.
    pub(super) fn stands_otherwise(&mut self) {
        self.changes += 1;
        self.evaluated.clear();
    }

    fn evaluate_row(&mut self, tenant: &Tenant, mut row: EventRow) -> Result<Status, FoldError> {
        let verdict = self.evaluate(tenant, &row)?;
        self.publish(tenant, &mut row, &verdict)?;
        self.watch(tenant, &mut row, &verdict)?;
        self.rows.put(&keys::event(tenant, &row.id), row)?;
        Ok(verdict.status)
    }

    /// Lists the event under the digests whose attestations can change its verdict.
    fn watch(&mut self, tenant: &Tenant, row: &mut EventRow, verdict: &evaluate::Verdict) -> Result<(), FoldError> {
        let old = std::mem::replace(&mut row.watches, verdict.watches.clone());
        for (role, digest) in old.iter().filter(|watch| !row.watches.contains(watch)) {
            self.list_event(tenant, *role, *digest, |list, rows| list.remove(rows, row.id.as_bytes()).map(drop))?;
        }
        for (role, digest) in row.watches.iter().filter(|watch| !old.contains(watch)) {
            self.list_event(tenant, *role, *digest, |list, rows| list.insert(rows, row.id.as_bytes()).map(drop))?;
        }
        Ok(())
    }

    fn list_event(
        &mut self,
        tenant: &Tenant,
        role: Role,
        digest: Digest,
        change: impl FnOnce(&mut Ranked<'_>, &mut Overlay<'s>) -> Result<(), FoldError>,
    ) -> Result<(), FoldError> {
        let key = keys::about(tenant, role, digest);
        let mut about: AboutRow = self.rows.get(&key)?.map(Rc::unwrap_or_clone).unwrap_or_default();
        let spilled = keys::about_spilled(tenant, role, digest, 0);
        change(&mut Ranked { head: &mut about.events, spilled }, &mut self.rows)?;
        self.rows.put(&key, about)
    }

    /// Keeps inline bytes by digest and returns what names them; bytes that are the input's own take the input's.
    fn keep(&mut self, bytes: &Bytes, input: &Bytes) -> Bytes {
        let from = if bytes.inline.is_none() && bytes.r#ref.is_none() { input } else { bytes };
        if let Some(inline) = &from.inline {
            self.rows.put_blob(from.digest, inline.clone());
        }
        Bytes { digest: from.digest, size: from.size, inline: None, r#ref: from.r#ref.clone() }
    }
}

/// The rows that a record names itself.
fn named_rows<'r>(record: &'r LedgerRecord, first: &mut Vec<Key>, about: &mut Vec<(Key, &'r Tenant)>) {
    let tenant = &record.tenant;
    let row = |role: Role, digest: Digest| (keys::about(tenant, role, digest), tenant);
    match &record.body {
        Body::Admitted(admitted) => {
            if let Some(event) = &admitted.event {
                first.push(keys::event(tenant, &event.id));
                first.extend(event.source_id.iter().map(|id| keys::source(tenant, id)));
                let documents = [Some(event.document.bytes.digest), event.document.canonical_digest];
                about.extend(documents.into_iter().flatten().map(|digest| row(Role::Document, digest)));
                about.push(row(Role::Subject, event.document.bytes.digest));
                let subjects = event.subjects.iter().chain(&event.subject).flat_map(|s| s.digest.join_keys());
                about.extend(subjects.map(|digest| row(Role::Subject, digest)));
            }
            if let Some(attestation) = &admitted.attestation {
                first.push(keys::attestation(tenant, attestation.id()));
                first.push(keys::pair(tenant, &attestation.result.pair));
                about.extend(judge::about(&attestation.facts).into_iter().map(|(role, digest)| row(role, digest)));
            }
        }
        Body::Answer(answer) => {
            first.push(keys::attestation(tenant, answer.attestation));
            first.push(keys::pair(tenant, &answer.result.pair));
        }
        Body::Checkpoint(seen) => {
            let of = &seen.checkpoint;
            first.extend([keys::tree(of.log, &of.origin), keys::tree_at(of.log, &of.origin, of.size)]);
        }
        Body::Control(_) | Body::Continue(_) | Body::Part(_) => {}
    }
}

/// The events and attestations in the heads of an about row.
fn rows_of(tenant: &Tenant, row: &AboutRow) -> Vec<Key> {
    let event = |entry: &Vec<u8>| Some(keys::event(tenant, std::str::from_utf8(entry).ok()?));
    let attestations = row.attestations.values().filter_map(Rank::first);
    let attestations = attestations.map(|rank| keys::attestation(tenant, rank.id));
    row.events.first.iter().filter_map(event).chain(attestations).collect()
}

const fn empty_step() -> Step {
    Step { fate: Fate::Control, publish: Vec::new(), verdicts: Vec::new(), alarms: Vec::new() }
}

const fn unborn() -> PartitionRow {
    PartitionRow {
        ledger: String::new(),
        partitions: 0,
        verifier: String::new(),
        clock: crate::event::Millis(0),
        epoch: 0,
        root: None,
        control: 0,
        next_sweep: 0,
        tenants: Vec::new(),
    }
}
