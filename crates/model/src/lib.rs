//! The pure half of Insula: what entities, fields, values, expressions, rights and problems *are*.
//!
//! Knows nothing of tokio, axum or a database driver; every function here is deterministic, and the
//! clock and randomness come in as parameters.

pub mod clock;
pub mod draft;
pub mod entity;
pub mod expr;
pub mod id;
pub mod input;
pub mod json;
pub mod name;
pub mod org;
pub mod password;
pub mod problem;
pub mod rights;
pub mod schedule;
pub mod value;
