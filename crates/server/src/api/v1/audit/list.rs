//! `GET /audit`: the organisation's events, newest first. Right: `audit` `read`.

use axum::response::Response;
use insula_engine::audit::AuditQuery;
use insula_engine::scope::Scope;
use insula_model::problem::Result;

use crate::call::RawQuery;
use crate::reply;

pub(crate) async fn list(scope: Scope, RawQuery(raw): RawQuery) -> Result<Response> {
    let query = AuditQuery::parse(&raw)?;
    let page = scope.read(async |tx| tx.audit(&query).await).await?;
    reply::ok(&page)
}
