//! `GET /roles/{id}`: one role. Right: `roles` `read`.

use axum::response::Response;
use insula_engine::scope::Scope;
use insula_model::id::RoleId;
use insula_model::problem::Result;

use crate::call::NoQuery;
use crate::openapi::{Answer, Operation};
use crate::path::Path;
use crate::reply;

pub(crate) async fn get(scope: Scope, Path(id): Path<RoleId>, NoQuery: NoQuery) -> Result<Response> {
    reply::ok(&scope.read(async |tx| tx.role(id).await).await?)
}

pub(crate) fn describe() -> Operation {
    let answer = Answer::json(200, "The role.", super::role()).example(super::role_example());
    Operation::new("getRole", "One role").answer(answer)
}
