//! `POST /entities`: designs an entity; its records can be written at once. Right: `entities` `create`.

use axum::response::Response;
use http::StatusCode;
use insula_engine::attempt::Attempt;
use insula_model::problem::Result;

use crate::body::JsonBody;
use crate::call::NoQuery;
use crate::openapi::{self, Answer, Operation, Schema, optional, required};
use crate::reply;
use serde_json::json;

pub(crate) async fn create(attempt: Attempt, NoQuery: NoQuery, JsonBody(body): JsonBody) -> Result<Response> {
    let done = attempt.create_entity(&body).await?;
    reply::once(done, |entity| {
        let location = format!("/api/v1/entities/{}", entity.name());
        reply::created(&location, reply::json(StatusCode::CREATED, &entity)?)
    })
}

pub(crate) fn describe() -> Operation {
    let key = Schema::array(Schema::name()).with("minItems", 1).with("maxItems", 16).with("uniqueItems", true);
    let rule = Schema::named("NewRule", Schema::input(super::rule_members()));
    let body = Schema::input([
        required("name", Schema::name().described("No word that CEL reserves, and no column every record has.")),
        optional("label", Schema::text(0, 200).nullable()),
        optional("plural_label", Schema::text(0, 200).nullable()),
        optional("title_field", Schema::name().nullable().described("The field that stands for a record.")),
        optional("fields", Schema::array(openapi::definition()).with("maxItems", 500).nullable()),
        optional("unique", Schema::array(key).nullable().described("Fields no two records agree on.")),
        optional(
            "soft_delete",
            Schema::boolean().nullable().described("Deleted records can be listed and restored for 30 days."),
        ),
        optional("scope", Schema::constant("tenant").nullable()),
        optional(
            "rules",
            Schema::array(rule).with("maxItems", 100).nullable().described("What every record must keep."),
        ),
    ]);
    Operation::new("createEntity", "Designs an entity; its records can be written at once")
        .body(Schema::named("EntityDefinition", body))
        .sent(json!({
            "name": "ticket", "label": "Ticket", "plural_label": "Tickets", "title_field": "title",
            "fields": [{"name": "title", "label": "Title", "type": "text", "required": true, "max_length": 200}],
        }))
        .answer(Answer::json(201, "The entity.", super::entity()).header("Location").example(super::entity_example()))
        .problem(409)
}
