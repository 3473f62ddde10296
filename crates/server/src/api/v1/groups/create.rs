//! `POST /groups`: a new group. Right: `groups` `create`, and everything its roles allow.

use axum::response::Response;
use insula_engine::attempt::Attempt;
use insula_model::problem::Result;

use crate::body::JsonBody;
use crate::call::NoQuery;
use crate::openapi::{Answer, Operation, Schema, optional, required};
use crate::reply;
use serde_json::json;

pub(crate) async fn create(attempt: Attempt, NoQuery: NoQuery, JsonBody(body): JsonBody) -> Result<Response> {
    let done = attempt.alter(&body, async |tx| tx.create_group(&body).await).await?;
    reply::once(done, |group| reply::created(&format!("/api/v1/groups/{}", group.id), reply::ok(&group)?))
}

pub(crate) fn describe() -> Operation {
    let body = Schema::input([
        required("code", Schema::code()),
        required("name", Schema::label()),
        optional("members", super::members()),
        optional("roles", super::roles()),
    ]);
    Operation::new("createGroup", "Makes a group")
        .details("Whoever makes it has everything its roles allow.")
        .body(Schema::named("NewGroup", body))
        .sent(json!({"code": "first-line", "name": "First line", "members": [], "roles": ["viewer"]}))
        .answer(Answer::json(201, "The group.", super::group()).header("Location").example(super::group_example()))
        .problem(409)
}
