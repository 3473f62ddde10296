//! `POST /records/{entity}/query`: a list whose question is a body, with values that its filter names as `params.x`: for
//! what does not fit an address, such as long lists. Right: `records:{entity}` `read`.

use axum::response::Response;
use http::StatusCode;
use insula_engine::attempt::Attempt;
use insula_engine::grant::Read;
use insula_model::problem::Result;

use crate::body::{JsonBody, LARGE};
use crate::call::NoQuery;
use crate::openapi::{Answer, Operation, Shape};
use crate::path::Path;
use crate::reply;

pub(crate) async fn query(
    attempt: Attempt,
    Path(entity): Path<String>,
    NoQuery: NoQuery,
    JsonBody(body): JsonBody<LARGE>,
) -> Result<Response> {
    let page = attempt
        .read(async |tx| {
            let entity = tx.entity(&entity)?;
            let query = tx.authorize::<Read>(&entity)?.query_of(&body)?;
            tx.last().list(&query).await
        })
        .await?;
    Ok(reply::json_bytes(StatusCode::OK, page.into_json()))
}

pub(crate) fn describe(of: &Shape<'_>) -> Operation {
    Operation::new("queryRecords", format!("{}, asked for by a body", of.plural()))
        .details("As the list; its filter may name values of `params`, such as `id in params.ids`.")
        .body(of.query_body())
        .answer(Answer::json(200, "A page of records.", of.page()))
}
