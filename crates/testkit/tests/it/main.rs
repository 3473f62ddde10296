//! Behaviour through the API, on both stores.

mod bad_input;
mod durability;
#[cfg(target_os = "linux")]
mod flushed;
mod flights;
mod readme;
mod records;
mod routes;
mod tenants;
