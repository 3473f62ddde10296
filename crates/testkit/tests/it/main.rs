//! Behaviour through the API, on both stores.

mod bad_input;
mod durability;
mod flights;
mod isolation;
mod limits;
mod members;
mod readme;
mod records;
mod routes;
mod tenants;
