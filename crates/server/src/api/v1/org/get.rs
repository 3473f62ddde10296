//! `GET /org/{kind}/{id}`: one unit. Right: `org` `read`.

use axum::response::Response;
use insula_engine::scope::Scope;
use insula_model::id::UnitId;
use insula_model::org::UnitKind;
use insula_model::problem::Result;

use crate::call::NoQuery;
use crate::openapi::{Answer, Operation};
use crate::path::Path;
use crate::reply;

pub(crate) async fn get(
    scope: Scope,
    Path((kind, id)): Path<(UnitKind, UnitId)>,
    NoQuery: NoQuery,
) -> Result<Response> {
    reply::ok(&scope.read(async |tx| tx.unit(kind, id)).await?)
}

pub(crate) fn describe() -> Operation {
    Operation::new("getUnit", "One company, branch or department")
        .answer(Answer::json(200, "The unit.", super::unit()).example(super::unit_example()))
}
