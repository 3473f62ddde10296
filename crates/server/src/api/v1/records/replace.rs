//! `PUT /records/{entity}/{id}`: a whole record in place of the one there is; never makes one. What is not named takes
//! its default or is cleared, but for what the caller may not read. Right: `records:{entity}` `update`.

use axum::response::Response;
use http::StatusCode;
use insula_engine::grant::Update;
use insula_engine::scope::Scope;
use insula_model::id::RecordId;
use insula_model::problem::Result;
use insula_model::rights::Action;

use crate::body::JsonBody;
use crate::call::{Conditions, NoQuery};
use crate::openapi::{Answer, Operation, Shape};
use crate::path::Path;

pub(crate) async fn replace(
    scope: Scope,
    Path((entity, id)): Path<(String, RecordId)>,
    NoQuery: NoQuery,
    Conditions(conditions): Conditions,
    JsonBody(body): JsonBody,
) -> Result<Response> {
    let precondition = super::precondition(&conditions)?;
    let record = scope
        .write(async |tx| {
            let entity = tx.entity(&entity)?;
            let grant = tx.authorize::<Update>(&entity)?;
            let replacement = grant.replacement(&body)?;
            tx.update(&grant, id, &replacement, &precondition).await
        })
        .await?;
    super::record(StatusCode::OK, record)
}

pub(crate) fn describe(of: &Shape<'_>) -> Operation {
    Operation::new("replaceRecord", format!("Replaces {}", of.one()))
        .details("What is not named takes its default or is cleared; what the caller may not read stays.")
        .parameter(super::if_match())
        .body(of.replacement())
        .sent(of.example(Action::Update))
        .answer(Answer::json(200, "The record as it is now.", of.whole_record()).header("ETag"))
        .problem(409)
        .problem(412)
}
