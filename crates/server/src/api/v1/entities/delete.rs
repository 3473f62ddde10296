//! `DELETE /entities/{entity}`: drops an entity with all its records. Right: `entities` `delete`.

use axum::response::Response;
use insula_engine::scope::Scope;
use insula_model::problem::Result;

use crate::call::NoQuery;
use crate::openapi::{Answer, Operation};
use crate::path::Path;
use crate::reply;

pub(crate) async fn delete(scope: Scope, Path(name): Path<String>, NoQuery: NoQuery) -> Result<Response> {
    scope
        .alter(async |tx| {
            let entity = tx.entity(&name)?;
            tx.drop_entity(&entity).await
        })
        .await?;
    Ok(reply::no_content())
}

pub(crate) fn describe() -> Operation {
    Operation::new("deleteEntity", "Drops an entity with all its records")
        .answer(Answer::empty(204, "Dropped."))
        .problem(409)
}
