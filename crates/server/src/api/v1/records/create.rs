//! `POST /records/{entity}`: a new record. Right: `records:{entity}` `create`.

use axum::response::Response;
use http::StatusCode;
use insula_engine::grant::Create;
use insula_engine::scope::Scope;
use insula_model::problem::Result;

use crate::body::JsonBody;
use crate::call::NoQuery;
use crate::openapi::{Answer, Operation, Shape};
use crate::path::Path;
use crate::reply;
use insula_model::rights::Action;

pub(crate) async fn create(
    scope: Scope,
    Path(entity): Path<String>,
    NoQuery: NoQuery,
    JsonBody(body): JsonBody,
) -> Result<Response> {
    let record = scope
        .write(async |tx| {
            let entity = tx.entity(&entity)?;
            let grant = tx.authorize::<Create>(&entity)?;
            let record = grant.draft(&body)?;
            tx.insert(&grant, record).await
        })
        .await?;
    let location = format!("/api/v1/records/{entity}/{}", record.id());
    reply::created(&location, super::record(StatusCode::CREATED, record)?)
}

pub(crate) fn describe(of: &Shape<'_>) -> Operation {
    Operation::new("createRecord", format!("Adds {}", of.one()))
        .body(of.draft())
        .sent(of.example(Action::Create))
        .answer(Answer::json(201, "The record.", of.whole_record()).header("Location").header("ETag"))
        .problem(409)
}
