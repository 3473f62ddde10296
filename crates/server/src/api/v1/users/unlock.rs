//! `POST /users/{id}/unlock`: lets a member sign in again before a lock ends. Right: `users` `update`.

use axum::response::Response;
use insula_engine::attempt::Attempt;
use insula_engine::identity::users;
use insula_model::id::AccountId;
use insula_model::problem::Result;

use crate::call::NoQuery;
use crate::openapi::{Answer, Operation};
use crate::path::Path;
use crate::reply;

pub(crate) async fn unlock(attempt: Attempt, Path(id): Path<AccountId>, NoQuery: NoQuery) -> Result<Response> {
    reply::once(users::unlock(&attempt, id).await?, |user| reply::ok(&user))
}

pub(crate) fn describe() -> Operation {
    Operation::new("unlockUser", "Lets a member sign in again before a lock ends")
        .answer(Answer::json(200, "The member.", super::user()).example(super::user_example()))
}
