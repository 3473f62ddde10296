//! `GET /entities`: every entity with its fields. Right: `entities` `read`.

use axum::response::Response;
use insula_engine::scope::Scope;
use insula_model::problem::Result;

use crate::call::NoQuery;
use crate::openapi::{Answer, Operation, Schema, page};
use crate::reply;

pub(crate) async fn list(scope: Scope, NoQuery: NoQuery) -> Result<Response> {
    let entities = scope.read(async |tx| tx.entities()).await?;
    reply::ok(&serde_json::json!({"items": entities, "next_cursor": null}))
}

pub(crate) fn describe() -> Operation {
    let entities = Schema::named("EntityPage", Schema::output(page(super::entity())));
    let example = serde_json::json!({"items": [super::entity_example()], "next_cursor": null});
    Operation::new("listEntities", "Every entity with its fields, in the order they were made")
        .answer(Answer::json(200, "All entities.", entities).example(example))
}
