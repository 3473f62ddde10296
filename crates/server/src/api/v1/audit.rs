//! The audit trail.

pub(crate) mod list;
