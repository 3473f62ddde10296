//! `PATCH /entities/{entity}/fields/{field}`: changes a field: its name, type, rules, place. Right: `entities` `update`.

use axum::response::Response;
use insula_engine::entity::Design;
use insula_engine::scope::Scope;
use insula_model::problem::Result;
use serde_json::json;

use crate::api::v1::schema::{later, plan};
use crate::body::JsonBody;
use crate::call::Intent;
use crate::openapi::{self, Answer, Operation, Schema};
use crate::path::Path;
use crate::reply;

pub(crate) async fn update(
    scope: Scope,
    Path((name, field)): Path<(String, String)>,
    intent: Intent,
    JsonBody(body): JsonBody,
) -> Result<Response> {
    if intent == Intent::Plan {
        let design = Design::PatchField { entity: &name, field: &field, body: &body };
        return reply::ok(&scope.read(async |tx| tx.plan_design(design).await).await?);
    }
    reply::changed(scope.update_field(&name, &field, &body).await?)
}

pub(crate) fn describe() -> Operation {
    Operation::new("updateField", "Changes a field of an entity")
        .details(
            "What is absent stays; another `type` brings its own rules. No value is lost: where one does not fit the new \
             type or rule, the answer is 409 and nothing is changed.",
        )
        .body(openapi::patch())
        .sent(json!({"name": "subject", "max_length": 100}))
        .parameter(super::super::dry_run())
        .answer(
            Answer::json(200, "The field; with `dry_run` the plan.", Schema::any_of([openapi::view(), plan()]))
                .example(super::super::field_example()),
        )
        .answer(later())
        .problem(409)
}
