//! `PATCH /tenant`: the organisation's name and policies. Right: `tenant` `update`.

use axum::response::Response;
use insula_engine::identity::organisation;
use insula_engine::scope::Scope;
use insula_model::problem::Result;

use crate::body::JsonBody;
use crate::call::NoQuery;
use crate::openapi::{Answer, Operation, Schema, optional};
use crate::reply;
use serde_json::json;

pub(crate) async fn update(scope: Scope, NoQuery: NoQuery, JsonBody(body): JsonBody) -> Result<Response> {
    reply::ok(&organisation::update(&scope, &body).await?)
}

pub(crate) fn describe() -> Operation {
    let policy = Schema::input([
        optional("min_length", super::min_length().nullable()),
        optional("require_uppercase", Schema::boolean().nullable()),
        optional("require_lowercase", Schema::boolean().nullable()),
        optional("require_digit", Schema::boolean().nullable()),
        optional("require_symbol", Schema::boolean().nullable()),
        optional("history", super::history().nullable()),
    ]);
    let policies = Schema::input([optional("password", policy)]);
    let body = Schema::input([optional("name", Schema::label()), optional("policies", policies)]);
    Operation::new("updateOrganisation", "Changes the organisation's name and policies")
        .details("What is absent stays; null is the default. A password that is in force stays good.")
        .body(Schema::named("OrganisationPatch", body))
        .sent(json!({"policies": {"password": {"min_length": 14}}}))
        .answer(Answer::json(200, "The organisation.", super::organisation()).example(super::example()))
}
