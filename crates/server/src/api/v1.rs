//! Version 1, under `/api/v1`.

pub(crate) mod api_keys;
pub(crate) mod audit;
pub(crate) mod auth;
pub(crate) mod authz;
pub(crate) mod batch;
pub(crate) mod entities;
pub(crate) mod groups;
pub(crate) mod jobs;
pub(crate) mod openapi;
pub(crate) mod org;
pub(crate) mod platform;
pub(crate) mod records;
pub(crate) mod roles;
pub(crate) mod schema;
pub(crate) mod tenant;
pub(crate) mod users;
