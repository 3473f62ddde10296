//! `DELETE /org/{kind}/{id}`: removes a unit that nothing belongs to. Right: `org` `delete`.

use axum::response::Response;
use insula_engine::scope::Scope;
use insula_model::id::UnitId;
use insula_model::org::UnitKind;
use insula_model::problem::Result;

use crate::call::NoQuery;
use crate::openapi::{Answer, Operation};
use crate::path::Path;
use crate::reply;

pub(crate) async fn delete(
    scope: Scope,
    Path((kind, id)): Path<(UnitKind, UnitId)>,
    NoQuery: NoQuery,
) -> Result<Response> {
    scope.alter(async |tx| tx.delete_unit(kind, id).await).await?;
    Ok(reply::no_content())
}

pub(crate) fn describe() -> Operation {
    Operation::new("deleteUnit", "Removes a company, branch or department")
        .details("409 while a unit, a user or a record refers to it, deleted records included.")
        .answer(Answer::empty(204, "Removed."))
        .problem(409)
}
