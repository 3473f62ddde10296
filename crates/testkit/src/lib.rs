//! What tests, benchmarks and the demo share: callers of the API and real data to give it. Never part of the product.

pub mod client;
pub mod flights;
