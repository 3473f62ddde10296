//! The API's operations, one file each.

pub(crate) mod openapi;
pub(crate) mod v1;
