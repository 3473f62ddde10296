//! `POST /batch`: up to 1 000 changes of records of any entities, all or nothing. Right: that of each operation on its
//! entity.

use axum::response::Response;
use http::StatusCode;
use insula_engine::attempt::Attempt;
use insula_model::problem::Result;

use crate::body::{JsonBody, LARGE};
use crate::call::NoQuery;
use crate::openapi::{Answer, Operation, Schema, optional, required};
use crate::reply;
use serde_json::json;

pub(crate) async fn batch(attempt: Attempt, NoQuery: NoQuery, JsonBody(body): JsonBody<LARGE>) -> Result<Response> {
    let done = attempt
        .write(&body, async |tx| {
            let operations = tx.operations(&body)?;
            tx.perform(operations).await
        })
        .await?;
    reply::once(done, |results| Ok(reply::json_bytes(StatusCode::OK, results.into_json())))
}

pub(crate) fn describe() -> Operation {
    let reference = Schema::any_of([Schema::uuid(), Schema::pattern(68, "^\\$ref:")]);
    let operation = Schema::input([
        required("op", Schema::one_of(["create", "update", "delete"])),
        required("entity", Schema::name()),
        optional(
            "id",
            reference.described("Of the record to change or delete, or `$ref:` and an earlier `ref`.").nullable(),
        ),
        optional("version", Schema::integer(Some(1), None).described("Only if the record still has it.").nullable()),
        optional(
            "data",
            Schema::free_form().described("The fields. A relation may be `$ref:` and an earlier `ref`.").nullable(),
        ),
        optional("ref", Schema::text(1, 63).described("A name for the record, for later operations.").nullable()),
    ]);
    let operations = Schema::array(Schema::named("BatchOperation", operation)).with("maxItems", 1000);
    Operation::new("changeManyRecords", "Changes records of several entities at once, all or nothing")
        .body(Schema::input([required("operations", operations)]))
        .sent(json!({"operations": [
            {"op": "create", "entity": "customer", "data": {"name": "Acme"}, "ref": "acme"},
            {"op": "create", "entity": "ticket", "data": {"title": "The roof leaks", "customer": "$ref:acme"}},
        ]}))
        .answer(Answer::json(
            200,
            "What each operation left: the record, or the id of one that was deleted.",
            Schema::output([required("results", Schema::array(Schema::free_form()))]),
        ))
        .problem(409)
        .problem(412)
}
