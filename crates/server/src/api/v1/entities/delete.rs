//! `DELETE /entities/{entity}`: drops an entity with all its records. Right: `entities` `delete`.

use axum::response::Response;
use insula_engine::entity::Design;
use insula_engine::scope::Scope;
use insula_model::problem::Result;

use crate::api::v1::schema::{plan, plan_example};
use crate::call::Intent;
use crate::openapi::{Answer, Operation};
use crate::path::Path;
use crate::reply;

pub(crate) async fn delete(scope: Scope, Path(name): Path<String>, intent: Intent) -> Result<Response> {
    if intent == Intent::Plan {
        let design = Design::DropEntity { entity: &name };
        return reply::ok(&scope.read(async |tx| tx.plan_design(design).await).await?);
    }
    scope
        .design(async |tx| {
            let entity = tx.entity(&name)?;
            tx.drop_entity(&entity).await
        })
        .await?;
    Ok(reply::no_content())
}

pub(crate) fn describe() -> Operation {
    Operation::new("deleteEntity", "Drops an entity with all its records")
        .parameter(super::dry_run())
        .answer(Answer::json(200, "With `dry_run`: the plan.", plan()).example(plan_example()))
        .answer(Answer::empty(204, "Dropped."))
        .problem(409)
}
