//! `POST /org/{kind}`: a new unit. Right: `org` `create`.

use axum::response::Response;
use insula_engine::attempt::Attempt;
use insula_model::org::UnitKind;
use insula_model::problem::Result;

use crate::body::JsonBody;
use crate::call::NoQuery;
use crate::openapi::{Answer, Operation, Schema, required};
use crate::path::Path;
use crate::reply;
use serde_json::json;

pub(crate) async fn create(
    attempt: Attempt,
    Path(kind): Path<UnitKind>,
    NoQuery: NoQuery,
    JsonBody(body): JsonBody,
) -> Result<Response> {
    let done = attempt.alter(&body, async |tx| tx.create_unit(kind, &body).await).await?;
    let location = |id| format!("/api/v1/org/{}/{id}", kind.plural());
    reply::once(done, |unit| reply::created(&location(unit.id), reply::ok(&unit)?))
}

pub(crate) fn describe() -> Operation {
    let body = Schema::input([required("name", Schema::label())].into_iter().chain(super::sent()));
    Operation::new("createUnit", "Makes a company, branch or department")
        .body(Schema::named("NewUnit", body))
        .sent(json!({"name": "Branch North", "code": "north", "attributes": {"region": "north"}}))
        .answer(Answer::json(201, "The unit.", super::unit()).header("Location").example(super::unit_example()))
        .problem(409)
}
