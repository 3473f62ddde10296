//! `POST /users`: adds a member. Right: `users` `create`.

use axum::response::Response;
use http::StatusCode;
use insula_engine::identity::users;
use insula_engine::scope::Scope;
use insula_model::problem::Result;

use crate::body::JsonBody;
use crate::reply;

pub(crate) async fn create(scope: Scope, JsonBody(body): JsonBody) -> Result<Response> {
    let user = users::create(&scope, &body).await?;
    reply::json(StatusCode::CREATED, &user)
}
