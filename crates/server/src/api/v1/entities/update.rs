//! `PATCH /entities/{entity}`: changes an entity: its name, its labels, its keys, its fields and their order. Right: `entities`
//! `update`.

use axum::response::Response;
use insula_engine::entity::Design;
use insula_engine::scope::Scope;
use insula_model::problem::Result;
use serde_json::json;

use crate::api::v1::schema::{later, plan};
use crate::body::JsonBody;
use crate::call::Intent;
use crate::openapi::{Answer, Operation, Schema, optional};
use crate::path::Path;
use crate::reply;

pub(crate) async fn update(
    scope: Scope,
    Path(name): Path<String>,
    intent: Intent,
    JsonBody(body): JsonBody,
) -> Result<Response> {
    if intent == Intent::Plan {
        let design = Design::PatchEntity { entity: &name, body: &body };
        return reply::ok(&scope.read(async |tx| tx.plan_design(design).await).await?);
    }
    reply::changed(scope.update_entity(&name, &body).await?)
}

pub(crate) fn describe() -> Operation {
    let fields = super::documented_fields().nullable();
    let fields = fields.described("All of them, in their order: one that is left out is dropped with its values.");
    let own = [optional("name", Schema::name()), optional("fields", fields)];
    let body = Schema::input(own.into_iter().chain(super::settings()));
    let answer = Schema::any_of([super::entity(), plan()]);
    Operation::new("updateEntity", "Changes an entity")
        .details("Ids stay, so that what roles and rules say of it follows a new name.")
        .body(Schema::named("EntityPatch", body))
        .sent(json!({"name": "case", "label": "Case", "plural_label": "Cases"}))
        .parameter(super::dry_run())
        .answer(Answer::json(200, "The entity; with `dry_run` the plan.", answer).example(super::entity_example()))
        .answer(later())
        .problem(409)
}
