//! `GET /records/{entity}`: records by filter, in an order, page by page. Right: `records:{entity}` `read`.

use axum::response::Response;
use http::StatusCode;
use insula_engine::grant::Read;
use insula_engine::scope::Scope;
use insula_model::problem::Result;

use crate::call::RawQuery;
use crate::openapi::{Answer, Operation, Shape};
use crate::path::Path;
use crate::reply;

pub(crate) async fn list(scope: Scope, Path(entity): Path<String>, RawQuery(raw): RawQuery) -> Result<Response> {
    let page = scope
        .read(async |tx| {
            let entity = tx.entity(&entity)?;
            let query = tx.authorize::<Read>(&entity)?.query(&raw)?;
            tx.last().list(&query).await
        })
        .await?;
    Ok(reply::json_bytes(StatusCode::OK, page.into_json()))
}

pub(crate) fn describe(of: &Shape<'_>) -> Operation {
    Operation::new("listRecords", format!("{}, by filter, in an order, page by page", of.plural()))
        .parameters(of.query())
        .answer(Answer::json(200, "A page of records.", of.page()))
}
