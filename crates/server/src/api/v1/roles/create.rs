//! `POST /roles`: a new role. Right: `roles` `create`, and everything the role allows.

use axum::response::Response;
use insula_engine::attempt::Attempt;
use insula_model::problem::Result;

use crate::body::JsonBody;
use crate::call::NoQuery;
use crate::openapi::{Answer, Operation, Schema, required};
use crate::reply;
use serde_json::json;

pub(crate) async fn create(attempt: Attempt, NoQuery: NoQuery, JsonBody(body): JsonBody) -> Result<Response> {
    let done = attempt.alter(&body, async |tx| tx.create_role(&body).await).await?;
    reply::once(done, |role| reply::created(&format!("/api/v1/roles/{}", role.id), reply::ok(&role)?))
}

pub(crate) fn describe() -> Operation {
    let body = Schema::input([
        required("code", Schema::code()),
        required("name", Schema::label()),
        required("grants", super::grants()),
    ]);
    Operation::new("createRole", "Makes a role")
        .details("Whoever makes it has everything it allows.")
        .body(Schema::named("NewRole", body))
        .sent(json!({"code": "desk", "name": "Service desk", "grants": [super::grant_example()]}))
        .answer(Answer::json(201, "The role.", super::role()).header("Location").example(super::role_example()))
        .problem(409)
}
