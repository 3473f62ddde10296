//! `PATCH /roles/{id}`: changes a role, for everyone who has it. Right: `roles` `update`, and everything the role comes to allow.

use axum::response::Response;
use insula_engine::scope::Scope;
use insula_model::id::RoleId;
use insula_model::problem::Result;

use crate::body::JsonBody;
use crate::call::NoQuery;
use crate::path::Path;
use crate::reply;

pub(crate) async fn update(
    scope: Scope,
    Path(id): Path<RoleId>,
    NoQuery: NoQuery,
    JsonBody(body): JsonBody,
) -> Result<Response> {
    reply::ok(&scope.alter(async |tx| tx.update_role(id, &body).await).await?)
}
