//! `GET /roles`: every role. Right: `roles` `read`.

use axum::response::Response;
use insula_engine::scope::Scope;
use insula_model::problem::Result;

use crate::call::NoQuery;
use crate::openapi::{Answer, Operation, Schema, page};
use crate::reply;

pub(crate) async fn list(scope: Scope, NoQuery: NoQuery) -> Result<Response> {
    let roles = scope.read(async |tx| tx.roles().await).await?;
    reply::ok(&serde_json::json!({"items": roles, "next_cursor": null}))
}

pub(crate) fn describe() -> Operation {
    let all = Schema::named("RolePage", Schema::output(page(super::role())));
    let example = serde_json::json!({"items": [super::role_example()], "next_cursor": null});
    Operation::new("listRoles", "Every role").answer(Answer::json(200, "All of them.", all).example(example))
}
