//! Work over many rows, in bounded steps. A sweep's cursor lies in the state; each step is a `continue` record that the
//! fold publishes to its own partition, so live records stand between any two steps, and a replay finds every step.

use crate::event::digest::{hex, unhex};
use crate::event::{Digest, EventId, Millis, Tenant, Topic, limits};

use super::control::system_tenant;
use super::fold::{FoldError, Folding};
use super::keys::{self, Role};
use super::ranked::entries_after;
use super::record::{Body, Continue, LedgerRecord};
use super::rows::{AttestationRow, SweepRow, Task};
use super::step::Publication;

impl Folding<'_> {
    /// Does as much of `tasks` as one step may, and leaves the rest to a sweep.
    pub(super) fn sweep(&mut self, reason: &str, tasks: Vec<Task>) -> Result<(), FoldError> {
        let left = self.work_off(tasks)?;
        if left.is_empty() {
            return Ok(());
        }
        let number = self.partition.next_sweep;
        self.partition.next_sweep += 1;
        self.rows.put(&keys::sweep(number), SweepRow { step: 0, reason: reason.to_owned(), tasks: left })?;
        self.publish_continue(number, 0);
        Ok(())
    }

    /// One `continue` record. One that is unlike the cursor is a no-op.
    pub(super) fn continue_sweep(&mut self, record: &Continue) -> Result<(), FoldError> {
        let key = keys::sweep(record.sweep);
        let Some(sweep) = self.rows.get::<SweepRow>(&key)? else { return Ok(()) };
        if sweep.step != record.step {
            return Ok(());
        }
        let left = self.work_off(sweep.tasks.clone())?;
        if left.is_empty() {
            return self.rows.remove(&key);
        }
        let step = sweep.step + 1;
        self.rows.put(&key, SweepRow { step, reason: sweep.reason.clone(), tasks: left })?;
        self.publish_continue(record.sweep, step);
        Ok(())
    }

    fn publish_continue(&mut self, sweep: u64, step: u64) {
        if self.silent {
            return;
        }
        let tenant = system_tenant();
        let key = tenant.as_str().as_bytes().to_vec();
        let record = LedgerRecord::new(tenant, Body::Continue(Continue { sweep, step }));
        self.step.publish.push(Publication {
            topic: Topic::Ledger,
            owner: None,
            partition: Some(self.number),
            key,
            value: record.to_bytes(),
            headers: Vec::new(),
        });
    }

    /// Takes tasks from the end of the stack until the step is full. Returns what is left.
    fn work_off(&mut self, mut tasks: Vec<Task>) -> Result<Vec<Task>, FoldError> {
        let mut budget = limits::STEP_MAX;
        while budget > 0 {
            let Some(task) = tasks.pop() else { break };
            match task {
                Task::Attestations { tenant, prefix, after } => {
                    budget -= self.sweep_attestations(&mut tasks, tenant, prefix, after)?;
                }
                Task::Events { tenant, about, after } => {
                    budget -= self.sweep_events(&mut tasks, budget, tenant, about, after)?;
                }
                Task::Due { until, after } => budget -= self.sweep_due(&mut tasks, until, after)?,
            }
        }
        Ok(tasks)
    }

    /// The next attestation under a prefix: judged again, and its events put on top of the stack.
    fn sweep_attestations(
        &mut self,
        tasks: &mut Vec<Task>,
        tenant: Tenant,
        prefix: String,
        after: Option<String>,
    ) -> Result<usize, FoldError> {
        let from = unhex(&prefix).ok_or(FoldError::Row)?;
        let last = after.as_deref().and_then(unhex);
        let Some((key, _)) = self.rows.scan(&from, last.as_deref(), 1)?.into_iter().next() else { return Ok(1) };
        let id = keys::last_digest(&key).ok_or(FoldError::Row)?;
        tasks.push(Task::Attestations { tenant: tenant.clone(), prefix, after: Some(hex(&key)) });
        let about = self.judge_again(&tenant, id)?;
        tasks.push(Task::Events { tenant, about, after: None });
        Ok(1)
    }

    /// Judges an attestation again; the digests whose events that may change.
    fn judge_again(&mut self, tenant: &Tenant, id: Digest) -> Result<Vec<(Role, Digest)>, FoldError> {
        let Some(row) = self.restand(tenant, id)? else { return Ok(Vec::new()) };
        let about = self.affected(tenant, &row)?;
        if !row.unswept.is_empty() {
            let swept = AttestationRow { unswept: Vec::new(), ..AttestationRow::clone(&row) };
            self.rows.put(&keys::attestation(tenant, id), swept)?;
        }
        Ok(about)
    }

    /// The events about digests, from the last digest back, as many as the budget allows.
    fn sweep_events(
        &mut self,
        tasks: &mut Vec<Task>,
        budget: usize,
        tenant: Tenant,
        mut about: Vec<(Role, Digest)>,
        mut after: Option<EventId>,
    ) -> Result<usize, FoldError> {
        let mut spent = 0;
        while let Some((role, digest)) = about.last().copied() {
            if spent >= budget {
                tasks.push(Task::Events { tenant, about, after });
                return Ok(budget);
            }
            let events = self.events_about(&tenant, role, digest, after.as_deref(), budget - spent)?;
            spent += events.len().max(1);
            match events.last() {
                Some(last) => after = Some(last.clone()),
                None => {
                    about.pop();
                    after = None;
                }
            }
            for event in events {
                self.evaluate_and_publish(&tenant, &event)?;
            }
        }
        Ok(spent.clamp(1, budget))
    }

    fn events_about(
        &mut self,
        tenant: &Tenant,
        role: Role,
        digest: Digest,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<EventId>, FoldError> {
        let Some(about) = self.about_row(tenant, role, digest)? else { return Ok(Vec::new()) };
        let spilled = || keys::about_spilled(tenant, role, digest, 0);
        let entries = entries_after(&about.events, spilled, &self.rows, after.map(str::as_bytes), limit)?;
        entries.into_iter().map(|entry| String::from_utf8(entry).map_err(|_| FoldError::Row)).collect()
    }

    /// What a tick has made due: judged again, and its events put on top of the stack.
    fn sweep_due(&mut self, tasks: &mut Vec<Task>, until: Millis, after: Option<String>) -> Result<usize, FoldError> {
        let last = after.as_deref().and_then(unhex);
        let Some((key, _)) = self.rows.scan(&keys::due(), last.as_deref(), 1)?.into_iter().next() else {
            return Ok(1);
        };
        let (at, tenant, id) = keys::read_due(&key).ok_or(FoldError::Row)?;
        if at > until {
            return Ok(1);
        }
        tasks.push(Task::Due { until, after: Some(hex(&key)) });
        self.rows.strike(key);
        let about = self.judge_again(&tenant, id)?;
        tasks.push(Task::Events { tenant, about, after: None });
        Ok(1)
    }
}
