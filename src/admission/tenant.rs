//! Whose record it is: everything in it that names a tenant must agree.

use std::sync::Arc;

use crate::event::topic::TopicRole;
use crate::event::{OwnTopics, Tenant, TopicName};
use crate::formats::arrival::Carrier;
use crate::ledger::control::SYSTEM_TENANT;
use crate::verdict::CompiledTrust;
use crate::verdict::intake::Intake;

use super::TrustTable;

/// The tenant of a record on a topic, and the trust in force for it. An own topic names its tenant, and a tenant with
/// inputs of its own is on no shared one. (`attestation.backfill` is no producer's: only our principals write it.)
pub fn of<'t>(
    topic: TopicName,
    carrier: &Carrier,
    table: &'t TrustTable,
) -> Result<(Tenant, &'t Arc<CompiledTrust>), Intake> {
    let owner = topic.owner.map(|owner| owner.tenant());
    let mut named = owner.iter().chain(carrier.tenants.iter().map(|named| &named.tenant));
    let tenant = named.next().ok_or(Intake::TenantUnknown)?;
    if named.any(|other| other != tenant) {
        return Err(Intake::TenantMismatch);
    }
    if tenant.as_str() == SYSTEM_TENANT {
        return Err(Intake::TenantUnknown);
    }
    let trust = table.current(tenant).ok_or(Intake::TenantUnknown)?;
    let own = table.document(tenant).map(|entry| &entry.topics);
    let accepted = match topic.owner {
        Some(_) => own.is_some_and(|own| own.inputs().contains(&topic.topic)),
        None => topic.topic.role() != TopicRole::Input || own.is_none_or(OwnTopics::has_shared_inputs),
    };
    if !accepted {
        return Err(Intake::TenantMismatch);
    }
    Ok((tenant.clone(), trust))
}
