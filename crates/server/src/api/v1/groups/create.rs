//! `POST /groups`: a new group. Right: `groups` `create`, and everything its roles allow.

use axum::response::Response;
use http::StatusCode;
use insula_engine::scope::Scope;
use insula_model::problem::Result;

use crate::body::JsonBody;
use crate::call::NoQuery;
use crate::reply;

pub(crate) async fn create(scope: Scope, NoQuery: NoQuery, JsonBody(body): JsonBody) -> Result<Response> {
    let group = scope.alter(async |tx| tx.create_group(&body).await).await?;
    reply::created(&format!("/api/v1/groups/{}", group.id), reply::json(StatusCode::CREATED, &group)?)
}
