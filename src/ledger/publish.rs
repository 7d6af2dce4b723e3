//! From a verdict to records: what is published, and whether anything changed at all.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::LazyLock;

use serde::Serialize;

use crate::event::{Digest, Tenant, Topic};

use super::evaluate::Verdict;
use super::fold::{FoldError, Folding};
use super::keys;
use super::output::{
    BUILT_IN_POLICY, Change, Decision, DecisionInputs, Dsse, LedgerPosition, Provenance, Published, PublishedDocument,
    Status, TimelineEntry, Trust,
};
use super::packed;
use super::record::Work;
use super::rows::EventRow;
use super::step::Publication;

static POLICY: LazyLock<Digest> = LazyLock::new(|| Digest::of(BUILT_IN_POLICY.as_bytes()));
const ALLOW: &str = "ALLOW";
const FAIL: &str = "FAIL";
const BUILT_IN_RULE: &str = "builtin-verified";

impl Folding<'_> {
    /// Publishes an event exactly when its record without revision and position differs from the last one.
    pub(super) fn publish(
        &mut self,
        tenant: &Tenant,
        event: &mut EventRow,
        verdict: &Verdict,
    ) -> Result<(), FoldError> {
        let mut record = self.record_of(tenant, event, verdict)?;
        let digest = packed::digest(&record)?;
        if event.published == Some(digest) {
            return Ok(());
        }
        let before = (event.published.is_some()).then(|| event.status.clone());
        event.published = Some(digest);
        event.revision += 1;
        event.status = verdict.status.as_str().to_owned();
        record.revision = Some(event.revision);
        record.position = Some(self.position());
        self.step.verdicts.push((verdict.status.as_str(), record.trust.reasons.first().cloned()));
        self.append(Topic::Enriched, tenant, &event.id, &record, None)?;

        let decision = match verdict.status {
            Status::Verified => Some(ALLOW),
            Status::Failed | Status::KeyPolicyMismatch => Some(FAIL),
            Status::Missing | Status::Asserted => None,
        };
        self.decide(tenant, event, verdict, decision)?;
        self.publish_verified(tenant, event, &mut record, decision)?;
        if decision == Some(FAIL) || (decision.is_none() && before.as_deref() == Some(Status::Verified.as_str())) {
            self.carry_document(event, &mut record)?;
            self.append(Topic::Quarantined, tenant, &event.id, &record, None)?;
        }
        match before {
            Some(from) if from != event.status => self.re_verdict(tenant, event, from, record.trust.reasons),
            _ => Ok(()),
        }
    }

    /// The verified topic: what is verified and allowed, and its withdrawal. Leaves `record` as it was.
    fn publish_verified(
        &mut self,
        tenant: &Tenant,
        event: &mut EventRow,
        record: &mut Published,
        decision: Option<&'static str>,
    ) -> Result<(), FoldError> {
        let change = match (decision == Some(ALLOW), event.live) {
            (true, None) => Change::Verified,
            (true, Some(_)) => Change::Superseded,
            (false, Some(_)) => Change::Revoked,
            (false, None) => return Ok(()),
        };
        record.change = Some(change);
        record.supersedes = event.live;
        let bare = record.document.clone();
        if change == Change::Revoked {
            record.document = None;
            event.live = None;
        } else {
            self.carry_document(event, record)?;
            event.live = Some(event.revision);
        }
        self.append(Topic::Verified, tenant, &event.id, record, Some(change))?;
        (record.change, record.supersedes, record.document) = (None, None, bare);
        Ok(())
    }

    /// One record per change of decision.
    fn decide(
        &mut self,
        tenant: &Tenant,
        event: &mut EventRow,
        verdict: &Verdict,
        decision: Option<&'static str>,
    ) -> Result<(), FoldError> {
        let Some(decision) = decision.filter(|decision| event.decision.as_deref() != Some(decision)) else {
            return Ok(());
        };
        event.decision = Some(decision.to_owned());
        let record = Decision {
            id: event.id.clone(),
            tenant: tenant.clone(),
            revision: event.revision,
            decision: decision.to_owned(),
            rules: vec![BUILT_IN_RULE.to_owned()],
            policy: *POLICY,
            inputs: DecisionInputs {
                status: verdict.status,
                document: event.document.digest,
                envelope: verdict.shown.as_ref().map(|shown| shown.row.facts.envelope),
            },
            position: self.position(),
        };
        self.append(Topic::Decisions, tenant, &event.id, &record, None)
    }

    fn re_verdict(
        &mut self,
        tenant: &Tenant,
        event: &mut EventRow,
        from: String,
        reasons: Vec<String>,
    ) -> Result<(), FoldError> {
        let entry = TimelineEntry {
            tenant: tenant.clone(),
            subject: event.id.clone(),
            entry: "re-verdict".to_owned(),
            at: self.partition.clock,
            from: Some(from),
            to: Some(event.status.clone()),
            reasons,
            notes: Vec::new(),
            previous: event.timeline,
            position: self.position(),
        };
        event.timeline = Some(self.enter(&entry)?);
        Ok(())
    }

    pub(super) fn position(&self) -> LedgerPosition {
        LedgerPosition { ledger: self.partition.ledger.clone(), partition: self.number, seq: self.seq }
    }

    fn record_of(&mut self, tenant: &Tenant, event: &EventRow, verdict: &Verdict) -> Result<Published, FoldError> {
        let shown = match (&verdict.shown, self.in_force(tenant)?) {
            (Some(shown), Some(trust)) => {
                Some((shown, shown.standing(&trust, self.partition.clock).ok_or(FoldError::Row)?))
            }
            _ => None,
        };
        let standing = shown.as_ref().map(|(_, standing)| standing);
        let dsse = shown.as_ref().map(|(shown, standing)| Dsse {
            envelope_digest: shown.row.facts.envelope,
            bundle_digest: shown.row.facts.bundle,
            payload_type: shown.row.facts.payload_type.clone(),
            key: standing.key.cloned(),
            rekor: standing.rekor.cloned(),
            chain: verdict.chain.clone(),
        });
        Ok(Published {
            id: event.id.clone(),
            source_id: event.source_id.clone(),
            kind: event.kind,
            tenant: tenant.clone(),
            revision: None,
            change: None,
            supersedes: None,
            replaces: event.replaces.clone(),
            subject: event.subject.clone(),
            subjects: verdict.subjects.clone(),
            document: Some(PublishedDocument {
                media_type: event.media_type.clone(),
                digest: event.document.digest,
                canonical_digest: event.canonical_digest,
                size: event.document.size,
                content: None,
                encoding: None,
                r#ref: None,
            }),
            provenance: Provenance { dsse, claimed: event.claimed.clone() },
            trust: Trust {
                verified: verdict.status == Status::Verified,
                verifier: self.partition.verifier.clone(),
                witnesses: standing.map_or(0, |standing| standing.witnesses),
                trusted_time: standing.and_then(|standing| standing.trusted_time),
                status: verdict.status,
                reasons: standing.map(|standing| standing.reasons.to_vec()).unwrap_or_default(),
                checks: standing.map(|standing| standing.checks.to_vec()).unwrap_or_default(),
                trust_root: standing.and_then(|standing| standing.trust_root),
                policy: *POLICY,
            },
            scan: event.scan.clone(),
            ts: event.ts,
            position: None,
        })
    }

    /// Consumers need nothing else: the document goes with the record, inline or by reference.
    fn carry_document(&self, event: &EventRow, record: &mut Published) -> Result<(), FoldError> {
        let Some(document) = record.document.as_mut().filter(|_| !self.silent) else { return Ok(()) };
        let carried = self.carried(&event.document)?;
        document.r#ref = carried.r#ref;
        if let Some(bytes) = carried.inline {
            let (encoding, content) = match String::from_utf8(bytes) {
                Ok(text) => ("utf-8", text),
                Err(error) => ("base64", crate::event::base64::encode(error.as_bytes())),
            };
            document.encoding = Some(encoding.to_owned());
            document.content = Some(content);
        }
        Ok(())
    }

    pub(super) fn ask(&mut self, tenant: &Tenant, attestation: Digest, work: &Work) {
        let key = format!("{tenant}/{}", attestation.hex()).into_bytes();
        let value = serde_json::to_vec(work).unwrap_or_default();
        let publication =
            Publication { topic: Topic::Work, owner: None, partition: None, key, value, headers: Vec::new() };
        self.step.publish.push(publication);
    }

    /// Puts an entry on the timeline and returns its digest, which the next entry of the same subject names.
    pub(super) fn enter(&mut self, entry: &TimelineEntry) -> Result<Digest, FoldError> {
        let value = to_bytes(entry)?;
        let digest = Digest::of(&value);
        if !self.silent {
            self.append_bytes(Topic::Timeline, &entry.tenant, &entry.subject, value, None)?;
        }
        Ok(digest)
    }

    /// Whether the tenant has a topic of its own for an output, as its first entry has it.
    fn is_own(&mut self, tenant: &Tenant, topic: Topic) -> Result<bool, FoldError> {
        let outputs: Option<Rc<BTreeSet<Topic>>> = self.rows.get(&keys::outputs(tenant))?;
        Ok(outputs.is_some_and(|outputs| outputs.contains(&topic)))
    }

    /// Remembers them, once. The tenant's records say it as its entry does: whichever this partition meets first, nothing
    /// of the tenant is ever published elsewhere.
    pub(super) fn learn_outputs(&mut self, tenant: &Tenant, outputs: &BTreeSet<Topic>) -> Result<(), FoldError> {
        let key = keys::outputs(tenant);
        if outputs.is_empty() || self.rows.has(&key)? {
            return Ok(());
        }
        self.rows.put(&key, outputs.clone())
    }

    /// Publishes on the tenant's own topic where it has one, else on the shared one.
    pub(super) fn append<T: Serialize>(
        &mut self,
        topic: Topic,
        tenant: &Tenant,
        id: &str,
        value: &T,
        change: Option<Change>,
    ) -> Result<(), FoldError> {
        if self.silent {
            return Ok(());
        }
        let value = to_bytes(value)?;
        self.append_bytes(topic, tenant, id, value, change)
    }

    fn append_bytes(
        &mut self,
        topic: Topic,
        tenant: &Tenant,
        id: &str,
        value: Vec<u8>,
        change: Option<Change>,
    ) -> Result<(), FoldError> {
        let key = format!("{tenant}/{id}").into_bytes();
        let headers = change.map(|change| ("change", change.as_str().to_owned())).into_iter().collect();
        let owner = self.is_own(tenant, topic)?.then(|| tenant.clone());
        self.step.publish.push(Publication { topic, owner, partition: None, key, value, headers });
        Ok(())
    }
}

fn to_bytes<T: Serialize>(value: &T) -> Result<Vec<u8>, FoldError> {
    let mut bytes = Vec::with_capacity(2_048);
    serde_json::to_writer(&mut bytes, value).map_err(|_| FoldError::Row)?;
    Ok(bytes)
}
