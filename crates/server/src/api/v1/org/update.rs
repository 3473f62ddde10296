//! `PATCH /org/{kind}/{id}`: changes a unit, for everyone who belongs to it. Right: `org` `update`.

use axum::response::Response;
use insula_engine::scope::Scope;
use insula_model::id::UnitId;
use insula_model::org::UnitKind;
use insula_model::problem::Result;

use crate::body::JsonBody;
use crate::call::NoQuery;
use crate::openapi::{Answer, Operation, Schema, optional};
use crate::path::Path;
use crate::reply;
use serde_json::json;

pub(crate) async fn update(
    scope: Scope,
    Path((kind, id)): Path<(UnitKind, UnitId)>,
    NoQuery: NoQuery,
    JsonBody(body): JsonBody,
) -> Result<Response> {
    reply::ok(&scope.alter(async |tx| tx.update_unit(kind, id, &body).await).await?)
}

pub(crate) fn describe() -> Operation {
    let body = Schema::input([optional("name", Schema::label())].into_iter().chain(super::sent()));
    Operation::new("updateUnit", "Changes a company, branch or department")
        .details("What roles reach by it changes at once. `attributes` are replaced whole.")
        .body(Schema::named("UnitPatch", body))
        .sent(json!({"attributes": {"region": "south"}}))
        .answer(Answer::json(200, "The unit.", super::unit()).example(super::unit_example()))
        .problem(409)
}
