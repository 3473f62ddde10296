//! `GET /records/{entity}/{id}`: one record. Right: `records:{entity}` `read`.

use axum::response::Response;
use http::StatusCode;
use http::header::IF_NONE_MATCH;
use insula_engine::grant::Read;
use insula_engine::scope::Scope;
use insula_model::id::RecordId;
use insula_model::problem::Result;

use crate::call::{self, Conditions, RawQuery};
use crate::openapi::{Answer, Operation, Parameter, Schema, Shape};
use crate::path::Path;
use crate::reply;

pub(crate) async fn get(
    scope: Scope,
    Path((entity, id)): Path<(String, RecordId)>,
    RawQuery(raw): RawQuery,
    Conditions(conditions): Conditions,
) -> Result<Response> {
    let (record, expanded) = scope
        .read(async |tx| {
            let entity = tx.entity(&entity)?;
            let selection = tx.authorize::<Read>(&entity)?.selection(&raw)?;
            Ok((tx.last().get(id, &selection).await?, selection.expands()))
        })
        .await?;
    let response = super::record(StatusCode::OK, record)?;
    if expanded {
        // An expanded record changes without its own version: it is always sent anew, whatever the client has.
        drop(call::tags(&conditions, &IF_NONE_MATCH)?);
        return Ok(response);
    }
    reply::unless_known(&conditions, response)
}

pub(crate) fn describe(of: &Shape<'_>) -> Operation {
    let known = "Tags of what the client has; 304 where it is still so.";
    Operation::new("getRecord", format!("Reads {}", of.one()))
        .parameters(of.selection())
        .parameter(Parameter::header("If-None-Match", known, Schema::text(0, 8192)))
        .answer(Answer::json(200, "The record.", of.record()).header("ETag"))
        .answer(Answer::empty(304, "The client has it.").header("ETag"))
}
