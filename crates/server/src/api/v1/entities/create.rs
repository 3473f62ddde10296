//! `POST /entities`: designs an entity; its records can be written at once. Right: `entities` `create`.

use axum::response::Response;
use http::StatusCode;
use insula_engine::attempt::Attempt;
use insula_model::problem::Result;

use crate::body::JsonBody;
use crate::call::NoQuery;
use crate::reply;

pub(crate) async fn create(attempt: Attempt, NoQuery: NoQuery, JsonBody(body): JsonBody) -> Result<Response> {
    let done = attempt.alter(&body, async |tx| tx.create_entity(&body).await).await?;
    reply::once(done, |entity| {
        let location = format!("/api/v1/entities/{}", entity.name());
        reply::created(&location, reply::json(StatusCode::CREATED, &entity)?)
    })
}
