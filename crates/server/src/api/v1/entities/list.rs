//! `GET /entities`: every entity with its fields. Right: `entities` `read`.

use axum::response::Response;
use insula_engine::scope::Scope;
use insula_model::problem::Result;

use crate::call::NoQuery;
use crate::reply;

pub(crate) async fn list(scope: Scope, NoQuery: NoQuery) -> Result<Response> {
    let entities = scope.read(async |tx| tx.entities()).await?;
    reply::ok(&serde_json::json!({"items": entities, "next_cursor": null}))
}
