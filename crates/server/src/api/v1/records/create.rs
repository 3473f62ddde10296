//! `POST /records/{entity}`: a new record; with `?upsert=` the one that has the same values of a unique key, if there is
//! one. Right: `records:{entity}` `create`, for an upsert `update` too.

use axum::response::Response;
use http::StatusCode;
use insula_engine::attempt::Attempt;
use insula_engine::grant::Create;
use insula_engine::record::{Saved, UpsertKey};
use insula_model::problem::Result;

use crate::body::JsonBody;
use crate::call::RawQuery;
use crate::openapi::{Answer, Operation, Parameter, Shape};
use crate::path::Path;
use crate::reply;
use insula_model::rights::Action;

pub(crate) async fn create(
    attempt: Attempt,
    Path(entity): Path<String>,
    RawQuery(raw): RawQuery,
    JsonBody(body): JsonBody,
) -> Result<Response> {
    let key = UpsertKey::parse(&raw)?;
    let done = attempt
        .write(&body, async |tx| {
            let entity = tx.entity(&entity)?;
            if let Some(key) = &key {
                return tx.upsert(&entity, key, &body).await;
            }
            let grant = tx.authorize::<Create>(&entity)?;
            let record = grant.draft(&body)?;
            tx.insert(&grant, record).await.map(Saved::Created)
        })
        .await?;
    reply::once(done, |saved| match saved {
        Saved::Created(record) => {
            let location = format!("/api/v1/records/{entity}/{}", record.id());
            reply::created(&location, super::record(StatusCode::CREATED, record)?)
        }
        Saved::Updated(record) => super::record(StatusCode::OK, record),
    })
}

pub(crate) fn describe(of: &Shape<'_>) -> Operation {
    Operation::new("createRecord", format!("Adds {}", of.one()))
        .parameters(of.unique_key().map(|fields| {
            let what = "The fields of one unique key: the record that has their values is changed, if there is one.";
            Parameter::query_list("upsert", what, fields)
        }))
        .body(of.draft())
        .sent(of.example(Action::Create))
        .answer(Answer::json(201, "The record.", of.whole_record()).header("Location").header("ETag"))
        .answer(Answer::json(200, "The record that was there, as it is now.", of.whole_record()).header("ETag"))
        .problem(409)
}
