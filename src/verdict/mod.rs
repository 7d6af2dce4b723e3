//! Trust and the verdict: the trust root, a tenant's keys, `verify`, and why.

pub mod result;
pub mod standing;
pub mod tenant;
