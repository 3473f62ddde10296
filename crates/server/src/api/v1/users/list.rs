//! `GET /users`: the members of the organisation. Right: `users` `read`.

use axum::response::Response;
use insula_engine::identity::users;
use insula_engine::scope::Scope;
use insula_model::problem::Result;

use crate::call::RawQuery;
use crate::reply;

pub(crate) async fn list(scope: Scope, RawQuery(query): RawQuery) -> Result<Response> {
    reply::ok(&users::list(&scope, &query).await?)
}
