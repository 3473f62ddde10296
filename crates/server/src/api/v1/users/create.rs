//! `POST /users`: adds a member. Right: `users` `create`.

use axum::response::Response;
use insula_engine::attempt::Attempt;
use insula_engine::identity::users;
use insula_model::problem::Result;

use crate::body::JsonBody;
use crate::call::NoQuery;
use crate::reply;

pub(crate) async fn create(attempt: Attempt, NoQuery: NoQuery, JsonBody(body): JsonBody) -> Result<Response> {
    let done = users::create(&attempt, &body).await?;
    reply::once(done, |user| reply::created(&format!("/api/v1/users/{}", user.id), reply::ok(&user)?))
}
