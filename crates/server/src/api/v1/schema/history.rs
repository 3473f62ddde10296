//! `GET /schema/history`: the versions of the schema, newest first. Right: `entities` `read`.

use axum::response::Response;
use insula_engine::scope::Scope;
use insula_model::problem::Result;
use serde_json::json;

use crate::call::RawQuery;
use crate::openapi::{Answer, Operation, Parameter, Schema, page, required};
use crate::reply;

pub(crate) async fn history(scope: Scope, RawQuery(query): RawQuery) -> Result<Response> {
    reply::ok(&scope.read(async |tx| tx.schema_history(&query).await).await?)
}

pub(crate) fn describe() -> Operation {
    let version = Schema::output([
        required("id", Schema::uuid()),
        required("version", super::version()),
        required("at", Schema::datetime()),
        required("account_id", Schema::uuid()),
        required("steps", super::steps()),
    ]);
    let versions = Schema::named("SchemaVersionPage", Schema::output(page(Schema::named("SchemaVersion", version))));
    let example = json!({"items": [{
        "id": "019ab4e2-7d33-7000-a1c4-2b9e5f60d718", "version": 7, "at": "2013-01-31T10:00:00Z",
        "account_id": "3f2b8c1e-5d4a-4e6f-9a7b-0c1d2e3f4a5b", "steps": [super::step_example("add_field")],
    }], "next_cursor": null});
    Operation::new("listSchemaVersions", "The versions of the schema, newest first")
        .parameter(Parameter::limit())
        .parameter(Parameter::cursor())
        .answer(Answer::json(200, "A page of versions.", versions).example(example))
}
