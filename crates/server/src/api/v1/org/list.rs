//! `GET /org/{kind}`: every unit of a kind. Right: `org` `read`.

use axum::response::Response;
use insula_engine::scope::Scope;
use insula_model::org::UnitKind;
use insula_model::problem::Result;

use crate::call::NoQuery;
use crate::openapi::{Answer, Operation, Schema, page};
use crate::path::Path;
use crate::reply;

pub(crate) async fn list(scope: Scope, Path(kind): Path<UnitKind>, NoQuery: NoQuery) -> Result<Response> {
    let units = scope.read(async |tx| tx.units(kind)).await?;
    let units: Vec<_> = units.iter().map(AsRef::as_ref).collect();
    reply::ok(&serde_json::json!({"items": units, "next_cursor": null}))
}

pub(crate) fn describe() -> Operation {
    let all = Schema::named("UnitPage", Schema::output(page(super::unit())));
    let example = serde_json::json!({"items": [super::unit_example()], "next_cursor": null});
    Operation::new("listUnits", "Every company, branch or department")
        .answer(Answer::json(200, "All of them.", all).example(example))
}
