//! `GET /groups/{id}`: one group. Right: `groups` `read`.

use axum::response::Response;
use insula_engine::scope::Scope;
use insula_model::id::GroupId;
use insula_model::problem::Result;

use crate::call::NoQuery;
use crate::openapi::{Answer, Operation};
use crate::path::Path;
use crate::reply;

pub(crate) async fn get(scope: Scope, Path(id): Path<GroupId>, NoQuery: NoQuery) -> Result<Response> {
    reply::ok(&scope.read(async |tx| tx.group(id).await).await?)
}

pub(crate) fn describe() -> Operation {
    let answer = Answer::json(200, "The group.", super::group()).example(super::group_example());
    Operation::new("getGroup", "One group").answer(answer)
}
