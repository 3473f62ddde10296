//! `POST /batch`: up to 1 000 changes of records of any entities, all or nothing. Right: that of each operation on its
//! entity.

use axum::response::Response;
use http::StatusCode;
use insula_engine::attempt::Attempt;
use insula_model::problem::Result;

use crate::body::{JsonBody, LARGE};
use crate::call::NoQuery;
use crate::reply;

pub(crate) async fn batch(attempt: Attempt, NoQuery: NoQuery, JsonBody(body): JsonBody<LARGE>) -> Result<Response> {
    let done = attempt
        .write(&body, async |tx| {
            let operations = tx.operations(&body)?;
            tx.perform(operations).await
        })
        .await?;
    reply::once(done, |results| Ok(reply::json_bytes(StatusCode::OK, results.into_json())))
}
