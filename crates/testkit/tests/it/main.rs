//! Behaviour through the API, on both stores.

mod bad_input;
mod cells;
mod durability;
mod flights;
#[cfg(target_os = "linux")]
mod flushed;
mod lost_commit;
mod migration;
mod openapi;
mod readme;
mod records;
mod routes;
mod schemathesis;
mod sessions;
mod tenants;
