//! `POST /entities/{entity}/fields`: adds a field; records that are there take its default. Right: `entities` `update`.

use axum::response::Response;
use http::StatusCode;
use insula_engine::attempt::Attempt;
use insula_engine::entity::Design;
use insula_model::problem::Result;
use serde_json::json;

use crate::api::v1::schema::{plan, plan_example};
use crate::body::JsonBody;
use crate::call::Intent;
use crate::openapi::{self, Answer, Operation};
use crate::path::Path;
use crate::reply;

pub(crate) async fn create(
    attempt: Attempt,
    Path(name): Path<String>,
    intent: Intent,
    JsonBody(body): JsonBody,
) -> Result<Response> {
    if intent == Intent::Plan {
        let design = Design::AddField { entity: &name, body: &body };
        return reply::ok(&attempt.read(async |tx| tx.plan_design(design).await).await?);
    }
    let done = attempt.design(&body, async |tx| tx.add_field(&name, &body).await).await?;
    // The field is shown as part of its entity.
    reply::once(done, |field| {
        reply::created(&format!("/api/v1/entities/{name}"), reply::json(StatusCode::CREATED, &field)?)
    })
}

pub(crate) fn describe() -> Operation {
    Operation::new("addField", "Adds a field to an entity")
        .details(
            "Records that are there take its `default`; where there are some, a required field needs one. `Location` is \
             the entity's.",
        )
        .body(openapi::added())
        .sent(json!({"name": "title", "label": "Title", "type": "text", "required": true, "max_length": 200}))
        .parameter(super::super::dry_run())
        .answer(Answer::json(200, "With `dry_run`: the plan.", plan()).example(plan_example()))
        .answer(
            Answer::json(201, "The field.", openapi::view()).header("Location").example(super::super::field_example()),
        )
        .problem(409)
}
