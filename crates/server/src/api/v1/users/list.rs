//! `GET /users`: the members of the organisation. Right: `users` `read`.

use axum::response::Response;
use insula_engine::identity::users;
use insula_engine::scope::Scope;
use insula_model::problem::Result;

use crate::call::RawQuery;
use crate::openapi::{Answer, Operation, Parameter, Schema, page};
use crate::reply;

pub(crate) async fn list(scope: Scope, RawQuery(query): RawQuery) -> Result<Response> {
    reply::ok(&users::list(&scope, &query).await?)
}

pub(crate) fn describe() -> Operation {
    let users = Schema::named("UserPage", Schema::output(page(super::user())));
    let example = serde_json::json!({"items": [super::user_example()], "next_cursor": null});
    Operation::new("listUsers", "The members of the organisation")
        .parameter(Parameter::limit())
        .parameter(Parameter::cursor())
        .answer(Answer::json(200, "A page of members.", users).example(example))
}
