//! The fields of an entity, one by one.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod update;
