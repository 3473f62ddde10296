//! `GET /groups`: every group. Right: `groups` `read`.

use axum::response::Response;
use insula_engine::scope::Scope;
use insula_model::problem::Result;

use crate::call::NoQuery;
use crate::openapi::{Answer, Operation, Schema, page};
use crate::reply;

pub(crate) async fn list(scope: Scope, NoQuery: NoQuery) -> Result<Response> {
    let groups = scope.read(async |tx| tx.groups().await).await?;
    reply::ok(&serde_json::json!({"items": groups, "next_cursor": null}))
}

pub(crate) fn describe() -> Operation {
    let all = Schema::named("GroupPage", Schema::output(page(super::group())));
    let example = serde_json::json!({"items": [super::group_example()], "next_cursor": null});
    Operation::new("listGroups", "Every group").answer(Answer::json(200, "All of them.", all).example(example))
}
