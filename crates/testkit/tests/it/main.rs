//! Behaviour through the API, on both stores.

mod bad_input;
mod durability;
mod flights;
mod readme;
mod records;
mod routes;
mod tenants;
mod types;
