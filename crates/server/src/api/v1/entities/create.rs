//! `POST /entities`: designs an entity; its records can be written at once. Right: `entities` `create`.

use axum::response::Response;
use http::StatusCode;
use insula_engine::scope::Scope;
use insula_model::problem::Result;

use crate::body::JsonBody;
use crate::call::NoQuery;
use crate::reply;

pub(crate) async fn create(scope: Scope, NoQuery: NoQuery, JsonBody(body): JsonBody) -> Result<Response> {
    let entity = scope.alter(async |tx| tx.create_entity(&body).await).await?;
    let location = format!("/api/v1/entities/{}", entity.name());
    reply::created(&location, reply::json(StatusCode::CREATED, &entity)?)
}
