//! Stub: replaced by the identity module.
#![expect(unused_variables, dead_code, clippy::unused_async, clippy::todo, clippy::unused_self, reason = "stub")]
use insula_model::json::Json;
use insula_model::problem::Result;
use secrecy::SecretString;
use serde::Serialize;

use crate::caller::Caller;
use crate::engine::{Engine, IdentityOptions, OpenError, Origin};
use crate::scope::Scope;

pub(crate) struct Identity;

impl Identity {
    pub(crate) fn new(secret: &SecretString, options: IdentityOptions) -> Self {
        todo!()
    }
}

/// What may be done without a credential.
pub struct Public {
    engine: Engine,
    origin: Origin,
}

impl Public {
    pub(crate) fn new(engine: Engine, origin: Origin) -> Self {
        Self { engine, origin }
    }
    pub async fn register(&self, body: &Json) -> Result<Tokens> {
        todo!()
    }
    pub async fn login(&self, body: &Json) -> Result<Tokens> {
        todo!()
    }
    pub async fn refresh(&self, body: &Json) -> Result<Tokens> {
        todo!()
    }
}

/// What a sign-in gives.
#[derive(Serialize)]
pub struct Tokens {
    pub access_token: String,
    pub refresh_token: String,
    pub token_type: &'static str,
    pub expires_in: i64,
    pub refresh_expires_in: i64,
}

impl Engine {
    /// Verifies a bearer token; the one place a `Caller` is made.
    pub(crate) async fn admit(&self, bearer: &str) -> Result<Caller> {
        todo!()
    }
    /// Removes tenant stores that no platform row knows.
    pub(crate) async fn sweep_orphans(&self) -> Result<(), OpenError> {
        todo!()
    }
}

/// Own sign-in.
pub async fn logout(scope: &Scope, body: Option<&Json>) -> Result<()> {
    todo!()
}

#[derive(Serialize)]
pub struct Me {}
pub async fn me(scope: &Scope) -> Result<Me> {
    todo!()
}

pub mod users {
    use super::{Json, Result, Scope, Serialize};
    use insula_model::id::AccountId;

    #[derive(Serialize)]
    pub struct UserView {}
    #[derive(Serialize)]
    pub struct UserPage {
        pub items: Vec<UserView>,
        pub next_cursor: Option<String>,
    }
    /// `query` is the raw query string: `limit`, `cursor`.
    pub async fn list(scope: &Scope, query: &str) -> Result<UserPage> {
        todo!()
    }
    pub async fn create(scope: &Scope, body: &Json) -> Result<UserView> {
        todo!()
    }
    pub async fn update(scope: &Scope, account: AccountId, body: &Json) -> Result<UserView> {
        todo!()
    }
    pub async fn delete(scope: &Scope, account: AccountId) -> Result<()> {
        todo!()
    }
}
