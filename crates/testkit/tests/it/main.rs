//! Behaviour through the API, on both stores.

mod flights;
