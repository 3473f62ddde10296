//! `PATCH /users/{id}`: changes a member's name, roles or standing. Right: `users` `update`.

use axum::response::Response;
use insula_engine::identity::users;
use insula_engine::scope::Scope;
use insula_model::id::AccountId;
use insula_model::problem::Result;

use crate::body::JsonBody;
use crate::call::NoQuery;
use crate::path::Path;
use crate::reply;

pub(crate) async fn update(
    scope: Scope,
    Path(id): Path<AccountId>,
    NoQuery: NoQuery,
    JsonBody(body): JsonBody,
) -> Result<Response> {
    reply::ok(&users::update(&scope, id, &body).await?)
}
