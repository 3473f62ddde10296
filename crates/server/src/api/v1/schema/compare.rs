//! `POST /schema/plan`: what applying a document would come to. Changes nothing. Right: `entities` `update`.

use axum::response::Response;
use insula_engine::attempt::Attempt;
use insula_engine::entity::Design;
use insula_model::problem::Result;

use crate::body::{JsonBody, LARGE};
use crate::call::NoQuery;
use crate::openapi::{Answer, Operation};
use crate::reply;

pub(crate) async fn compare(attempt: Attempt, NoQuery: NoQuery, JsonBody(body): JsonBody<LARGE>) -> Result<Response> {
    reply::ok(&attempt.read(async |tx| tx.plan_design(Design::Document(&body)).await).await?)
}

pub(crate) fn describe() -> Operation {
    Operation::new("planSchema", "What applying a document would come to")
        .details("Changes nothing: see `POST /schema/apply`.")
        .body(super::document())
        .sent(super::document_example())
        .answer(Answer::json(200, "The plan.", super::plan()).example(super::plan_example()))
        .problem(409)
}
