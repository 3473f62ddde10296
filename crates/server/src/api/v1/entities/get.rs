//! `GET /entities/{entity}`: one entity with its fields. Right: `entities` `read`.

use axum::response::Response;
use insula_engine::scope::Scope;
use insula_model::problem::Result;

use crate::call::NoQuery;
use crate::openapi::{Answer, Operation};
use crate::path::Path;
use crate::reply;

pub(crate) async fn get(scope: Scope, Path(name): Path<String>, NoQuery: NoQuery) -> Result<Response> {
    let entity = scope.read(async |tx| tx.show_entity(&tx.entity(&name)?)).await?;
    reply::ok(&entity)
}

pub(crate) fn describe() -> Operation {
    Operation::new("getEntity", "One entity with its fields")
        .answer(Answer::json(200, "The entity.", super::entity()).example(super::entity_example()))
}
