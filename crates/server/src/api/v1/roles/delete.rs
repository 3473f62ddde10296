//! `DELETE /roles/{id}`: removes a role that nobody has. Right: `roles` `delete`.

use axum::response::Response;
use insula_engine::scope::Scope;
use insula_model::id::RoleId;
use insula_model::problem::Result;

use crate::call::NoQuery;
use crate::path::Path;
use crate::reply;

pub(crate) async fn delete(scope: Scope, Path(id): Path<RoleId>, NoQuery: NoQuery) -> Result<Response> {
    scope.alter(async |tx| tx.delete_role(id).await).await?;
    Ok(reply::no_content())
}
