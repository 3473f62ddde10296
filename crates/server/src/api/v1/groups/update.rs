//! `PATCH /groups/{id}`: changes a group, for everyone in it. Right: `groups` `update`, and everything the roles allow that somebody comes to have by it.

use axum::response::Response;
use insula_engine::scope::Scope;
use insula_model::id::GroupId;
use insula_model::problem::Result;

use crate::body::JsonBody;
use crate::call::NoQuery;
use crate::path::Path;
use crate::reply;

pub(crate) async fn update(
    scope: Scope,
    Path(id): Path<GroupId>,
    NoQuery: NoQuery,
    JsonBody(body): JsonBody,
) -> Result<Response> {
    reply::ok(&scope.alter(async |tx| tx.update_group(id, &body).await).await?)
}
