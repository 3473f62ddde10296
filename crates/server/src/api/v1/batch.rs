//! `POST /batch`: up to 1 000 changes of records of any entities, all or nothing. Right: that of each operation on its
//! entity.

use axum::response::Response;
use http::StatusCode;
use insula_engine::scope::Scope;
use insula_model::problem::Result;

use crate::body::{JsonBody, LARGE};
use crate::call::NoQuery;
use crate::reply;

pub(crate) async fn batch(scope: Scope, NoQuery: NoQuery, JsonBody(body): JsonBody<LARGE>) -> Result<Response> {
    let results = scope
        .write(async |tx| {
            let operations = tx.operations(&body)?;
            tx.perform(operations).await
        })
        .await?;
    Ok(reply::json_bytes(StatusCode::OK, results.into_json()))
}
