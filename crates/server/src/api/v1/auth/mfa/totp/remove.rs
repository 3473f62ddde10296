//! `DELETE /auth/mfa/totp`: does without the authenticator again. Anyone signed in who still has it, or a recovery code.

use axum::response::Response;
use insula_engine::identity::second_factor;
use insula_model::problem::Result;
use serde_json::json;

use crate::body::JsonBody;
use crate::call::{NoQuery, Own};
use crate::openapi::{Answer, Operation, Schema};
use crate::reply;

pub(crate) async fn remove(own: Own, NoQuery: NoQuery, JsonBody(body): JsonBody) -> Result<Response> {
    second_factor::remove(own.signed_in(), &body).await?;
    Ok(reply::no_content())
}

pub(crate) fn describe() -> Operation {
    Operation::new("removeAuthenticator", "Does without the authenticator again")
        .details("Every other session of the account ends, and its API keys.")
        .body(Schema::input(super::super::proof()))
        .sent(json!({"code": "287082"}))
        .answer(Answer::empty(204, "Sign-ins ask for the password alone."))
        .problem(403)
}
