//! `GET /auth/me`: who the caller is and what they may do. Anyone signed in.

use axum::response::Response;
use insula_engine::identity;
use insula_engine::scope::Scope;
use insula_model::problem::Result;

use crate::call::NoQuery;
use crate::reply;

pub(crate) async fn me(scope: Scope, NoQuery: NoQuery) -> Result<Response> {
    reply::ok(&identity::me(&scope).await?)
}
