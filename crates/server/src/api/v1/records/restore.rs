//! `POST /records/{entity}/{id}/restore`: brings a deleted record back, where its entity keeps such. Right:
//! `records:{entity}` `delete` and `read`.

use axum::response::Response;
use http::StatusCode;
use insula_engine::attempt::Attempt;
use insula_engine::grant::{Delete, Read};
use insula_engine::record::Saved;
use insula_model::id::RecordId;
use insula_model::json::Json;
use insula_model::problem::Result;

use crate::call::NoQuery;
use crate::openapi::{Answer, Operation, Shape};
use crate::path::Path;
use crate::reply;

pub(crate) async fn restore(
    attempt: Attempt,
    Path((entity, id)): Path<(String, RecordId)>,
    NoQuery: NoQuery,
) -> Result<Response> {
    let done = attempt
        .write(&Json::Null, async |tx| {
            let entity = tx.entity(&entity)?;
            tx.authorize::<Read>(&entity)?;
            let grant = tx.authorize::<Delete>(&entity)?;
            tx.restore(&grant, id).await
        })
        .await?;
    reply::once(done, |saved| match saved {
        Saved::Created(record) | Saved::Updated(record) => super::record(StatusCode::OK, record),
    })
}

pub(crate) fn describe(of: &Shape<'_>) -> Operation {
    Operation::new("restoreRecord", format!("Brings back {} that was deleted", of.one()))
        .details(
            "As it was, with a new version. 409 where it is not deleted, where another record has a unique value of it by now, \
             and where a record that it refers to is deleted itself.",
        )
        .answer(Answer::json(200, "The record as it is now.", of.whole_record()).header("ETag"))
        .problem(409)
}
