//! `POST /roles`: a new role. Right: `roles` `create`, and everything the role allows.

use axum::response::Response;
use http::StatusCode;
use insula_engine::scope::Scope;
use insula_model::problem::Result;

use crate::body::JsonBody;
use crate::call::NoQuery;
use crate::reply;

pub(crate) async fn create(scope: Scope, NoQuery: NoQuery, JsonBody(body): JsonBody) -> Result<Response> {
    let role = scope.alter(async |tx| tx.create_role(&body).await).await?;
    reply::created(&format!("/api/v1/roles/{}", role.id), reply::json(StatusCode::CREATED, &role)?)
}
