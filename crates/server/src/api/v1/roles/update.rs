//! `PATCH /roles/{id}`: changes a role, for everyone who has it. Right: `roles` `update`, and everything the role comes to allow.

use axum::response::Response;
use insula_engine::scope::Scope;
use insula_model::id::RoleId;
use insula_model::problem::Result;

use crate::body::JsonBody;
use crate::call::NoQuery;
use crate::openapi::{Answer, Operation, Schema, optional};
use crate::path::Path;
use crate::reply;
use serde_json::json;

pub(crate) async fn update(
    scope: Scope,
    Path(id): Path<RoleId>,
    NoQuery: NoQuery,
    JsonBody(body): JsonBody,
) -> Result<Response> {
    reply::ok(&scope.alter(async |tx| tx.update_role(id, &body).await).await?)
}

pub(crate) fn describe() -> Operation {
    let body = Schema::input([
        optional("code", Schema::code()),
        optional("name", Schema::label()),
        optional("grants", super::grants()),
    ]);
    Operation::new("updateRole", "Changes a role")
        .details("For everyone who has it, at once. A built-in role stays as it is.")
        .body(Schema::named("RolePatch", body))
        .sent(json!({"grants": [super::grant_example()]}))
        .answer(Answer::json(200, "The role.", super::role()).example(super::role_example()))
        .problem(409)
}
