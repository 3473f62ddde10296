//! `GET /groups`: every group. Right: `groups` `read`.

use axum::response::Response;
use insula_engine::scope::Scope;
use insula_model::problem::Result;

use crate::call::NoQuery;
use crate::reply;

pub(crate) async fn list(scope: Scope, NoQuery: NoQuery) -> Result<Response> {
    let groups = scope.read(async |tx| tx.groups().await).await?;
    reply::ok(&serde_json::json!({"items": groups, "next_cursor": null}))
}
