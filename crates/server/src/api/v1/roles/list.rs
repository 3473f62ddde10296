//! `GET /roles`: every role. Right: `roles` `read`.

use axum::response::Response;
use insula_engine::scope::Scope;
use insula_model::problem::Result;

use crate::call::NoQuery;
use crate::reply;

pub(crate) async fn list(scope: Scope, NoQuery: NoQuery) -> Result<Response> {
    let roles = scope.read(async |tx| tx.roles().await).await?;
    reply::ok(&serde_json::json!({"items": roles, "next_cursor": null}))
}
