//! `POST /auth/password/change`: another password for one's own account. Anyone signed in.

use axum::response::Response;
use insula_engine::identity;
use insula_model::problem::Result;

use crate::body::JsonBody;
use crate::call::{NoQuery, Own};
use crate::openapi::{Answer, Operation, Schema, required};
use crate::reply;
use serde_json::json;

pub(crate) async fn change(own: Own, NoQuery: NoQuery, JsonBody(body): JsonBody) -> Result<Response> {
    identity::change_password(own.signed_in(), &body).await?;
    Ok(reply::no_content())
}

pub(crate) fn describe() -> Operation {
    let body = Schema::input([
        required("current_password", Schema::text(1, 4096)),
        required("new_password", super::new_password()),
    ]);
    Operation::new("changePassword", "Changes the caller's own password")
        .details("Every other session of the account ends; this one goes on with the tokens it has.")
        .body(body)
        .sent(json!({"current_password": "three-small-boats-at-sea", "new_password": "four-small-boats-at-sea"}))
        .problem(403)
        .answer(Answer::empty(204, "The password is changed."))
}
