//! `POST /records/{entity}/batch`: up to 1 000 changes, all or nothing or each by itself. Right: `records:{entity}`, each action it names.

use axum::response::Response;
use http::StatusCode;
use insula_engine::attempt::Attempt;
use insula_model::problem::Result;

use crate::body::{JsonBody, LARGE};
use crate::call::NoQuery;
use crate::openapi::{Answer, Operation, Shape};
use crate::path::Path;
use crate::{problem, reply};

pub(crate) async fn batch(
    attempt: Attempt,
    Path(entity): Path<String>,
    NoQuery: NoQuery,
    JsonBody(body): JsonBody<LARGE>,
) -> Result<Response> {
    let done = attempt
        .write(&body, async |tx| {
            let entity = tx.entity(&entity)?;
            let batch = tx.batch(&entity, &body)?;
            tx.run(batch).await
        })
        .await?;
    reply::once(done, |batch| Ok(reply::json_bytes(StatusCode::OK, batch.into_json(problem::part))))
}

pub(crate) fn describe(of: &Shape<'_>) -> Operation {
    Operation::new("changeRecords", format!("Changes many {} at once, all or nothing or each by itself", of.plural()))
        .body(of.batch())
        .answer(Answer::json(
            200,
            "What was done; `errors` tells what was not, of an independent batch.",
            of.batch_done(),
        ))
        .problem(409)
        .problem(412)
}
