//! Behaviour through the API, on both stores.

mod authz;
mod bad_input;
mod durability;
mod flights;
mod readme;
mod records;
mod routes;
mod tenants;
