//! Whose record it is: everything in it that names a tenant must agree.

use std::sync::Arc;

use crate::event::Tenant;
use crate::formats::arrival::Carrier;
use crate::ledger::control::SYSTEM_TENANT;
use crate::verdict::CompiledTrust;
use crate::verdict::intake::Intake;

use super::TrustTable;

/// The tenant of a record on a shared topic, and the trust in force for it.
pub fn of<'t>(carrier: &Carrier, table: &'t TrustTable) -> Result<(Tenant, &'t Arc<CompiledTrust>), Intake> {
    let mut named = carrier.tenants.iter().map(|named| &named.tenant);
    let tenant = named.next().ok_or(Intake::TenantUnknown)?;
    if named.any(|other| other != tenant) {
        return Err(Intake::TenantMismatch);
    }
    if tenant.as_str() == SYSTEM_TENANT {
        return Err(Intake::TenantUnknown);
    }
    let trust = table.current(tenant).ok_or(Intake::TenantUnknown)?;
    Ok((tenant.clone(), trust))
}
