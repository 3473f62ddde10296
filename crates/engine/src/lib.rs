//! The engine: everything that touches SQL or a secret. Authenticator, scopes, stores, use cases, audit.
//!
//! Knows nothing of HTTP. A caller outside gets at tenant data only through a [`scope::Scope`], and only a verified
//! credential makes one.

mod sql;
mod store;
