//! Behaviour through the API, on both stores.

mod bad_input;
mod cells;
mod durability;
mod flights;
mod migration;
mod readme;
mod records;
mod routes;
mod sessions;
mod tenants;
