//! `GET /api-keys`: the caller's keys, newest first. Anyone signed in; with `users` `read` those of everybody.

use axum::response::Response;
use insula_engine::identity::{InPerson, api_key};
use insula_model::problem::Result;
use serde_json::json;

use crate::call::RawQuery;
use crate::openapi::{Answer, Operation, Parameter, Schema, page};
use crate::reply;

pub(crate) async fn list(who: InPerson, RawQuery(query): RawQuery) -> Result<Response> {
    reply::ok(&api_key::list(&who, &query).await?)
}

pub(crate) fn describe() -> Operation {
    let keys = Schema::output(page(Schema::named("ApiKey", Schema::output(super::members()))));
    let example = json!({"items": [super::example()], "next_cursor": null});
    Operation::new("listApiKeys", "The API keys of the caller, newest first")
        .details("Who may read users is shown those of everybody in the organisation. Never the keys themselves.")
        .parameter(Parameter::limit())
        .parameter(Parameter::cursor())
        .answer(Answer::json(200, "A page of keys.", Schema::named("ApiKeyPage", keys)).example(example))
        .problem(403)
}
