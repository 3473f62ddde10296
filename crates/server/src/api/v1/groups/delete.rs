//! `DELETE /groups/{id}`: dissolves a group; its members stay. Right: `groups` `delete`.

use axum::response::Response;
use insula_engine::scope::Scope;
use insula_model::id::GroupId;
use insula_model::problem::Result;

use crate::call::NoQuery;
use crate::openapi::{Answer, Operation};
use crate::path::Path;
use crate::reply;

pub(crate) async fn delete(scope: Scope, Path(id): Path<GroupId>, NoQuery: NoQuery) -> Result<Response> {
    scope.alter(async |tx| tx.delete_group(id).await).await?;
    Ok(reply::no_content())
}

pub(crate) fn describe() -> Operation {
    Operation::new("deleteGroup", "Dissolves a group")
        .details("Its members stay.")
        .answer(Answer::empty(204, "Removed."))
}
