//! `PATCH /records/{entity}/{id}`: changes what is named (RFC 7396). Right: `records:{entity}` `update`.

use axum::response::Response;
use http::StatusCode;
use insula_engine::grant::Update;
use insula_engine::scope::Scope;
use insula_model::id::RecordId;
use insula_model::problem::Result;

use crate::body::JsonBody;
use crate::call::{Conditions, NoQuery};
use crate::openapi::{Answer, Operation, Shape};
use crate::path::Path;
use insula_model::rights::Action;

pub(crate) async fn update(
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
            let patch = grant.patch(&body)?;
            tx.update(&grant, id, &patch, &precondition).await
        })
        .await?;
    super::record(StatusCode::OK, record)
}

pub(crate) fn describe(of: &Shape<'_>) -> Operation {
    Operation::new("updateRecord", format!("Changes {}", of.one()))
        .details("A merge patch (RFC 7396): `null` clears, what is not named stays.")
        .parameter(super::if_match())
        .body(of.patch())
        .sent(of.example(Action::Update))
        .answer(Answer::json(200, "The record as it is now.", of.whole_record()).header("ETag"))
        .problem(409)
        .problem(412)
}
