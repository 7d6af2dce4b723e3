//! How an attestation stands now: its result, the keys that are still configured, and the clock. No cryptography.

use std::borrow::Cow;
use std::rc::Rc;

use crate::event::{Digest, Millis, Tenant, limits};
use crate::verdict::result::{AttestationFacts, AttestationResult, AttestationStatus, Pair, RestsOn};
use crate::verdict::standing::{KeysInForce, Standing, standing_under};

use super::fold::{FoldError, Folding};
use super::keys::{self, Role};
use super::ranked::Ranked;
use super::record::{Bytes, VerifyWork, Work};
use super::rows::{AboutRow, AttestationRow, Rank, TenantRow, Touched, list_of};

/// The code of a result whose verified time lies ahead of the clock.
pub const NOT_YET_VALID: &str = "not-yet-valid";

/// The digests that an attestation is about, each once, in order.
pub fn about(facts: &AttestationFacts) -> Vec<(Role, Digest)> {
    let Some(statement) = &facts.statement else { return Vec::new() };
    let subjects = statement.subjects.iter().flat_map(|subject| subject.digest.join_keys());
    let documents = statement.documents.iter().copied().map(|digest| (Role::Document, digest));
    let mut about: Vec<(Role, Digest)> = subjects.map(|digest| (Role::Subject, digest)).chain(documents).collect();
    about.sort_unstable();
    about.dedup();
    about
}

/// A tenant's row, read once for a batch.
pub struct InForce {
    pub row: Rc<TenantRow>,
    pub keys: KeysInForce,
}

/// How an attestation with a result stands under the tenant's keys and the clock.
pub fn stand<'r>(result: &'r AttestationResult, keys: &KeysInForce, clock: Millis) -> Standing<'r> {
    let mut standing = standing_under(result, keys);
    let waits = result.not_before.is_some_and(|time| time > clock);
    if waits && standing.status == AttestationStatus::Verified {
        standing.status = AttestationStatus::KeyPolicyMismatch;
        standing.reasons = Cow::Owned(vec![NOT_YET_VALID.to_owned()]);
    }
    standing
}

/// Whether an activation after number `activation` touched something that the result rests on.
fn is_stale(result: &AttestationResult, activation: u64, touched: &Touched) -> bool {
    let later = |number: &u64| *number > activation;
    let touches = |on: &RestsOn| match on {
        RestsOn::Key(fingerprint) => touched.keys.get(fingerprint).is_some_and(later),
        RestsOn::Identities => later(&touched.identities),
        RestsOn::Root => later(&touched.root),
        RestsOn::Unresolved(Some(hint)) => touched.added.get(hint).is_some_and(later),
        RestsOn::Unresolved(None) => touched.added.values().any(later),
        RestsOn::Rules => later(&touched.rules),
    };
    later(&touched.rules) || result.rests_on.iter().any(touches)
}

/// Whether several keys signed and some of them do not count any more: only verification can say what remains.
fn is_unsettled(result: &AttestationResult, in_force: &KeysInForce) -> bool {
    let keys = result.rests_on.iter().filter_map(|on| match on {
        RestsOn::Key(key) => Some(*key),
        _ => None,
    });
    let (mut signed, mut gone) = (0, 0);
    for key in keys {
        let counts = in_force.get(key).is_some_and(|revoked_at| revoked_at.is_none());
        (signed, gone) = (signed + 1, gone + usize::from(!counts));
    }
    signed > 1 && gone > 0
}

/// Where an attestation that stands so is listed.
fn rank(standing: &Standing<'_>, row: &AttestationRow, id: Digest) -> Rank {
    Rank {
        class: match standing.status {
            AttestationStatus::Verified => Rank::VERIFIED,
            AttestationStatus::KeyPolicyMismatch => Rank::MISMATCH,
            AttestationStatus::Failed => Rank::FAILED,
        },
        time: standing.trusted_time.map_or(u64::MAX, |time| u64::try_from(time.0).unwrap_or(0)),
        envelope: row.facts.envelope,
        id,
    }
}

fn read_number(bytes: &[u8]) -> Result<u64, FoldError> {
    bytes.try_into().map(u64::from_be_bytes).map_err(|_| FoldError::Row)
}

impl Folding<'_> {
    /// The number of the activation under which `pair` was last in force; `None` while it waits to be.
    ///
    /// Admission verifies under its own epoch: once that has come, or is over, a pair may be one that never was and never
    /// will be, since its trust was in force before the epoch came, or came after it went. Such a result is as old as its
    /// trust is here: it counts, and is asked for again.
    pub(super) fn activation_of(&mut self, tenant: &Tenant, pair: &Pair) -> Result<Option<u64>, FoldError> {
        let exact = self.rows.entry(&keys::pair(tenant, pair))?.map(|number| read_number(&number)).transpose()?;
        if exact.is_some() || pair.epoch > self.partition.epoch {
            return Ok(exact);
        }
        let of_trust = self.rows.scan(&keys::pairs(tenant, pair.trust), None, limits::STEP_MAX)?;
        if of_trust.is_empty() {
            return Ok(None);
        }
        let own = keys::pair(tenant, pair);
        let before = of_trust.iter().rev().find(|(key, _)| *key < own);
        let number = before.map(|(_, number)| read_number(number));
        Ok(Some(number.transpose()?.unwrap_or_default()))
    }

    pub(super) fn tenant_row(&mut self, tenant: &Tenant) -> Result<Option<Rc<TenantRow>>, FoldError> {
        self.rows.get(&keys::tenant(tenant))
    }

    /// The tenant's trust in force. `put_activation` forgets it.
    pub(super) fn in_force(&mut self, tenant: &Tenant) -> Result<Option<Rc<InForce>>, FoldError> {
        if let Some(known) = self.in_force.get(tenant) {
            return Ok(Some(Rc::clone(known)));
        }
        let Some(row) = self.tenant_row(tenant)? else { return Ok(None) };
        let read = Rc::new(InForce { keys: KeysInForce::of(&row.trust), row });
        self.in_force.insert(tenant.clone(), Rc::clone(&read));
        Ok(Some(read))
    }

    pub(super) fn attestation_row(
        &mut self,
        tenant: &Tenant,
        id: Digest,
    ) -> Result<Option<Rc<AttestationRow>>, FoldError> {
        self.rows.get(&keys::attestation(tenant, id))
    }

    /// Takes a result into the row: the one of the latest activation counts, one of a pair that is not in force yet
    /// waits. Returns whether what counts or waits changed.
    pub(super) fn take_result(
        &mut self,
        tenant: &Tenant,
        id: Digest,
        row: &mut AttestationRow,
        result: AttestationResult,
    ) -> Result<bool, FoldError> {
        let Some(activation) = self.activation_of(tenant, &result.pair)? else {
            let known = row.pending.iter().any(|pending| pending.pair == result.pair);
            if !known {
                let mut key = keys::pending(tenant, &result.pair);
                key.extend_from_slice(id.as_bytes());
                self.rows.enter(key, Vec::new());
                row.pending.push(result);
            }
            return Ok(!known);
        };
        // What was asked for is there. Should its pair come into force again after another result took its place, it is
        // asked for once more.
        row.asked = row.asked.filter(|asked| *asked != result.pair);
        let present = match &row.result {
            Some(present) => self.activation_of(tenant, &present.pair.clone())?,
            None => None,
        };
        if present.is_some_and(|present| present >= activation) {
            return Ok(false);
        }
        let old = row.result.replace(result);
        let old = old.map(|result| result.rests_on).unwrap_or_default();
        let new = row.result.as_ref().map(|result| result.rests_on.clone()).unwrap_or_default();
        self.index_rests(tenant, id, &old, &new);
        Ok(true)
    }

    fn index_rests(&mut self, tenant: &Tenant, id: Digest, old: &[RestsOn], new: &[RestsOn]) {
        let key = |on: &RestsOn| {
            let mut key = keys::rests_on(tenant, on);
            key.extend_from_slice(id.as_bytes());
            key
        };
        for on in old.iter().filter(|on| !new.contains(on)) {
            self.rows.strike(key(on));
        }
        for on in new.iter().filter(|on| !old.contains(on)) {
            self.rows.enter(key(on), Vec::new());
        }
    }

    /// Brings an attestation's place in the lists up to what is active now, and asks for a new result where an
    /// activation touched what the present one rests on. Returns the row, `None` while no result counts.
    pub(super) fn restand(&mut self, tenant: &Tenant, id: Digest) -> Result<Option<Rc<AttestationRow>>, FoldError> {
        let Some(known) = self.attestation_row(tenant, id)? else { return Ok(None) };
        // Most are judged again for an event and stand as they did: the row, which is large, is not copied.
        if self.is_settled(tenant, id, &known)? {
            return Ok(Some(known));
        }
        let mut row = AttestationRow::clone(&known);
        let Some(changed) = self.restand_row(tenant, id, &mut row)? else { return Ok(None) };
        let row = Rc::new(row);
        if changed {
            self.stands_otherwise();
            self.rows.put_shared(&keys::attestation(tenant, id), Rc::clone(&row))?;
        }
        Ok(Some(row))
    }

    /// Whether `restand_row` would change nothing.
    fn is_settled(&mut self, tenant: &Tenant, id: Digest, row: &AttestationRow) -> Result<bool, FoldError> {
        let (Some(trust), Some(result), true) = (self.in_force(tenant)?, &row.result, row.pending.is_empty()) else {
            return Ok(false);
        };
        let clock = self.partition.clock;
        let waits = result.not_before.is_some_and(|time| time > clock);
        let rank = rank(&stand(result, &trust.keys, clock), row, id);
        Ok(!waits && row.listed == Some(rank) && !self.is_to_be_asked(tenant, row, &trust)?)
    }

    /// The same for a row that the caller writes: whether it changed.
    pub(super) fn restand_row(
        &mut self,
        tenant: &Tenant,
        id: Digest,
        row: &mut AttestationRow,
    ) -> Result<Option<bool>, FoldError> {
        let (pending, asked) = (!row.pending.is_empty(), row.asked);
        self.take_pending(tenant, id, row)?;
        let Some(trust) = self.in_force(tenant)? else { return Ok(None) };
        let Some(result) = &row.result else { return Ok(None) };
        let clock = self.partition.clock;
        if let Some(time) = result.not_before.filter(|time| *time > clock) {
            self.rows.enter(keys::due_at(time, tenant, id), Vec::new());
        }
        let rank = rank(&stand(result, &trust.keys, clock), row, id);
        let moved = row.listed != Some(rank);
        if moved {
            self.relist(tenant, row, rank)?;
        }
        if self.is_to_be_asked(tenant, row, &trust)? {
            self.ask_again(tenant, id, row, trust.row.pair)?;
        }
        Ok(Some(pending || moved || row.asked != asked))
    }

    /// Takes results into force whose pair has been activated since.
    fn take_pending(&mut self, tenant: &Tenant, id: Digest, row: &mut AttestationRow) -> Result<(), FoldError> {
        if row.pending.is_empty() {
            return Ok(());
        }
        for result in std::mem::take(&mut row.pending) {
            if self.activation_of(tenant, &result.pair)?.is_some() {
                let mut key = keys::pending(tenant, &result.pair);
                key.extend_from_slice(id.as_bytes());
                self.rows.strike(key);
                self.take_result(tenant, id, row, result)?;
            } else {
                row.pending.push(result);
            }
        }
        Ok(())
    }

    /// Moves the attestation to its place in the lists. Where the beginning of a list changed, the verdict of the events
    /// about that digest may change: they read nothing but beginnings.
    fn relist(&mut self, tenant: &Tenant, row: &mut AttestationRow, rank: Rank) -> Result<(), FoldError> {
        let old = row.listed.replace(rank);
        let Some(link) = row.facts.statement.as_ref().and_then(|statement| statement.link) else { return Ok(()) };
        for (role, digest) in about(&row.facts) {
            let key = keys::about(tenant, role, digest);
            let mut about: AboutRow = self.rows.get(&key)?.map(Rc::unwrap_or_clone).unwrap_or_default();
            let mut began_otherwise = false;
            if let Some(old) = old {
                let list = list_of(link, old.class);
                if let Some(head) = about.attestations.get_mut(&list) {
                    let spilled = keys::about_spilled(tenant, role, digest, list);
                    began_otherwise |= Ranked { head, spilled }.remove(&mut self.rows, &old.to_key())?;
                    if head.first.is_empty() {
                        about.attestations.remove(&list);
                    }
                }
            }
            let list = list_of(link, rank.class);
            let spilled = keys::about_spilled(tenant, role, digest, list);
            let head = about.attestations.entry(list).or_default();
            began_otherwise |= Ranked { head, spilled }.insert(&mut self.rows, &rank.to_key())?;
            self.rows.put(&key, about)?;
            if began_otherwise && !row.unswept.contains(&(role, digest)) {
                row.unswept.push((role, digest));
            }
        }
        Ok(())
    }

    /// The digests whose events must be evaluated again after this attestation was judged: those where a list begins
    /// otherwise than it did (`unswept`, which the caller then takes out of the row), and those where the attestation itself
    /// stands at the beginning.
    pub(super) fn affected(&mut self, tenant: &Tenant, row: &AttestationRow) -> Result<Vec<(Role, Digest)>, FoldError> {
        let mut affected = row.unswept.clone();
        let Some(link) = row.facts.statement.as_ref().and_then(|statement| statement.link) else { return Ok(affected) };
        let Some(rank) = row.listed else { return Ok(affected) };
        let entry = rank.to_key();
        for (role, digest) in about(&row.facts) {
            let about = self.about_row(tenant, role, digest)?;
            let head = about.as_ref().and_then(|about| about.attestations.get(&list_of(link, rank.class)));
            if head.is_some_and(|head| head.first.contains(&entry)) && !affected.contains(&(role, digest)) {
                affected.push((role, digest));
            }
        }
        affected.sort_unstable();
        Ok(affected)
    }

    /// Whether to ask for (attestation, active pair), which is done once until the answer is there. A result that rests on one key which is not
    /// configured any more is turned by its standing and needs no answer.
    fn is_to_be_asked(&mut self, tenant: &Tenant, row: &AttestationRow, trust: &InForce) -> Result<bool, FoldError> {
        let Some(result) = &row.result else { return Ok(false) };
        let InForce { row: trust, keys } = trust;
        if row.asked == Some(trust.pair) || result.pair == trust.pair {
            return Ok(false);
        }
        let Some(activation) = self.activation_of(tenant, &result.pair)? else { return Ok(false) };
        let older = result.pair.epoch < trust.pair.epoch;
        Ok(older || is_unsettled(result, keys) || is_stale(result, activation, &trust.touched))
    }

    fn ask_again(
        &mut self,
        tenant: &Tenant,
        id: Digest,
        row: &mut AttestationRow,
        pair: Pair,
    ) -> Result<(), FoldError> {
        row.asked = Some(pair);
        if self.silent {
            return Ok(());
        }
        let evidence = self.carried(&row.bytes)?;
        let work = VerifyWork { tenant: tenant.clone(), attestation: id, evidence, pair, at: row.admitted_at };
        self.ask(tenant, id, &Work::Verify(work));
        Ok(())
    }

    /// Bytes as outputs and asks carry them: inline where the state keeps them, else by reference.
    pub(super) fn carried(&self, bytes: &Bytes) -> Result<Bytes, FoldError> {
        let mut carried = bytes.clone();
        if carried.r#ref.is_none() {
            carried.inline = Some(self.rows.blob(bytes.digest)?.ok_or(FoldError::Blob)?);
        }
        Ok(carried)
    }
}
