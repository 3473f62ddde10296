//! The engine: everything that touches SQL or a secret. Authenticator, scopes, stores, use cases, audit.
//!
//! Knows nothing of HTTP. A caller outside gets at tenant data only through a [`scope::Scope`], and only a verified
//! credential makes one.

pub mod attempt;
pub mod audit;
mod background;
pub mod caller;
#[cfg(test)]
mod cancel;
pub mod engine;
pub mod entity;
pub mod grant;
pub mod groups;
pub mod identity;
pub mod jobs;
pub mod mail;
pub mod org;
mod outbox;
pub mod page;
mod parameters;
pub mod platform;
pub mod public_url;
pub mod record;
pub mod roles;
pub mod scope;
mod seal;
mod sql;
mod store;
mod tenant;
pub mod tx;
pub mod walls;

pub use store::StoreOptions;
