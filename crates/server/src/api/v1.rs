//! Version 1, under `/api/v1`.

pub(crate) mod auth;
pub(crate) mod users;
