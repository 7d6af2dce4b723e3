//! The verdict on one event: the best over all attestations about it, and the chain of evidence.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::rc::Rc;

use crate::event::{Digest, Millis, Subject, Tenant};
use crate::formats::Note;
use crate::verdict::reason::Cause;
use crate::verdict::result::{Check, CheckOutcome, Link};
use crate::verdict::standing::Standing;

use super::fold::{FoldError, Folding};
use super::judge::{InForce, stand};
use super::keys::{self, Role};
use super::output::{ChainLink, Status};
use super::ranked::entries_after;
use super::rows::{AboutRow, AttestationRow, EventRow, Rank, list_of};
use crate::event::limits;

/// The code of a verified attestation that is about the event's subject and binds another document.
const DOCUMENT_UNBOUND: &str = Cause::DocumentUnbound.code();
/// The same where the event's document could not be compared, for a number that a double cannot hold.
const DOCUMENT_INEXACT: &str = Note::DocumentNumberInexact.code();

/// How often the best of a list is judged again before it is taken as it is: a sweep that is under way reaches the rest.
const RESTANDS_MAX: usize = 64;

/// The verdict on one event.
pub struct Verdict {
    pub status: Status,
    pub shown: Option<Shown>,
    pub chain: Vec<ChainLink>,
    /// The subjects of the event while this verdict holds: its own, or those of the statement that binds its document.
    pub subjects: Vec<Subject>,
    /// Digests whose attestations can change this verdict.
    pub watches: Vec<(Role, Digest)>,
}

/// The attestation that is shown.
pub struct Shown {
    pub row: Rc<AttestationRow>,
    /// The code by which it does not bind this event's document, where it is good otherwise.
    pub unbound: Option<&'static str>,
}

impl Shown {
    /// How it stands for this event; `None` without a result, which no attestation that is listed is.
    pub fn standing(&self, trust: &InForce, clock: Millis) -> Option<Standing<'_>> {
        let mut standing = stand(self.row.result.as_ref()?, &trust.keys, clock);
        if let Some(code) = self.unbound {
            standing.reasons = Cow::Owned(vec![code.to_owned()]);
            let check = Check { check: "binding".into(), outcome: CheckOutcome::Fail, code: Some(code.into()) };
            standing.checks.to_mut().push(check);
        }
        Some(standing)
    }
}

/// A candidate: its rank, with the class that it has for this event.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    class: u8,
    rank: Rank,
    unbound: bool,
}

impl Folding<'_> {
    pub(super) fn evaluate(&mut self, tenant: &Tenant, event: &EventRow) -> Result<Verdict, FoldError> {
        let documents: Vec<Digest> =
            [Some(event.document.digest), event.canonical_digest].into_iter().flatten().collect();
        let mut subjects: BTreeSet<Digest> = event.subjects.iter().flat_map(|s| s.digest.join_keys()).collect();
        subjects.extend(event.subject.iter().flat_map(|s| s.digest.join_keys()));
        subjects.insert(event.document.digest);

        let best = match Link::ALL.into_iter().find(|link| link.kind() == Some(event.kind)) {
            Some(link) => self.best(tenant, link, &documents, &subjects)?,
            None => None,
        };
        let mut watches: BTreeSet<(Role, Digest)> = documents.iter().map(|d| (Role::Document, *d)).collect();
        watches.extend(subjects.iter().map(|digest| (Role::Subject, *digest)));
        let Some((candidate, row)) = best else {
            return Ok(Verdict {
                status: Status::Missing,
                shown: None,
                chain: Vec::new(),
                subjects: event.subjects.clone(),
                watches: watches.into_iter().collect(),
            });
        };
        // A good signature about the same subject that binds another document: evidence present and wrong.
        let code = if event.inexact { DOCUMENT_INEXACT } else { DOCUMENT_UNBOUND };
        let shown = Shown { row, unbound: candidate.unbound.then_some(code) };
        let status = match candidate.class {
            Rank::VERIFIED => Status::Verified,
            Rank::MISMATCH => Status::KeyPolicyMismatch,
            _ => Status::Failed,
        };
        let adopted = adopted_subjects(event, status, &shown);
        let about: BTreeSet<Digest> =
            subjects.iter().copied().chain(adopted.iter().flat_map(|s| s.digest.join_keys())).collect();
        let (chain, materials) = self.chain(tenant, &about)?;
        watches.extend(about.iter().chain(&materials).map(|digest| (Role::Subject, *digest)));
        Ok(Verdict { status, shown: Some(shown), chain, subjects: adopted, watches: watches.into_iter().collect() })
    }

    /// The best candidate over the lists of the documents (bound) and of the subjects (unbound), judged under what is
    /// active now.
    fn best(
        &mut self,
        tenant: &Tenant,
        link: Link,
        documents: &[Digest],
        subjects: &BTreeSet<Digest>,
    ) -> Result<Option<(Candidate, Rc<AttestationRow>)>, FoldError> {
        for attempt in 0..=RESTANDS_MAX {
            let Some(mut candidate) = self.best_listed(tenant, link, documents, subjects)? else { return Ok(None) };
            let id = candidate.rank.id;
            let before = self.attestation_row(tenant, id)?.ok_or(FoldError::Row)?.listed;
            let row = self.restand(tenant, id)?.ok_or(FoldError::Row)?;
            if row.listed == before || attempt == RESTANDS_MAX {
                // At the bound, what the list says may be older than the standing: take the graver of the two.
                candidate.class = candidate.class.max(row.listed.map_or(Rank::FAILED, |rank| rank.class));
                return Ok(Some((candidate, row)));
            }
        }
        Ok(None)
    }

    fn best_listed(
        &mut self,
        tenant: &Tenant,
        link: Link,
        documents: &[Digest],
        subjects: &BTreeSet<Digest>,
    ) -> Result<Option<Candidate>, FoldError> {
        let mut best: Option<Candidate> = None;
        let mut offer = |candidate: Candidate| {
            if best.as_ref().is_none_or(|best| candidate < *best) {
                best = Some(candidate);
            }
        };
        for digest in documents {
            for rank in self.heads(tenant, Role::Document, *digest, link)? {
                offer(Candidate { class: rank.class, rank, unbound: false });
            }
        }
        for digest in subjects {
            for rank in self.heads(tenant, Role::Subject, *digest, link)? {
                let unbound = rank.class == Rank::VERIFIED;
                let class = if unbound { Rank::FAILED } else { rank.class };
                offer(Candidate { class, rank, unbound });
            }
        }
        Ok(best)
    }

    /// The best of each class about one digest.
    fn heads(&mut self, tenant: &Tenant, role: Role, digest: Digest, link: Link) -> Result<Vec<Rank>, FoldError> {
        let Some(about) = self.about_row(tenant, role, digest)? else { return Ok(Vec::new()) };
        let classes = [Rank::VERIFIED, Rank::MISMATCH, Rank::FAILED];
        let heads = classes.iter().filter_map(|class| about.attestations.get(&list_of(link, *class)));
        Ok(heads.filter_map(Rank::first).collect())
    }

    pub(super) fn about_row(
        &mut self,
        tenant: &Tenant,
        role: Role,
        digest: Digest,
    ) -> Result<Option<Rc<AboutRow>>, FoldError> {
        self.rows.get(&keys::about(tenant, role, digest))
    }

    /// Verified attestations about the event's subjects, and about what a build among them names as material.
    fn chain(
        &mut self,
        tenant: &Tenant,
        subjects: &BTreeSet<Digest>,
    ) -> Result<(Vec<ChainLink>, BTreeSet<Digest>), FoldError> {
        let mut chain = BTreeSet::new();
        let mut builds = BTreeSet::new();
        for digest in subjects {
            for (link, rank) in self.verified_about(tenant, *digest)? {
                chain.insert(chain_link(link, rank.envelope));
                if link == Link::Build {
                    builds.insert(rank);
                }
            }
        }
        let mut materials = BTreeSet::new();
        for rank in builds.into_iter().take(limits::CHAIN_MAX) {
            let row = self.attestation_row(tenant, rank.id)?;
            let statement = row.as_ref().and_then(|row| row.facts.statement.as_ref());
            materials.extend(statement.iter().flat_map(|statement| &statement.materials));
        }
        let materials: BTreeSet<Digest> =
            materials.into_iter().filter(|m| !subjects.contains(m)).take(limits::CHAIN_MATERIALS_MAX).collect();
        for digest in &materials {
            for (link, rank) in self.verified_about(tenant, *digest)? {
                chain.insert(chain_link(link, rank.envelope));
            }
        }
        Ok((bounded(chain), materials))
    }

    fn verified_about(&mut self, tenant: &Tenant, digest: Digest) -> Result<Vec<(Link, Rank)>, FoldError> {
        let Some(about) = self.about_row(tenant, Role::Subject, digest)? else { return Ok(Vec::new()) };
        let mut verified = Vec::new();
        for link in Link::ALL {
            let list = list_of(link, Rank::VERIFIED);
            let Some(head) = about.attestations.get(&list) else { continue };
            let spilled = || keys::about_spilled(tenant, Role::Subject, digest, list);
            let entries = entries_after(head, spilled, &self.rows, None, limits::CHAIN_MAX)?;
            for rank in entries.iter().filter_map(|entry| Rank::from_key(entry)) {
                if self.still_verified(tenant, rank)? {
                    verified.push((link, rank));
                }
            }
        }
        Ok(verified)
    }

    /// Whether a listed attestation is verified under what is active now; a sweep may not have reached it.
    fn still_verified(&mut self, tenant: &Tenant, rank: Rank) -> Result<bool, FoldError> {
        let row = self.restand(tenant, rank.id)?.ok_or(FoldError::Row)?;
        Ok(row.listed == Some(rank))
    }
}

fn chain_link(link: Link, envelope: Digest) -> ChainLink {
    let short: String = envelope.hex().chars().take(16).collect();
    ChainLink { r#type: link, id: format!("att:{}#{short}", link.as_str()), digest: envelope }
}

/// At most `CHAIN_MAX` of each type, in order of type and digest.
fn bounded(chain: BTreeSet<ChainLink>) -> Vec<ChainLink> {
    let of = |link: Link| chain.iter().filter(move |entry| entry.r#type == link).take(limits::CHAIN_MAX).cloned();
    Link::ALL.into_iter().flat_map(of).collect()
}

/// While a bound attestation verifies, an event without a subject digest of its own has the statement's subjects.
fn adopted_subjects(event: &EventRow, status: Status, shown: &Shown) -> Vec<Subject> {
    let own = event.subjects.iter().chain(&event.subject).any(|subject| !subject.digest.is_empty());
    match (&shown.row.facts.statement, status) {
        (Some(statement), Status::Verified) if !own => {
            let mut subjects = event.subjects.clone();
            subjects.extend(statement.subjects.iter().filter(|s| !event.subjects.contains(s)).cloned());
            subjects
        }
        _ => event.subjects.clone(),
    }
}
