//! `PATCH /groups/{id}`: changes a group, for everyone in it. Right: `groups` `update`, and everything the roles allow that somebody comes to have by it.

use axum::response::Response;
use insula_engine::scope::Scope;
use insula_model::id::GroupId;
use insula_model::problem::Result;

use crate::body::JsonBody;
use crate::call::NoQuery;
use crate::openapi::{Answer, Operation, Schema, optional};
use crate::path::Path;
use crate::reply;
use serde_json::json;

pub(crate) async fn update(
    scope: Scope,
    Path(id): Path<GroupId>,
    NoQuery: NoQuery,
    JsonBody(body): JsonBody,
) -> Result<Response> {
    reply::ok(&scope.alter(async |tx| tx.update_group(id, &body).await).await?)
}

pub(crate) fn describe() -> Operation {
    let body = Schema::input([
        optional("code", Schema::code()),
        optional("name", Schema::label()),
        optional("members", super::members()),
        optional("roles", super::roles()),
    ]);
    Operation::new("updateGroup", "Changes a group")
        .details("For everyone in it, at once; a list is replaced whole.")
        .body(Schema::named("GroupPatch", body))
        .sent(json!({"roles": ["viewer"]}))
        .answer(Answer::json(200, "The group.", super::group()).example(super::group_example()))
        .problem(409)
}
