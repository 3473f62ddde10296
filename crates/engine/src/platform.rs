//! What an [`Operator`](crate::identity::operator::Operator) does: tenants and the platform's own trail.
//!
//! Knows the platform's tables. Must not open a tenant's store: what an organisation keeps is its own.

pub mod audit;
pub mod tenants;
