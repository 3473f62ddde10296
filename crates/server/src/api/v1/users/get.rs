//! `GET /users/{id}`: one member of the organisation. Right: `users` `read`.

use axum::response::Response;
use insula_engine::identity::users;
use insula_engine::scope::Scope;
use insula_model::id::AccountId;
use insula_model::problem::Result;

use crate::call::NoQuery;
use crate::path::Path;
use crate::reply;

pub(crate) async fn get(scope: Scope, Path(id): Path<AccountId>, NoQuery: NoQuery) -> Result<Response> {
    reply::ok(&users::show(&scope, id).await?)
}
