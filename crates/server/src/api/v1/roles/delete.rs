//! `DELETE /roles/{id}`: removes a role that nobody has. Right: `roles` `delete`.

use axum::response::Response;
use insula_engine::scope::Scope;
use insula_model::id::RoleId;
use insula_model::problem::Result;

use crate::call::NoQuery;
use crate::openapi::{Answer, Operation};
use crate::path::Path;
use crate::reply;

pub(crate) async fn delete(scope: Scope, Path(id): Path<RoleId>, NoQuery: NoQuery) -> Result<Response> {
    scope.alter(async |tx| tx.delete_role(id).await).await?;
    Ok(reply::no_content())
}

pub(crate) fn describe() -> Operation {
    Operation::new("deleteRole", "Removes a role")
        .details("Only one that nobody has.")
        .answer(Answer::empty(204, "Removed."))
        .problem(409)
}
