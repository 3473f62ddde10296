//! `POST /schema/apply`: makes the schema what a document says. Right: `entities` `update`, and `create` and `delete` where
//! entities come and go.

use axum::response::Response;
use insula_engine::attempt::Attempt;
use insula_model::problem::Result;
use serde_json::json;

use crate::body::{JsonBody, LARGE};
use crate::call::NoQuery;
use crate::openapi::{Answer, Operation, Schema, required};
use crate::reply;

pub(crate) async fn apply(attempt: Attempt, NoQuery: NoQuery, JsonBody(body): JsonBody<LARGE>) -> Result<Response> {
    let done = attempt.apply_schema(&body).await?;
    reply::once(done, reply::changed)
}

pub(crate) fn describe() -> Operation {
    let members =
        [required("version", super::version().described("Of the schema now.")), required("steps", super::steps())];
    Operation::new("applySchema", "Makes the schema what a document says")
        .details(
            "As a whole or not at all. Entities and fields are those of their ids where these are known here, else those of \
             their names, so that a document of one organisation can be applied in another. What is left out is dropped, \
             with its values: ask `POST /schema/plan` first.",
        )
        .body(super::document())
        .sent(super::document_example())
        .answer(
            Answer::json(200, "What was done.", Schema::named("SchemaApplied", Schema::output(members)))
                .example(json!({"version": 8, "steps": [super::step_example("add_field")]})),
        )
        .answer(super::later())
        .problem(409)
}
