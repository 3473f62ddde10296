//! Behaviour through the API, on both stores.

mod bad_input;
mod changes;
mod durability;
mod flights;
mod idempotency;
mod query;
mod readme;
mod records;
mod routes;
mod tenants;
mod upsert;
