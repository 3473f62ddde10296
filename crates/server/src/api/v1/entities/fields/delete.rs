//! `DELETE /entities/{entity}/fields/{field}`: drops a field with all its values. Right: `entities` `update`.

use axum::response::Response;
use insula_engine::entity::Design;
use insula_engine::scope::Scope;
use insula_model::problem::Result;

use crate::api::v1::schema::{plan, plan_example};
use crate::call::Intent;
use crate::openapi::{Answer, Operation};
use crate::path::Path;
use crate::reply;

pub(crate) async fn delete(
    scope: Scope,
    Path((name, field)): Path<(String, String)>,
    intent: Intent,
) -> Result<Response> {
    if intent == Intent::Plan {
        let design = Design::DropField { entity: &name, field: &field };
        return reply::ok(&scope.read(async |tx| tx.plan_design(design).await).await?);
    }
    scope.design(async |tx| tx.drop_field(&name, &field).await).await?;
    Ok(reply::no_content())
}

pub(crate) fn describe() -> Operation {
    Operation::new("dropField", "Drops a field with all its values")
        .details("The unique keys it is part of go with it. What is made later under its name inherits nothing.")
        .parameter(super::super::dry_run())
        .answer(Answer::json(200, "With `dry_run`: the plan.", plan()).example(plan_example()))
        .answer(Answer::empty(204, "Dropped."))
        .problem(409)
}
