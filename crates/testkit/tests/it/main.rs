//! Behaviour through the API, on both stores.

mod bad_input;
mod durability;
mod flights;
mod isolation;
mod openapi;
mod readme;
mod records;
mod routes;
mod schemathesis;
mod tenants;
