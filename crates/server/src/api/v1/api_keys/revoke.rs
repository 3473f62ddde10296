//! `DELETE /api-keys/{id}`: revokes a key. Anyone signed in, his own; anybody's with `users` `update`.

use axum::response::Response;
use insula_engine::identity::{InPerson, api_key};
use insula_model::id::ApiKeyId;
use insula_model::problem::Result;

use crate::call::NoQuery;
use crate::openapi::{Answer, Operation};
use crate::path::Path;
use crate::reply;

pub(crate) async fn revoke(who: InPerson, Path(id): Path<ApiKeyId>, NoQuery: NoQuery) -> Result<Response> {
    api_key::revoke(&who, id).await?;
    Ok(reply::no_content())
}

pub(crate) fn describe() -> Operation {
    Operation::new("revokeApiKey", "Revokes an API key")
        .details("It is refused from then on.")
        .answer(Answer::empty(204, "Revoked."))
        .problem(403)
}
