//! The HTTP side of Insula: how a request comes in, who may call which address, how an answer goes out.
//!
//! Knows axum, hyper, the environment and the log. Must not know SQL: it holds an engine, which gives out no storage,
//! and every handler begins with exactly one credential.

mod api;
pub mod application;
mod body;
mod call;
pub mod config;
mod cookie;
mod docs;
mod edge;
mod health;
pub mod log;
pub mod openapi;
mod path;
mod problem;
mod reply;
pub mod router;
pub mod superuser;
mod verb;
