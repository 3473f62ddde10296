//! `GET /authz/matrix`: what every role allows, on every resource, by every action. Right: `roles` `read`.

use axum::response::Response;
use insula_engine::scope::Scope;
use insula_model::problem::Result;

use crate::call::NoQuery;
use crate::reply;

pub(crate) async fn matrix(scope: Scope, NoQuery: NoQuery) -> Result<Response> {
    reply::ok(&scope.read(async |tx| tx.authz_matrix().await).await?)
}
