//! `POST /users`: adds a member. Right: `users` `create`.

use axum::response::Response;
use insula_engine::identity::users;
use insula_engine::scope::Scope;
use insula_model::problem::Result;

use crate::body::JsonBody;
use crate::call::NoQuery;
use crate::reply;

pub(crate) async fn create(scope: Scope, NoQuery: NoQuery, JsonBody(body): JsonBody) -> Result<Response> {
    let user = users::create(&scope, &body).await?;
    reply::created(&format!("/api/v1/users/{}", user.id), reply::ok(&user)?)
}
