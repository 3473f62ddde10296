//! `DELETE /auth/sessions/{id}`: ends one session of the caller's account. Anyone signed in.

use axum::response::Response;
use insula_engine::identity::sessions;
use insula_model::id::SessionId;
use insula_model::problem::Result;

use crate::call::{NoQuery, Own};
use crate::openapi::{Answer, Operation};
use crate::path::Path;
use crate::reply;

pub(crate) async fn end(own: Own, Path(id): Path<SessionId>, NoQuery: NoQuery) -> Result<Response> {
    sessions::end(own.signed_in(), id).await?;
    Ok(reply::no_content())
}

pub(crate) fn describe() -> Operation {
    Operation::new("endSession", "Ends one session of the account")
        .details("Its tokens are refused from then on; the one that asks may end itself.")
        .problem(403)
        .answer(Answer::empty(204, "Ended."))
}
