//! `DELETE /users/{id}`: removes a member. Right: `users` `delete`.

use axum::response::Response;
use insula_engine::identity::users;
use insula_engine::scope::Scope;
use insula_model::id::AccountId;
use insula_model::problem::Result;

use crate::call::NoQuery;
use crate::openapi::{Answer, Operation};
use crate::path::Path;
use crate::reply;

pub(crate) async fn delete(scope: Scope, Path(id): Path<AccountId>, NoQuery: NoQuery) -> Result<Response> {
    users::delete(&scope, id).await?;
    Ok(reply::no_content())
}

pub(crate) fn describe() -> Operation {
    Operation::new("deleteUser", "Removes a member")
        .details("What the member wrote stays, with the member's id.")
        .answer(Answer::empty(204, "Removed."))
        .problem(409)
}
