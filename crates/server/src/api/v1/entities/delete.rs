//! `DELETE /entities/{entity}`: drops an entity with all its records. Right: `entities` `delete`.

use axum::response::Response;
use insula_engine::scope::Scope;
use insula_model::problem::Result;

use crate::call::NoQuery;
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
