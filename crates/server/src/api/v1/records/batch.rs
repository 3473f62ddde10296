//! `POST /records/{entity}/batch`: up to 1 000 changes, all or nothing. Right: `records:{entity}`, each action it names.

use axum::response::Response;
use http::StatusCode;
use insula_engine::scope::Scope;
use insula_model::problem::Result;

use crate::body::{JsonBody, LARGE};
use crate::call::NoQuery;
use crate::openapi::{Answer, Operation, Shape};
use crate::path::Path;
use crate::reply;

pub(crate) async fn batch(
    scope: Scope,
    Path(entity): Path<String>,
    NoQuery: NoQuery,
    JsonBody(body): JsonBody<LARGE>,
) -> Result<Response> {
    let done = scope
        .write(async |tx| {
            let entity = tx.entity(&entity)?;
            let batch = tx.batch(&entity, &body)?;
            tx.run(batch).await
        })
        .await?;
    Ok(reply::json_bytes(StatusCode::OK, done.into_json()))
}

pub(crate) fn describe(of: &Shape<'_>) -> Operation {
    Operation::new("changeRecords", format!("Changes many {} at once, all or nothing", of.plural()))
        .body(of.batch())
        .answer(Answer::json(200, "Everything was done.", of.batch_done()))
        .problem(409)
        .problem(412)
}
