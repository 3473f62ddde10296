//! `POST /entities`: designs an entity; its records can be written at once. Right: `entities` `create`.

use axum::response::Response;
use http::StatusCode;
use insula_engine::attempt::Attempt;
use insula_engine::entity::Design;
use insula_model::problem::Result;

use crate::api::v1::schema::{plan, plan_example};
use crate::body::JsonBody;
use crate::call::Intent;
use crate::openapi::{self, Answer, Operation, Schema, optional, required};
use crate::reply;
use serde_json::json;

pub(crate) async fn create(attempt: Attempt, intent: Intent, JsonBody(body): JsonBody) -> Result<Response> {
    if intent == Intent::Plan {
        return reply::ok(&attempt.read(async |tx| tx.plan_design(Design::CreateEntity(&body)).await).await?);
    }
    let done = attempt.create_entity(&body).await?;
    reply::once(done, |entity| {
        let location = format!("/api/v1/entities/{}", entity.name());
        reply::created(&location, reply::json(StatusCode::CREATED, &entity)?)
    })
}

pub(crate) fn describe() -> Operation {
    let own = [
        required("name", Schema::name().described("No word that CEL reserves, and no column every record has.")),
        optional("fields", Schema::array(openapi::definition()).with("maxItems", 500).nullable()),
    ];
    let body = Schema::input(own.into_iter().chain(super::settings()));
    Operation::new("createEntity", "Designs an entity; its records can be written at once")
        .body(Schema::named("EntityDefinition", body))
        .sent(json!({
            "name": "ticket", "label": "Ticket", "plural_label": "Tickets", "title_field": "title",
            "fields": [{"name": "title", "label": "Title", "type": "text", "required": true, "max_length": 200}],
        }))
        .parameter(super::dry_run())
        .answer(Answer::json(200, "With `dry_run`: the plan.", plan()).example(plan_example()))
        .answer(Answer::json(201, "The entity.", super::entity()).header("Location").example(super::entity_example()))
        .problem(409)
}
