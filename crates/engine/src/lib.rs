//! All SQL and secrets of Insula.

pub mod sql;
