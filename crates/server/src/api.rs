//! The API's operations, one file each.

pub(crate) mod v1;
