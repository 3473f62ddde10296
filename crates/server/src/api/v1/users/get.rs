//! `GET /users/{id}`: one member of the organisation. Right: `users` `read`.

use axum::response::Response;
use insula_engine::identity::users;
use insula_engine::scope::Scope;
use insula_model::id::AccountId;
use insula_model::problem::Result;

use crate::call::NoQuery;
use crate::openapi::{Answer, Operation};
use crate::path::Path;
use crate::reply;

pub(crate) async fn get(scope: Scope, Path(id): Path<AccountId>, NoQuery: NoQuery) -> Result<Response> {
    reply::ok(&users::show(&scope, id).await?)
}

pub(crate) fn describe() -> Operation {
    Operation::new("getUser", "One member of the organisation")
        .answer(Answer::json(200, "The member.", super::user()).example(super::user_example()))
}
